/** Which of the room's own vehicles a gateway means. Pure; the index is made when first asked, and again after a change. */
import type { RoomState, VehicleEntry } from './room-state.ts';

/** While a truck is entered anew its VIN may stand twice: the vehicle of the later change counts, whatever came first. */
const isLater = (a: VehicleEntry, b: VehicleEntry): boolean =>
  a.version > b.version || (a.version === b.version && a.facts.id > b.facts.id);

function idsByVin(state: RoomState): Map<string, string> {
  if (state.idsByVin) return state.idsByVin;
  const ids = new Map<string, string>();
  for (const [id, entry] of state.vehicles) {
    if (entry.facts.tenantId !== state.ownTenantId) continue;
    const other = state.vehicles.get(ids.get(entry.facts.vin) ?? '');
    if (!other || isLater(entry, other)) ids.set(entry.facts.vin, id);
  }
  state.idsByVin = ids;
  return ids;
}

/**
 * The id of the own vehicle that a row names by id, by VIN, or by both; null when there is none, or when the two mean
 * different ones. Another tenant's vehicle is as unknown as an invented one.
 */
export function vehicleNamed(state: RoomState, vehicleId: string | null, vin: string | null): string | null {
  const byVin = vin === null ? null : (idsByVin(state).get(vin) ?? null);
  if (vehicleId === null) return byVin;
  if (vin !== null && byVin !== vehicleId) return null;
  return state.vehicles.get(vehicleId)?.facts.tenantId === state.ownTenantId ? vehicleId : null;
}
