/** One truck: its row, its faults and its predictions, read again when the live picture says that they have changed. */
import type { Fault } from '#contracts/faults';
import type { Prediction } from '#contracts/risk';
import type { ServiceEvent } from '#contracts/service-events';
import type { Vehicle } from '#contracts/vehicles';
import { toFailure, type ApiFailure } from '../api/failure.ts';
import * as fleet from '../api/fleet.ts';
import * as scoring from '../api/scoring.ts';
import * as service from '../api/service.ts';
import { riskLook } from '../format/states.ts';
import { formatScore } from '../format/units.ts';
import { overlayVehicle } from '../live/overlay.ts';
import { live } from './live.svelte.ts';
import { toasts } from './toasts.svelte.ts';

/** Several deltas of one sync arrive together: read once after the last. */
const settleMs = 700;

export class VehicleDetail {
  readonly id: string;
  #base = $state.raw<Vehicle | null>(null);
  faults = $state.raw<fleet.Page<Fault> | null>(null);
  predictions = $state.raw<fleet.Page<Prediction> | null>(null);
  /** The newest hundred: what the history of risk has marked on it. */
  events = $state.raw<ServiceEvent[]>([]);
  isScoring = $state(false);
  failure = $state<ApiFailure | null>(null);
  /** The parts that could not be read while the truck itself could. */
  partFailure = $state<ApiFailure | null>(null);
  readonly vehicle = $derived(this.#base === null ? null : overlayVehicle(this.#base, live.vehicle(this.#base.id)));
  readonly latest = $derived(this.predictions?.data[0] ?? null);
  readonly activeFaults = $derived((this.faults?.data ?? []).filter((fault) => fault.isActive));
  readonly clearedFaults = $derived((this.faults?.data ?? []).filter((fault) => !fault.isActive));
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(id: string) {
    this.id = id;
  }

  async load(): Promise<void> {
    try {
      this.#base = await fleet.getVehicle(this.id);
      this.failure = null;
    } catch (thrown) {
      this.failure = toFailure(thrown);
      return;
    }
    await this.#loadParts();
  }

  async #loadParts(): Promise<void> {
    try {
      const [faults, predictions, events] = await Promise.all([
        fleet.listFaults(this.id),
        fleet.listPredictions(this.id),
        service.listServiceEvents(this.id, { pageSize: 100 }),
      ]);
      this.faults = faults;
      this.predictions = predictions;
      this.events = events.data;
      this.partFailure = null;
    } catch (thrown) {
      this.partFailure = toFailure(thrown);
    }
  }

  /** Scores the truck with what is known by now; a toast says what has come of it. */
  async scoreNow(): Promise<void> {
    if (this.isScoring) return;
    this.isScoring = true;
    const before = this.latest;
    try {
      const { riskScore, riskLevel } = await scoring.scoreNow(this.id);
      const was = before === null ? '' : `, was ${formatScore(before.riskScore)}`;
      toasts.show(
        'success',
        `Scored: risk ${formatScore(riskScore)}, ${riskLook(riskLevel).word.toLowerCase()}${was}.`,
      );
      await this.load();
    } catch (thrown) {
      toasts.show('error', `The truck could not be scored. ${toFailure(thrown).message}`);
    } finally {
      this.isScoring = false;
    }
  }

  /** The live picture moved in a way that changes faults or predictions: reads again once it has settled. */
  changed(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.load(), settleMs);
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
  }
}
