/** What the home page reads besides the live picture: the worst trucks and counts until it arrives, syncs, activity. */
import type { Alert } from '#contracts/alerts';
import { riskLevels } from '#contracts/risk';
import type { SyncRun, SyncStatus } from '#contracts/sync';
import type { Vehicle } from '#contracts/vehicles';
import { toFailure, type ApiFailure } from '../api/failure.ts';
import * as fleet from '../api/fleet.ts';
import type { RiskCounts } from '../live/attention.ts';
import { live } from './live.svelte.ts';
import { scope } from './scope.svelte.ts';
import { session } from './session.svelte.ts';

/** The live picture usually answers well within this; only past it are counts asked for one by one. */
const patienceMs = 1_500;

export class Home {
  sync = $state.raw<SyncStatus | null>(null);
  runs = $state.raw<SyncRun[]>([]);
  alerts = $state.raw<Alert[]>([]);
  /** Read only when the live picture keeps us waiting. */
  worst = $state.raw<Vehicle[] | null>(null);
  counts = $state.raw<RiskCounts | null>(null);
  failure = $state<ApiFailure | null>(null);
  #timer: ReturnType<typeof setTimeout> | null = null;

  /** Reads everything once; parts that fail are named by `failure` and the others shown. */
  async load(): Promise<void> {
    this.failure = null;
    this.#timer = setTimeout(() => {
      if (!live.hasPicture) void this.#guard(() => this.#readInsteadOfLive());
    }, patienceMs);
    await Promise.all([this.#guard(() => this.#readAlerts()), this.#guard(() => this.#readSync())]);
  }

  /** Something closed or opened: the list of what changed is read again. */
  async refreshActivity(): Promise<void> {
    await this.#guard(() => this.#readAlerts());
  }

  async refreshSync(): Promise<void> {
    await this.#guard(() => this.#readSync());
  }

  async startSync(): Promise<void> {
    await fleet.startSyncRun(scope.query);
    await this.refreshSync();
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  async #readAlerts(): Promise<void> {
    if (!session.can('alerts:read')) return;
    this.alerts = (await fleet.listAlerts({ ...scope.query, pageSize: 50 })).data;
  }

  async #readSync(): Promise<void> {
    if (!session.can('sync:read')) return;
    const [status, runs] = await Promise.all([fleet.getSyncStatus(scope.query), fleet.listSyncRuns(scope.query, 10)]);
    this.sync = status;
    this.runs = runs;
  }

  async #readInsteadOfLive(): Promise<void> {
    const [worst, ...levels] = await Promise.all([
      fleet.listVehicles({ ...scope.query, sort: '-riskScore', pageSize: 20 }),
      ...riskLevels.map((riskLevel) => fleet.listVehicles({ ...scope.query, riskLevel, pageSize: 1 })),
    ]);
    const counts: RiskCounts = { low: 0, medium: 0, high: 0, critical: 0, unknown: 0, total: worst.meta.total };
    riskLevels.forEach((level, index) => {
      counts[level] = levels[index]?.meta.total ?? 0;
    });
    counts.unknown = Math.max(0, counts.total - counts.low - counts.medium - counts.high - counts.critical);
    this.worst = worst.data;
    this.counts = counts;
  }

  async #guard(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (thrown) {
      this.failure = toFailure(thrown);
    }
  }
}
