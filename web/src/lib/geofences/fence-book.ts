/** Fences by their ids, as one value that changes as a whole. Pure. */
import type { Geofence, GeofenceEvent, GeofenceEventKind } from '#contracts/geofences';

export type FencesById = ReadonlyMap<string, Geofence>;
export type FenceCounts = ReadonlyMap<string, number>;

export const noFences: FencesById = new Map();
export const noCounts: FenceCounts = new Map();

export function withFences(known: FencesById, fences: Iterable<Geofence>): FencesById {
  const next = new Map(known);
  for (const fence of fences) next.set(fence.id, fence);
  return next;
}

export function withoutFence(known: FencesById, id: string): FencesById {
  const left = new Map(known);
  left.delete(id);
  return left;
}

export function countsByKind(events: readonly GeofenceEvent[]): ReadonlyMap<GeofenceEventKind, number> {
  const counts = new Map<GeofenceEventKind, number>();
  for (const { kind } of events) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return counts;
}
