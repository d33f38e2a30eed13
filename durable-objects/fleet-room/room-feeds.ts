/**
 * What the Worker's feeds do to a room. Pure: the state goes in and is changed in place, time is a parameter.
 * A feed applied twice, late or out of order leaves the room as if every feed had come once and in order.
 */
import { isLiveAlertStatus } from '#contracts/alerts';
import type { LiveAlert } from '#contracts/live';
import { vehicleStatusAt } from '#contracts/vehicle-status';
import { placeRows, type VehicleReadingRow } from '../readings/packed-readings.ts';
import type {
  DirtyReadings,
  IdRange,
  LiveOverlay,
  RoomChange,
  RoomReadings,
  RoomSeed,
  SeedPart,
  VehicleFacts,
} from './feed.ts';
import { hasHeard, hear, hearThrough, heardUpTo } from './heard-counters.ts';
import { asRow, belongingTo, learn, takeOwn } from './room-readings.ts';
import {
  closeAlert,
  noOpenTick,
  putAlert,
  putVehicle,
  removeVehicle,
  type OpenTick,
  type RoomState,
} from './room-state.ts';
import { vehicleNamed } from './vehicle-names.ts';

/** Throws on a row of another tenant than the feed names: a mistake that must not become a leak. */
function requireOneTenant(sourceTenantId: string, rows: readonly (VehicleFacts | LiveAlert)[]): void {
  const stray = rows.find((row) => row.tenantId !== sourceTenantId);
  if (stray) throw new TypeError(`a feed of tenant ${sourceTenantId} names ${stray.id} of another tenant`);
}

const isOlderThanHeld = (held: { version: number } | undefined, version: number): boolean =>
  held !== undefined && held.version >= version;

function bury(state: RoomState, id: string, sourceTenantId: string, version: number): void {
  state.tombstones.set(id, { sourceTenantId, version });
  state.unsaved.tombstones.add(id);
}

function unbury(state: RoomState, id: string): void {
  if (state.tombstones.delete(id)) state.unsaved.tombstones.add(id);
}

/** Tombstones guard against feeds that are still on their way; once all up to their version are in, none can be. */
function clearTombstones(state: RoomState, sourceTenantId: string): void {
  const heardThrough = state.sources.get(sourceTenantId)?.heardThrough ?? 0;
  for (const [id, tombstone] of state.tombstones) {
    if (tombstone.sourceTenantId !== sourceTenantId || tombstone.version > heardThrough) continue;
    state.tombstones.delete(id);
    state.unsaved.tombstones.add(id);
  }
}

/**
 * Applies one committed change. A change of a source that was never seeded is not applied: the room could not tell it
 * from a late feed of a tenant whose dealer link has ended; the seed the caller then brings contains it.
 */
export function applyChange(state: RoomState, change: RoomChange): { isSeeded: boolean } {
  const { sourceTenantId, counters } = change;
  requireOneTenant(sourceTenantId, change.vehicles);
  requireOneTenant(sourceTenantId, change.alerts);
  const heard = state.sources.get(sourceTenantId);
  if (!heard) return { isSeeded: false };
  if (counters.every((counter) => hasHeard(heard, counter))) return { isSeeded: true };

  const version = Math.max(...counters);
  hear(heard, counters);
  state.unsaved.sources.add(sourceTenantId);
  for (const facts of change.vehicles) {
    if (isOlderThanHeld(state.vehicles.get(facts.id) ?? state.tombstones.get(facts.id), version)) continue;
    unbury(state, facts.id);
    putVehicle(state, facts, version);
  }
  for (const vehicleId of change.removedVehicleIds) {
    const known = state.vehicles.get(vehicleId);
    const tenantId = known?.facts.tenantId ?? state.readings.get(vehicleId)?.sourceTenantId ?? sourceTenantId;
    if (tenantId !== sourceTenantId) continue;
    if (isOlderThanHeld(known ?? state.tombstones.get(vehicleId), version)) continue;
    removeVehicle(state, vehicleId);
    bury(state, vehicleId, sourceTenantId, version);
  }
  for (const alert of change.alerts) {
    if (isOlderThanHeld(state.alerts.get(alert.id) ?? state.tombstones.get(alert.id), version)) continue;
    if (isLiveAlertStatus(alert.status)) {
      unbury(state, alert.id);
      putAlert(state, alert, version);
    } else {
      closeAlert(state, alert.id);
      bury(state, alert.id, sourceTenantId, version);
    }
  }
  clearTombstones(state, sourceTenantId);
  return { isSeeded: true };
}

const isWithin = (range: IdRange | null, id: string): boolean =>
  range !== null && (range.after === null || id > range.after) && (range.through === null || id <= range.through);

const wholePart: SeedPart = {
  vehicles: { after: null, through: null },
  alerts: { after: null, through: null },
  completes: null,
};

/**
 * Replaces what the room holds of a source, or of the ids its part speaks for, save what a newer change brought. A seed
 * older than what the room has heard through brings nothing new and is ignored. Until the last part has come, the room
 * has heard nothing through: should it never come, the sweep sees a room that lags.
 */
export function applySeed(state: RoomState, seed: RoomSeed, nowMs: number): void {
  const { sourceTenantId, counter, part = { ...wholePart, completes: counter } } = seed;
  requireOneTenant(sourceTenantId, seed.vehicles);
  requireOneTenant(sourceTenantId, seed.alerts);
  const heard = state.sources.get(sourceTenantId) ?? heardUpTo(part.completes ?? -1);
  if (counter < heard.heardThrough) return;
  if (part.completes !== null) hearThrough(heard, part.completes);
  state.sources.set(sourceTenantId, heard);
  state.unsaved.sources.add(sourceTenantId);

  const vehicleIds = new Set(seed.vehicles.map((facts) => facts.id));
  for (const [id, { facts, version }] of state.vehicles) {
    if (facts.tenantId !== sourceTenantId || version > counter || vehicleIds.has(id)) continue;
    if (isWithin(part.vehicles, id)) removeVehicle(state, id);
  }
  const alertIds = new Set(seed.alerts.map((alert) => alert.id));
  for (const [id, { alert, version }] of state.alerts) {
    if (alert.tenantId !== sourceTenantId || version > counter || alertIds.has(id)) continue;
    if (isWithin(part.alerts, id)) closeAlert(state, id);
  }
  const isNewer = (held: { version: number } | undefined) => held !== undefined && held.version > counter;
  for (const facts of seed.vehicles) {
    if (isNewer(state.vehicles.get(facts.id) ?? state.tombstones.get(facts.id))) continue;
    putVehicle(state, facts, counter);
  }
  for (const alert of seed.alerts) {
    if (!isLiveAlertStatus(alert.status)) continue;
    if (isNewer(state.alerts.get(alert.id) ?? state.tombstones.get(alert.id))) continue;
    putAlert(state, alert, counter);
  }
  clearTombstones(state, sourceTenantId);
  learn(state, sourceTenantId, seed.readings.map(asRow), nowMs);
}

/** Forgets everything of a source tenant. */
export function dropSource(state: RoomState, sourceTenantId: string): void {
  for (const [id, { alert }] of state.alerts) if (alert.tenantId === sourceTenantId) closeAlert(state, id);
  for (const [id, { facts }] of state.vehicles) if (facts.tenantId === sourceTenantId) removeVehicle(state, id);
  for (const [id, held] of state.readings) if (held.sourceTenantId === sourceTenantId) removeVehicle(state, id);
  for (const [id, tombstone] of state.tombstones) {
    if (tombstone.sourceTenantId !== sourceTenantId) continue;
    state.tombstones.delete(id);
    state.unsaved.tombstones.add(id);
  }
  if (state.sources.delete(sourceTenantId)) state.unsaved.sources.add(sourceTenantId);
}

/**
 * Takes in readings; answers how many became the latest of their vehicle. The room is the record of its own tenant's
 * readings, so those are kept even of a vehicle it has not heard of yet; of another tenant only while it is shown here.
 */
export function recordReadings(state: RoomState, { sourceTenantId, readings }: RoomReadings, nowMs: number): number {
  const rows = readings.map(asRow);
  if (sourceTenantId !== state.ownTenantId) return mirrorReadings(state, sourceTenantId, rows, nowMs) ?? 0;
  return takeOwn(state, belongingTo(state, sourceTenantId, rows), null, nowMs);
}

/**
 * Takes in rows of gateways (packed, as kept), each put to the vehicle of the room's own that it names; answers the places
 * of those that name none. Throws on bytes that are no rows.
 */
export function ingest(state: RoomState, rows: Uint8Array, nowMs: number): { unknown: number[] } {
  const { placed, packed, unknown } = placeRows(rows, (vehicleId, vin) => vehicleNamed(state, vehicleId, vin));
  takeOwn(state, placed, packed, nowMs);
  return { unknown };
}

/** Takes in what a linked customer's room says; null when that customer is not, or no longer, shown here. */
export function mirrorReadings(
  state: RoomState,
  sourceTenantId: string,
  rows: readonly VehicleReadingRow[],
  nowMs: number,
): number | null {
  if (sourceTenantId === state.ownTenantId || !state.sources.has(sourceTenantId)) return null;
  return learn(state, sourceTenantId, rows, nowMs);
}

/** The room's word on some vehicles; one it knows nothing of is left out. */
export function overlayOf(state: RoomState, vehicleIds: readonly string[], nowMs: number): LiveOverlay[] {
  return vehicleIds.flatMap((vehicleId) => {
    const reading = state.readings.get(vehicleId)?.reading ?? null;
    if (reading === null && !state.vehicles.has(vehicleId)) return [];
    return [{ vehicleId, status: vehicleStatusAt(reading, nowMs), reading }];
  });
}

/** The longest-waiting readings that D1 does not hold, at most `limit`, with the mark that confirms exactly these. */
export function listDirtyReadings(state: RoomState, limit: number): DirtyReadings {
  const dirty = [...state.readings]
    .filter(([, held]) => held.mark > state.confirmedMark)
    .sort(([, a], [, b]) => a.mark - b.mark)
    .slice(0, limit);
  return {
    mark: dirty.at(-1)?.[1].mark ?? state.confirmedMark,
    readings: dirty.map(([vehicleId, { reading, status }]) => ({ vehicleId, ...reading, status })),
  };
}

const hasDirtyReadings = (state: RoomState): boolean =>
  [...state.readings.values()].some((held) => held.mark > state.confirmedMark);

/**
 * True when D1 must be asked to copy readings now; the next time is then `nextDueMs`, until they are confirmed.
 * What was dirty may have gone with its vehicle: then nothing is due any more.
 */
export function isCopyBackDue(state: RoomState, nowMs: number, nextDueMs: number): boolean {
  if (state.copyBackDueMs === null || nowMs < state.copyBackDueMs) return false;
  state.copyBackDueMs = hasDirtyReadings(state) ? nextDueMs : null;
  state.unsaved.meta = true;
  return state.copyBackDueMs !== null;
}

/** Takes note that D1 holds the readings listed with `mark`; one that came since stays to be copied. */
export function confirmCopiedBack(state: RoomState, mark: number, nextDueMs: number): void {
  if (mark <= state.confirmedMark || mark >= state.nextMark) return;
  state.confirmedMark = mark;
  state.copyBackDueMs = hasDirtyReadings(state) ? nextDueMs : null;
  state.unsaved.meta = true;
}

/**
 * Ends the running tick: what changed since the last one now has the sequence number `seq`. Answers null when nothing
 * changed.
 */
export function closeTick(state: RoomState): OpenTick | null {
  if (!state.hasChanges) return null;
  const tick = state.tick;
  state.seq += 1;
  state.hasChanges = false;
  state.tick = noOpenTick(true);
  state.unsaved.meta = true;
  return tick;
}

/** Beyond this many entries the oldest go, whatever the window promises: memory is bounded first. */
export const maxLogEntries = 20_000;

/** Forgets what only a resume from before the window needs; answers the new floor, or null when it did not move. */
export function pruneLog(state: RoomState, windowDeltas: number): number | null {
  let floor = Math.max(state.resumeFloor, state.seq - windowDeltas);
  const overflowing = state.log[state.log.length - maxLogEntries - 1];
  if (overflowing) floor = Math.max(floor, overflowing.seq);
  if (floor === state.resumeFloor) return null;
  state.resumeFloor = floor;
  const firstKept = state.log.findIndex((entry) => entry.seq > floor);
  state.log = firstKept === -1 ? [] : state.log.slice(firstKept);
  state.unsaved.meta = true;
  return floor;
}
