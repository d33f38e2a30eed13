/** An organisation's API keys. A new secret is kept only until whoever asked for it has closed the dialog. */
import type { ApiKey, CreateApiKeyInput, IssuedApiKey } from '#contracts/api-keys';
import { toFailure } from '../api/failure.ts';
import type { Page } from '../api/fleet.ts';
import { LatestRead } from './latest-read.svelte.ts';

export interface KeyRequests {
  list: (page: number) => Promise<Page<ApiKey>>;
  create: (input: CreateApiKeyInput) => Promise<IssuedApiKey>;
  rotate: (id: string, overlapHours: number) => Promise<IssuedApiKey>;
  revoke: (id: string) => Promise<void>;
}

export class ApiKeys extends LatestRead {
  page = $state.raw<Page<ApiKey> | null>(null);
  /** The secret to be shown this once. */
  issued = $state.raw<IssuedApiKey | null>(null);
  #pageNumber = 1;
  readonly #requests: KeyRequests;

  constructor(requests: KeyRequests) {
    super();
    this.#requests = requests;
  }

  async load(page = this.#pageNumber): Promise<void> {
    this.#pageNumber = page;
    await this.read(
      () => this.#requests.list(page),
      (answer) => (this.page = answer),
    );
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
