/** Unit numbers for ids: from the live picture, else read once. */
import { SvelteMap } from 'svelte/reactivity';
import * as fleet from '../api/fleet.ts';
import { live } from './live.svelte.ts';

class VehicleNames {
  readonly #read = new SvelteMap<string, string>();
  readonly #asked = new Set<string>();

  /** The unit number, or null while it is not known. */
  unit(vehicleId: string): string | null {
    return live.vehicle(vehicleId)?.unitNumber ?? this.#read.get(vehicleId) ?? null;
  }

  /** Asks for one that the live picture does not hold. */
  async ask(vehicleId: string): Promise<void> {
    if (this.#asked.has(vehicleId) || this.unit(vehicleId) !== null) return;
    this.#asked.add(vehicleId);
    try {
      this.#read.set(vehicleId, (await fleet.getVehicle(vehicleId)).unitNumber);
    } catch {
      this.#asked.delete(vehicleId);
    }
  }
}

export const vehicleNames = new VehicleNames();
