/** One truck: its row, its faults and its predictions, read again when the live picture says that they have changed. */
import type { Fault } from '#contracts/faults';
import type { Prediction } from '#contracts/risk';
import type { Vehicle } from '#contracts/vehicles';
import { toFailure, type ApiFailure } from '../api/failure.ts';
import * as fleet from '../api/fleet.ts';
import { overlayVehicle } from '../live/overlay.ts';
import { live } from './live.svelte.ts';

/** Several deltas of one sync arrive together: read once after the last. */
const settleMs = 700;

export class VehicleDetail {
  readonly id: string;
  #base = $state.raw<Vehicle | null>(null);
  faults = $state.raw<fleet.Page<Fault> | null>(null);
  predictions = $state.raw<fleet.Page<Prediction> | null>(null);
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
      const [faults, predictions] = await Promise.all([fleet.listFaults(this.id), fleet.listPredictions(this.id)]);
      this.faults = faults;
      this.predictions = predictions;
      this.partFailure = null;
    } catch (thrown) {
      this.partFailure = toFailure(thrown);
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
