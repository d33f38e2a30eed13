/**
 * The order of the list beside the map: worst first, then by unit. It is kept while trucks merely move, so that no row jumps
 * under a pointer, and 5,000 trucks are sorted only when their risk has changed. Pure.
 */
import type { LiveVehicle } from '#contracts/live';

export interface FleetOrder {
  readonly ids: readonly string[];
  /** What the order was made from. */
  readonly keys: ReadonlyMap<string, OrderKey>;
}

interface OrderKey {
  riskScore: number;
  unitNumber: string;
}

export const noVehicles: ReadonlyMap<string, LiveVehicle> = new Map();

export const byId = (vehicles: readonly LiveVehicle[]): ReadonlyMap<string, LiveVehicle> =>
  new Map(vehicles.map((vehicle) => [vehicle.id, vehicle]));

export const emptyOrder: FleetOrder = { ids: [], keys: new Map() };

const byUnit = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });

const scoreOf = (vehicle: LiveVehicle): number => Math.floor(vehicle.riskScore ?? -1);

function isStillRight(order: FleetOrder, vehicles: ReadonlyMap<string, LiveVehicle>): boolean {
  if (order.keys.size !== vehicles.size) return false;
  for (const vehicle of vehicles.values()) {
    const key = order.keys.get(vehicle.id);
    if (key === undefined || key.riskScore !== scoreOf(vehicle) || key.unitNumber !== vehicle.unitNumber) return false;
  }
  return true;
}

/** The order of some vehicles; the very same object as before when nothing that it hangs on has changed. */
export function orderOf(vehicles: ReadonlyMap<string, LiveVehicle>, before: FleetOrder = emptyOrder): FleetOrder {
  if (isStillRight(before, vehicles)) return before;
  const keys = new Map<string, OrderKey>();
  for (const vehicle of vehicles.values()) {
    keys.set(vehicle.id, { riskScore: scoreOf(vehicle), unitNumber: vehicle.unitNumber });
  }
  const ids = [...keys]
    .sort(
      ([idA, a], [idB, b]) =>
        b.riskScore - a.riskScore || byUnit.compare(a.unitNumber, b.unitNumber) || (idA < idB ? -1 : 1),
    )
    .map(([id]) => id);
  return { ids, keys };
}

/** The id `step` rows further, staying on the list; the first or last where none is chosen yet. */
export function steppedId(ids: readonly string[], from: string | null, step: number): string | null {
  if (ids.length === 0) return null;
  const at = from === null ? -1 : ids.indexOf(from);
  if (at === -1) return (step > 0 ? ids[0] : ids.at(-1)) ?? null;
  return ids[Math.min(ids.length - 1, Math.max(0, at + step))] ?? null;
}
