/** Requests that a persona keeps waiting: for a while, or until somebody gives up. */

export class Holds {
  private readonly waiting = new Set<() => void>();

  /** Waits for ever, but for the client going away or `release`. */
  forever(signal: AbortSignal): Promise<void> {
    return this.hold(signal, null);
  }

  /** Waits so many milliseconds; 0 goes on at once. */
  async pause(ms: number, signal: AbortSignal): Promise<void> {
    if (ms > 0) await this.hold(signal, ms);
  }

  /** Lets everything go that waits. */
  release(): void {
    for (const stop of [...this.waiting]) stop();
  }

  private hold(signal: AbortSignal, ms: number | null): Promise<void> {
    return new Promise((resolve) => {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const stop = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', stop);
        this.waiting.delete(stop);
        resolve();
      };
      this.waiting.add(stop);
      if (ms !== null) timer = setTimeout(stop, ms);
      signal.addEventListener('abort', stop, { once: true });
      if (signal.aborted) stop();
    });
  }
}
