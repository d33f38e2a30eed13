/** The vehicle list: what the URL asks for, the page that REST gave, the live picture laid over it. */
import type { Vehicle } from '#contracts/vehicles';
import { toFailure, type ApiFailure } from '../api/failure.ts';
import * as fleet from '../api/fleet.ts';
import { overlayVehicle } from '../live/overlay.ts';
import { vehiclePageSize, type VehicleFilters } from '../vehicles/filters.ts';
import { live } from './live.svelte.ts';
import { scope } from './scope.svelte.ts';

export class VehicleList {
  page = $state.raw<fleet.Page<Vehicle> | null>(null);
  failure = $state<ApiFailure | null>(null);
  isLoading = $state(false);
  readonly rows = $derived((this.page?.data ?? []).map((vehicle) => overlayVehicle(vehicle, live.vehicle(vehicle.id))));
  #latest = 0;

  /** Reads the page that `filters` name. Answers that arrive out of order are dropped. */
  async load(filters: VehicleFilters): Promise<void> {
    const turn = ++this.#latest;
    this.isLoading = true;
    try {
      const page = await fleet.listVehicles({
        ...scope.query,
        ...(filters.tenantId === null ? {} : { tenantId: filters.tenantId }),
        ...(filters.q.trim() === '' ? {} : { q: filters.q.trim() }),
        ...(filters.riskLevel === null ? {} : { riskLevel: filters.riskLevel }),
        ...(filters.status === null ? {} : { status: filters.status }),
        sort: filters.sort,
        page: filters.page,
        pageSize: vehiclePageSize,
      });
      if (turn !== this.#latest) return;
      this.page = page;
      this.failure = null;
    } catch (thrown) {
      if (turn === this.#latest) this.failure = toFailure(thrown);
    } finally {
      if (turn === this.#latest) this.isLoading = false;
    }
  }
}
