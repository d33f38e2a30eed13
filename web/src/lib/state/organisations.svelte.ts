/** Every organisation of the platform, as its operator sees and changes them. */
import { SvelteSet } from 'svelte/reactivity';
import type { AdminTenant, AdminUpdateTenantInput, CreateTenantInput } from '#contracts/tenants';
import { toFailure } from '../api/failure.ts';
import type { Page } from '../api/fleet.ts';
import { LatestRead } from './latest-read.svelte.ts';
import { toasts } from './toasts.svelte.ts';
import { offerUndo } from './undo.ts';

export interface OrganisationRequests {
  list: (query: { q?: string; page: number }) => Promise<Page<AdminTenant>>;
  create: (input: CreateTenantInput) => Promise<AdminTenant>;
  update: (id: string, changes: AdminUpdateTenantInput) => Promise<AdminTenant>;
}

export class Organisations extends LatestRead {
  page = $state.raw<Page<AdminTenant> | null>(null);
  readonly busy = new SvelteSet<string>();
  /** Called with every one that was changed here. */
  onChange: (organisation: AdminTenant) => void = () => {};
  #query: { q: string; page: number } = { q: '', page: 1 };
  readonly #requests: OrganisationRequests;

  constructor(requests: OrganisationRequests) {
    super();
    this.#requests = requests;
  }

  async load(query: { q: string; page: number } = this.#query): Promise<void> {
    this.#query = query;
    const q = query.q.trim();
    await this.read(
      () => this.#requests.list({ ...(q === '' ? {} : { q }), page: query.page }),
      (page) => (this.page = page),
    );
  }

  /** @throws ApiFailure, for the form */
  async create(input: CreateTenantInput): Promise<AdminTenant> {
    const organisation = await this.#requests.create(input);
    void this.load();
    return organisation;
  }

  /** @throws ApiFailure, for the form or the dialog */
  async update(id: string, changes: AdminUpdateTenantInput): Promise<void> {
    this.#put(await this.#requests.update(id, changes));
  }

  /** Everybody in it is out at once. @throws ApiFailure, for the dialog */
  async suspend(organisation: AdminTenant): Promise<void> {
    await this.update(organisation.id, { isActive: false });
    offerUndo(`${organisation.name} is suspended.`, () => this.activate(organisation));
  }

  async activate({ id, name }: AdminTenant): Promise<void> {
    if (this.busy.has(id)) return;
    this.busy.add(id);
    try {
      await this.update(id, { isActive: true });
      toasts.show('success', `${name} is active again. Its people sign in anew.`);
    } catch (thrown) {
      toasts.show('error', toFailure(thrown).message);
    } finally {
      this.busy.delete(id);
    }
  }

  #put(organisation: AdminTenant): void {
    this.onChange(organisation);
    if (this.page === null) return;
    const data = this.page.data.map((known) => (known.id === organisation.id ? organisation : known));
    this.page = { ...this.page, data };
  }
}
