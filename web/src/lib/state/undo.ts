/** What can be taken back is done at once: a toast says so and holds the way back. */
import { toasts } from './toasts.svelte.ts';

const offeredForMs = 8_000;

/** `undo` must say itself, in another toast, what it has led to. */
export function offerUndo(message: string, undo: () => Promise<void>): void {
  const id = toasts.show(
    'success',
    message,
    () => {
      toasts.dismiss(id);
      void undo();
    },
    offeredForMs,
  );
}
