/**
 * The service records of one truck. A deletion can be taken back for some seconds: the record goes from the screen at once
 * and from the server when they have passed, because one that was made anew would no longer be the same.
 */
import type { CreateServiceEventInput, ServiceEvent, ServiceEventKind } from '#contracts/service-events';
import { SvelteMap } from 'svelte/reactivity';
import { toFailure } from '../api/failure.ts';
import type { Page } from '../api/fleet.ts';
import type { ServiceEventQuery } from '../api/service.ts';
import { serviceKindLook } from '../format/service.ts';
import { LatestRead } from './latest-read.svelte.ts';
import { toasts } from './toasts.svelte.ts';

const undoWithinMs = 6_000;
export const servicePageSize = 50;

export interface ServiceRequests {
  list: (query: ServiceEventQuery) => Promise<Page<ServiceEvent>>;
  create: (input: CreateServiceEventInput) => Promise<ServiceEvent>;
  remove: (id: string) => Promise<void>;
}

export interface ServiceFilters {
  kind: ServiceEventKind | null;
  page: number;
}

export class ServiceHistory extends LatestRead {
  page = $state.raw<Page<ServiceEvent> | null>(null);
  /** Told after every change on the server: predictions speak of the same records. */
  onChange: () => void = () => {};
  readonly #going = new SvelteMap<string, { timer: ReturnType<typeof setTimeout>; toast: number }>();
  /** On the page, those about to go left out. */
  readonly events = $derived((this.page?.data ?? []).filter(({ id }) => !this.#going.has(id)));
  readonly total = $derived((this.page?.meta.total ?? 0) - ((this.page?.data.length ?? 0) - this.events.length));
  #filters: ServiceFilters = { kind: null, page: 1 };
  readonly #requests: ServiceRequests;

  constructor(requests: ServiceRequests) {
    super();
    this.#requests = requests;
  }

  async load(filters: ServiceFilters = this.#filters): Promise<void> {
    this.#filters = filters;
    await this.read(
      () =>
        this.#requests.list({
          ...(filters.kind === null ? {} : { kind: filters.kind }),
          page: filters.page,
          pageSize: servicePageSize,
        }),
      (answer) => (this.page = answer),
    );
  }

  /** @throws ApiFailure, for the form */
  async add(input: CreateServiceEventInput): Promise<void> {
    const event = await this.#requests.create(input);
    toasts.show('success', `${serviceKindLook(event.kind).word} recorded: ${event.description}`);
    this.onChange();
    await this.load();
  }

  /** At once for the eye; the server is told when nobody has taken it back. */
  remove({ id, kind, description }: ServiceEvent): void {
    if (this.#going.has(id)) return;
    const timer = setTimeout(() => void this.#commit(id), undoWithinMs);
    const words = `${serviceKindLook(kind).word} deleted: ${description}`;
    const toast = toasts.show('success', words, () => this.#keep(id), undoWithinMs);
    this.#going.set(id, { timer, toast });
  }

  /** Sends what still waits: the page is being left. */
  flush(): void {
    for (const id of [...this.#going.keys()]) void this.#commit(id);
  }

  #keep(id: string): void {
    const going = this.#going.get(id);
    if (going === undefined) return;
    clearTimeout(going.timer);
    toasts.dismiss(going.toast);
    this.#going.delete(id);
  }

  async #commit(id: string): Promise<void> {
    const going = this.#going.get(id);
    if (going === undefined) return;
    clearTimeout(going.timer);
    toasts.dismiss(going.toast);
    try {
      await this.#requests.remove(id);
      if (this.page !== null) {
        const { data, meta } = this.page;
        this.page = { data: data.filter((event) => event.id !== id), meta: { ...meta, total: meta.total - 1 } };
      }
      this.onChange();
    } catch (thrown) {
      const failure = toFailure(thrown);
      // Gone already is what was wanted.
      if (failure.code === 'NOT_FOUND') await this.load();
      else toasts.show('error', `The record could not be deleted. ${failure.message}`);
    } finally {
      this.#going.delete(id);
    }
  }
}
