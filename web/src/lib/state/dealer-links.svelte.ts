/** The dealer links of one organisation: what waits, what is active, what has been. */
import type { DealerLink } from '#contracts/dealer-links';
import type { Page } from '../api/fleet.ts';
import { LatestRead } from './latest-read.svelte.ts';

export interface LinkRequests {
  list: (status: DealerLink['status'], page: number) => Promise<Page<DealerLink>>;
  ask: (otherId: string) => Promise<DealerLink>;
  accept: (id: string) => Promise<DealerLink>;
  end: (id: string) => Promise<void>;
}

export class DealerLinks extends LatestRead {
  pending = $state.raw<Page<DealerLink> | null>(null);
  active = $state.raw<Page<DealerLink> | null>(null);
  history = $state.raw<Page<DealerLink> | null>(null);
  #historyPage = 1;
  readonly #requests: LinkRequests;

  constructor(requests: LinkRequests) {
    super();
    this.#requests = requests;
  }

  async load(historyPage = this.#historyPage): Promise<void> {
    this.#historyPage = historyPage;
    await this.read(
      () =>
        Promise.all([
          this.#requests.list('pending', 1),
          this.#requests.list('active', 1),
          this.#requests.list('ended', historyPage),
        ]),
      ([pending, active, history]) => Object.assign(this, { pending, active, history }),
    );
  }

  /** @throws ApiFailure, for the form */
  async ask(otherId: string): Promise<DealerLink> {
    const link = await this.#requests.ask(otherId);
    void this.load();
    return link;
  }

  /** @throws ApiFailure, for the dialog; the list is read again either way, for the other side may have been faster */
  async accept(id: string): Promise<void> {
    try {
      await this.#requests.accept(id);
    } finally {
      void this.load();
    }
  }

  /** @throws ApiFailure, for the dialog */
  async end(id: string): Promise<void> {
    try {
      await this.#requests.end(id);
    } finally {
      void this.load();
    }
  }
}
