/** What tenants' objects ask the Worker to fetch from them: one piece of work for each kind of message. */
import { openDatabase } from '../db/client.ts';
import type { Env, LiveQueueMessage } from '../env.ts';
import { settleDisplays } from '../features/displays/health.ts';
import { takeFenceEvents } from '../features/geofences/take-events.ts';
import { copyBackReadings } from '../features/live/copy-back.ts';
import { restoreSomeDays } from '../features/track-archive/restore-days.ts';
import { scopeForJob } from '../http/tenant-scope.ts';
import { logFailure } from '../log.ts';

const retryAfterSeconds = 5;

/** Each may come twice, or late: all of them look at what is there now. */
const workOf: Record<LiveQueueMessage['kind'], (env: Env, tenantId: string) => Promise<unknown>> = {
  copy_back: (env, tenantId) => copyBackReadings(env, tenantId),
  fence_events: (env, tenantId) => takeFences(env, tenantId),
  display_health: (env, tenantId) => settleDisplays(scopeForJob(tenantId), env, openDatabase(env.DB), new Date()),
  track_restores: (env, tenantId) => restoreTracks(env, tenantId),
};

/** Brings some days back; what one turn cannot take has another. */
async function restoreTracks(env: Env, tenantId: string): Promise<void> {
  const { isDone } = await restoreSomeDays(scopeForJob(tenantId), env, openDatabase(env.DB), new Date());
  if (!isDone) await env.LIVE_QUEUE.send({ kind: 'track_restores', tenantId });
}

/** Takes over what happened at the fences; what one turn cannot take has another. */
async function takeFences(env: Env, tenantId: string): Promise<void> {
  const { isDone } = await takeFenceEvents(scopeForJob(tenantId), env, openDatabase(env.DB), new Date());
  if (!isDone) await env.LIVE_QUEUE.send({ kind: 'fence_events', tenantId });
}

/** Several objects' wishes may share a batch: each is done once, settled on its own, and asked for again when it failed. */
export async function consumeLiveQueue(batch: MessageBatch<LiveQueueMessage>, env: Env): Promise<void> {
  const wishes = Map.groupBy(batch.messages, ({ body: { kind, tenantId } }) => `${kind} ${tenantId}`);
  await Promise.all(
    [...wishes.values()].map(async (messages) => {
      const [first] = messages;
      if (first === undefined) return;
      const { kind, tenantId } = first.body;
      try {
        await workOf[kind](env, tenantId);
        for (const message of messages) message.ack();
      } catch (cause) {
        logFailure(`${kind}_failed`, cause, { tenantId });
        for (const message of messages) message.retry({ delaySeconds: retryAfterSeconds });
      }
    }),
  );
}
