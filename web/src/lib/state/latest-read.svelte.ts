/** What every list read from the API keeps beside its rows: whether it is being read, and why it could not be. */
import { toFailure, type ApiFailure } from '../api/failure.ts';

export class LatestRead {
  failure = $state.raw<ApiFailure | null>(null);
  isLoading = $state(false);
  #turn = 0;

  /** Asks, and hands the answer to `take` unless something newer has been asked meanwhile. Never throws. */
  protected async read<T>(ask: () => Promise<T>, take: (answer: T) => void): Promise<void> {
    const turn = ++this.#turn;
    this.isLoading = true;
    try {
      const answer = await ask();
      if (turn !== this.#turn) return;
      take(answer);
      this.failure = null;
    } catch (thrown) {
      if (turn === this.#turn) this.failure = toFailure(thrown);
    } finally {
      if (turn === this.#turn) this.isLoading = false;
    }
  }
}
