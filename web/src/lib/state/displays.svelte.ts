/** The displays of an organisation: read again while somebody looks, changed at once. What they ask is handed in. */
import type {
  ClaimDisplayInput,
  Display,
  DisplayCommand,
  DisplayCommandInput,
  UpdateDisplayInput,
} from '#contracts/displays';
import { toFailure } from '../api/failure.ts';
import type { Page } from '../api/fleet.ts';
import { LatestRead } from './latest-read.svelte.ts';

export interface DisplayRequests {
  list: (page: number) => Promise<Page<Display>>;
  claim: (input: ClaimDisplayInput) => Promise<void>;
  update: (id: string, input: UpdateDisplayInput) => Promise<Display>;
  command: (id: string, input: DisplayCommandInput) => Promise<boolean>;
  unpair: (id: string) => Promise<void>;
}

export class Displays extends LatestRead {
  page = $state.raw<Page<Display> | null>(null);
  #pageNumber = 1;
  readonly #requests: DisplayRequests;

  constructor(requests: DisplayRequests) {
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
  async claim(input: ClaimDisplayInput): Promise<void> {
    await this.#requests.claim(input);
    await this.load(1);
  }

  /** Saved at once. @throws ApiFailure */
  async update(id: string, input: UpdateDisplayInput): Promise<void> {
    this.#put(await this.#requests.update(id, input));
  }

  /** True when the screen heard it at once. @throws ApiFailure */
  async command(id: string, command: Exclude<DisplayCommand, 'layout'>): Promise<boolean> {
    const isDelivered = await this.#requests.command(id, { command });
    const known = this.page?.data.find((display) => display.id === id);
    if (known !== undefined && (command === 'sleep' || command === 'wake')) {
      this.#put({ ...known, isAsleep: command === 'sleep' });
    }
    return isDelivered;
  }

  /** @throws ApiFailure, for the dialog; one that is gone already is no failure */
  async unpair(id: string): Promise<void> {
    try {
      await this.#requests.unpair(id);
    } catch (thrown) {
      if (toFailure(thrown).code !== 'NOT_FOUND') throw thrown;
    }
    await this.load();
  }

  #put(display: Display): void {
    if (this.page === null) return;
    this.page = { ...this.page, data: this.page.data.map((one) => (one.id === display.id ? display : one)) };
  }
}
