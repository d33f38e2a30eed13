/** An organisation's API keys. A new secret is kept only until whoever asked for it has closed the dialog. */
import type { ApiKey, CreateApiKeyInput, IssuedApiKey } from '#contracts/api-keys';
import { toFailure, type ApiFailure } from '../api/failure.ts';
import type { Page } from '../api/fleet.ts';

export interface KeyRequests {
  list: (page: number) => Promise<Page<ApiKey>>;
  create: (input: CreateApiKeyInput) => Promise<IssuedApiKey>;
  rotate: (id: string, overlapHours: number) => Promise<IssuedApiKey>;
  revoke: (id: string) => Promise<void>;
}

export class ApiKeys {
  page = $state.raw<Page<ApiKey> | null>(null);
  failure = $state.raw<ApiFailure | null>(null);
  isLoading = $state(false);
  /** The secret to be shown this once. */
  issued = $state.raw<IssuedApiKey | null>(null);
  #pageNumber = 1;
  #turn = 0;
  readonly #requests: KeyRequests;

  constructor(requests: KeyRequests) {
    this.#requests = requests;
  }

  async load(page = this.#pageNumber): Promise<void> {
    const turn = ++this.#turn;
    this.#pageNumber = page;
    this.isLoading = true;
    try {
      const answer = await this.#requests.list(page);
      if (turn !== this.#turn) return;
      this.page = answer;
      this.failure = null;
    } catch (thrown) {
      if (turn === this.#turn) this.failure = toFailure(thrown);
    } finally {
      if (turn === this.#turn) this.isLoading = false;
    }
  }

  /** @throws ApiFailure, for the form */
  async create(input: CreateApiKeyInput): Promise<void> {
    this.issued = await this.#requests.create(input);
    void this.load(1);
  }

  /** @throws ApiFailure, for the form */
  async rotate(id: string, overlapHours: number): Promise<void> {
    this.issued = await this.#requests.rotate(id, overlapHours);
    void this.load();
  }

  /** @throws ApiFailure, for the dialog; one that is gone already is no failure */
  async revoke(id: string): Promise<void> {
    try {
      await this.#requests.revoke(id);
    } catch (thrown) {
      if (toFailure(thrown).code !== 'NOT_FOUND') throw thrown;
    }
    await this.load();
  }

  forgetSecret(): void {
    this.issued = null;
  }
}
