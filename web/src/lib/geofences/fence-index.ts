/** Which trucks stand in which fences, for as many of both as an organisation may have: boxes first, then the shapes. Pure. */
import Flatbush from 'flatbush';
import type { Geofence, GeofenceShape } from '#contracts/geofences';
import type { LiveVehicle } from '#contracts/live';
import { isPlaced } from '../map/fleet-features.ts';
import { boxOf, isInside, type Box } from './shapes.ts';

const holds = ([west, south, east, north]: Box, lon: number, lat: number): boolean =>
  lon >= west && lon <= east && lat >= south && lat <= north;

/** The trucks of a fence's organisation that are inside it, by unit. A circle over the date line is looked at as drawn. */
export function trucksInside(
  fence: { tenantId: string; shape: GeofenceShape },
  vehicles: Iterable<LiveVehicle>,
): LiveVehicle[] {
  const box = boxOf(fence.shape);
  const inside: LiveVehicle[] = [];
  for (const vehicle of vehicles) {
    if (vehicle.tenantId !== fence.tenantId || !isPlaced(vehicle)) continue;
    if (!holds(box, vehicle.lon, vehicle.lat)) continue;
    if (isInside(fence.shape, [vehicle.lon, vehicle.lat])) inside.push(vehicle);
  }
  return inside.sort((a, b) => a.unitNumber.localeCompare(b.unitNumber, 'en', { numeric: true }));
}

export class FenceIndex {
  readonly #fences: readonly Geofence[];
  readonly #tree: Flatbush | null;

  constructor(fences: readonly Geofence[]) {
    this.#fences = fences;
    if (fences.length === 0) {
      this.#tree = null;
      return;
    }
    const tree = new Flatbush(fences.length);
    for (const { shape } of fences) tree.add(...boxOf(shape));
    tree.finish();
    this.#tree = tree;
  }

  /** How many trucks are inside each fence; fences without one are left out. */
  counts(vehicles: Iterable<LiveVehicle>): Map<string, number> {
    const counts = new Map<string, number>();
    const tree = this.#tree;
    if (tree === null) return counts;
    for (const vehicle of vehicles) {
      if (!isPlaced(vehicle)) continue;
      const { lon, lat } = vehicle;
      for (const at of tree.search(lon, lat, lon, lat)) {
        const fence = this.#fences[at];
        if (fence === undefined || fence.tenantId !== vehicle.tenantId) continue;
        if (isInside(fence.shape, [lon, lat])) counts.set(fence.id, (counts.get(fence.id) ?? 0) + 1);
      }
    }
    return counts;
  }
}
