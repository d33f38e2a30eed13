/** What a screen needs of its browser: to stay awake, and to remember for a while what went wrong. */

/** Keeps the screen lit while the page is visible; the answer lets it go. */
export function stayAwake(): () => void {
  let lock: WakeLockSentinel | null = null;
  const wake = async (): Promise<void> => {
    if (document.visibilityState !== 'visible' || !('wakeLock' in navigator)) return;
    try {
      lock = await navigator.wakeLock.request('screen');
    } catch {
      // Refused on battery saving; the screen's own settings decide then.
    }
  };
  const listen = (): void => void wake();
  void wake();
  document.addEventListener('visibilitychange', listen);
  return () => {
    document.removeEventListener('visibilitychange', listen);
    void lock?.release();
  };
}

/** An error is told for this long: what happened last week is no news. */
const toldForMs = 60 * 60_000;
const longest = 500;

/** The last thing that went wrong on this screen. */
export class ErrorMemory {
  #last: { message: string; atMs: number } | null = null;

  note(message: string, nowMs: number): void {
    const text = message.trim().slice(0, longest);
    if (text !== '') this.#last = { message: text, atMs: nowMs };
  }

  /** null when nothing went wrong within the last hour. */
  last(nowMs: number): string | null {
    return this.#last !== null && nowMs - this.#last.atMs < toldForMs ? this.#last.message : null;
  }
}

/** Notes what the page itself throws; the answer stops that. */
export function noteErrors(memory: ErrorMemory): () => void {
  const thrown = (event: ErrorEvent): void => memory.note(event.message, Date.now());
  const rejected = (event: PromiseRejectionEvent): void => {
    memory.note(event.reason instanceof Error ? event.reason.message : String(event.reason), Date.now());
  };
  addEventListener('error', thrown);
  addEventListener('unhandledrejection', rejected);
  return () => {
    removeEventListener('error', thrown);
    removeEventListener('unhandledrejection', rejected);
  };
}

/** `1920×1080` in real pixels. */
export const viewportOf = (width: number, height: number, ratio: number): string =>
  `${Math.round(width * ratio)}×${Math.round(height * ratio)}`;
