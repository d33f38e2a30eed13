/** The alert inbox: what the URL asks for, what REST has read, the live alerts over it. */
import {
  alertSeverities,
  alertStatuses,
  isLiveAlertStatus,
  type Alert,
  type AlertSeverity,
  type AlertStatus,
} from '#contracts/alerts';
import { SvelteMap } from 'svelte/reactivity';
import { toFailure, type ApiFailure } from '../api/failure.ts';
import * as fleet from '../api/fleet.ts';
import { inboxAlerts, inboxGroups } from '../live/inbox.ts';
import { alertActions } from './alert-actions.svelte.ts';
import { live } from './live.svelte.ts';
import { scope } from './scope.svelte.ts';

export interface InboxFilters {
  view: AlertStatus;
  severity: AlertSeverity | null;
  vehicleId: string | null;
}

/** Filters from a URL; what the URL gets wrong falls back to open alerts. */
export function inboxFiltersFrom(params: { get: (name: string) => string | null }): InboxFilters {
  return {
    view: alertStatuses.find((status) => status === params.get('status')) ?? 'open',
    severity: alertSeverities.find((severity) => severity === params.get('severity')) ?? null,
    vehicleId: params.get('vehicleId'),
  };
}

export class AlertInbox {
  filters = $state.raw<InboxFilters>({ view: 'open', severity: null, vehicleId: null });
  failure = $state<ApiFailure | null>(null);
  isLoading = $state(false);
  /** Alerts of the view on the server; REST reads a hundred at a time. */
  total = $state<number | null>(null);
  readonly #read = new SvelteMap<string, Alert>();
  #page = 1;
  #latest = 0;

  readonly alerts = $derived(
    inboxAlerts({
      ...this.filters,
      read: this.#read,
      live: live.hasPicture ? live.picture.alerts : null,
      decided: alertActions.decided,
    }),
  );
  readonly groups = $derived(inboxGroups(this.alerts));
  /** In the order on screen, for J and K. */
  readonly ordered = $derived(this.groups.flatMap((group) => group.alerts));
  /** Views that the live picture holds whole need no further pages. */
  readonly hasMore = $derived(
    this.total !== null &&
      !(live.hasPicture && isLiveAlertStatus(this.filters.view)) &&
      this.alerts.length < this.total,
  );

  constructor() {
    alertActions.onAnswer = (alert) => this.#read.set(alert.id, alert);
  }

  async load(filters: InboxFilters): Promise<void> {
    this.filters = filters;
    this.total = null;
    this.#page = 1;
    await this.#readPage();
  }

  async more(): Promise<void> {
    this.#page += 1;
    await this.#readPage();
  }

  async #readPage(): Promise<void> {
    const turn = ++this.#latest;
    const { view, severity, vehicleId } = this.filters;
    this.isLoading = true;
    try {
      const page = await fleet.listAlerts({
        ...scope.query,
        status: view,
        ...(severity === null ? {} : { severity }),
        ...(vehicleId === null ? {} : { vehicleId }),
        page: this.#page,
        pageSize: 100,
      });
      for (const alert of page.data) this.#read.set(alert.id, alert);
      if (turn !== this.#latest) return;
      this.total = page.meta.total;
      this.failure = null;
    } catch (thrown) {
      if (turn === this.#latest) this.failure = toFailure(thrown);
    } finally {
      if (turn === this.#latest) this.isLoading = false;
    }
  }

  /** Reads one alert whole: its drawer is open. Failures leave what the live picture knows. */
  async readWhole(id: string): Promise<void> {
    try {
      this.#read.set(id, await fleet.getAlert(id));
    } catch {
      // The drawer shows title, severity and age from the live picture and says that the rest could not be read.
    }
  }
}
