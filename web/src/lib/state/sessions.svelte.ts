/** Where a person is signed in, and ending it. */
import type { Session } from '#contracts/auth';
import { toFailure, type ApiFailure } from '../api/failure.ts';

export interface SessionRequests {
  list: () => Promise<{ data: Session[] }>;
  end: (id: string) => Promise<void>;
}

export class Sessions {
  /** null until read. This device first, then last used first. */
  all = $state.raw<Session[] | null>(null);
  failure = $state.raw<ApiFailure | null>(null);
  readonly others = $derived((this.all ?? []).filter(({ isCurrent }) => !isCurrent));
  readonly #requests: SessionRequests;

  constructor(requests: SessionRequests) {
    this.#requests = requests;
  }

  async load(): Promise<void> {
    try {
      const { data } = await this.#requests.list();
      this.all = data.toSorted((a, b) => Number(b.isCurrent) - Number(a.isCurrent));
      this.failure = null;
    } catch (thrown) {
      this.failure = toFailure(thrown);
    }
  }

  /** @throws ApiFailure; one that has ended meanwhile is no failure */
  async end(id: string): Promise<void> {
    try {
      await this.#requests.end(id);
    } catch (thrown) {
      if (toFailure(thrown).code !== 'NOT_FOUND') throw thrown;
    }
    this.all = (this.all ?? []).filter((session) => session.id !== id);
  }

  /** One after the other, so that a refusal leaves the rest on screen. @throws ApiFailure */
  async endOthers(): Promise<void> {
    for (const { id } of this.others) await this.end(id);
    await this.load();
  }
}
