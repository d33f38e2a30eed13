/** Watches several worlds at once, one thread each, as many as there are processors; the answers keep the order of the worlds. */
import { availableParallelism } from 'node:os';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { observeWorld, type ObservedWorld, type TrainingWorld } from './worlds.ts';

if (!isMainThread) {
  parentPort?.on('message', (world: TrainingWorld) => parentPort?.postMessage(observeWorld(world)));
}

export async function observeWorlds(
  worlds: readonly TrainingWorld[],
  onDone: (world: TrainingWorld, observed: ObservedWorld) => void,
): Promise<ObservedWorld[]> {
  const results = new Array<ObservedWorld>(worlds.length);
  let next = 0;
  const work = async (): Promise<void> => {
    const thread = new Worker(import.meta.filename);
    try {
      for (let at = next++; at < worlds.length; at = next++) {
        const world = worlds[at] as TrainingWorld;
        const observed = await new Promise<ObservedWorld>((resolve, reject) => {
          thread.once('message', resolve);
          thread.once('error', reject);
          thread.postMessage(world);
        });
        thread.removeAllListeners('error');
        results[at] = observed;
        onDone(world, observed);
      }
    } finally {
      await thread.terminate();
    }
  };
  await Promise.all(Array.from({ length: Math.min(worlds.length, availableParallelism()) }, work));
  return results;
}
