/** What has been typed and not saved: whatever would throw it away asks first. One form at a time is guarded. */

class Unsaved {
  /** What somebody was about to do when they were asked; null while nobody is asked. */
  wanted = $state.raw<(() => void) | null>(null);
  #holds: () => boolean = () => false;

  /** Guards a form while it is on screen; the answer lets go of it. */
  guard(holds: () => boolean): () => void {
    this.#holds = holds;
    return () => {
      if (this.#holds !== holds) return;
      this.#holds = () => false;
      this.wanted = null;
    };
  }

  get isHeld(): boolean {
    return this.#holds();
  }

  /** Does at once what leaves the form, or asks first when something would be lost. */
  leave(go: () => void): void {
    if (this.isHeld) this.wanted = go;
    else go();
  }

  stay(): void {
    this.wanted = null;
  }

  /** The changes may go. */
  discard(): void {
    const go = this.wanted;
    this.#holds = () => false;
    this.wanted = null;
    go?.();
  }
}

export const unsaved = new Unsaved();
