/** How the sync of every organisation fares, and trying it again. */
import { SvelteSet } from 'svelte/reactivity';
import type { TenantSyncStatus, TriggeredSync } from '#contracts/admin';
import { byUrgency } from '../admin/conditions.ts';
import { toFailure } from '../api/failure.ts';
import type { Page } from '../api/fleet.ts';
import { plural } from '../format/units.ts';
import { LatestRead } from './latest-read.svelte.ts';
import { toasts } from './toasts.svelte.ts';

export interface SyncHealthRequests {
  list: (page: number) => Promise<Page<TenantSyncStatus>>;
  /** null: all of them. */
  trigger: (tenantId: string | null) => Promise<TriggeredSync>;
}

export class SyncHealth extends LatestRead {
  page = $state.raw<Page<TenantSyncStatus> | null>(null);
  readonly busy = new SvelteSet<string>();
  readonly statuses = $derived(byUrgency(this.page?.data ?? []));
  #pageNumber = 1;
  readonly #requests: SyncHealthRequests;

  constructor(requests: SyncHealthRequests) {
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

  async retry({ tenantId, tenantName }: TenantSyncStatus): Promise<void> {
    if (this.busy.has(tenantId)) return;
    this.busy.add(tenantId);
    try {
      const { started, skipped } = await this.#requests.trigger(tenantId);
      if (started.length > 0) toasts.show('success', `The sync of ${tenantName} is on its way.`);
      else toasts.show('info', `${tenantName}: ${skipped[0]?.reason ?? 'nothing was started.'}`);
      await this.load();
    } catch (thrown) {
      toasts.show('error', toFailure(thrown).message);
    } finally {
      this.busy.delete(tenantId);
    }
  }

  /** @throws ApiFailure, for the dialog */
  async startAll(): Promise<void> {
    const { started, skipped } = await this.#requests.trigger(null);
    const left = skipped.length === 0 ? '' : ` ${plural(skipped.length, 'organisation')} skipped.`;
    toasts.show(
      started.length > 0 ? 'success' : 'info',
      `${plural(started.length, 'sync', 'syncs')} on the way.${left}`,
    );
    await this.load();
  }
}
