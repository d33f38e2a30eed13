/**
 * The latest reading of each vehicle: how it changes, and how a recovery changes it again. Pure.
 *
 * Of two readings the newer one counts, of two of one instant the first; meters only rise, so what any reading said of
 * them stays true. Whatever the order, the picture ends the same. Every change leaves an entry in the journal.
 */
import { asKept } from '#contracts/reading-scales';
import { liveForMs, type Reading } from '#contracts/telemetry';
import { statusSpan } from '#contracts/vehicle-status';
import type { VehicleReadingRow } from '../readings/packed-readings.ts';
import type { OwedEntry } from './journal-codec.ts';
import { touchVehicle, type ReadingEntry, type RoomState } from './room-state.ts';

/** How long a reading may wait before the Worker is asked to copy it to D1, which must lag by no more than 30 s. */
export const copyBackWithinMs = 20_000;

/** Rows of one journal entry at most: packed they stay far below the 2 MB a value may have. */
export const maxRowsPerEntry = 16_000;

function announceDirty(state: RoomState, nowMs: number): void {
  if (state.copyBackDueMs !== null) return;
  state.copyBackDueMs = nowMs + copyBackWithinMs;
  state.unsaved.meta = true;
}

function awaitAgeing(state: RoomState, dueMs: number | null): void {
  if (dueMs !== null && (state.statusDueMs === null || dueMs < state.statusDueMs)) state.statusDueMs = dueMs;
}

const higher = (a: number | null, b: number | null): number | null =>
  a === null || b === null ? (a ?? b) : Math.max(a, b);

/** The reading with the higher meters of both; the very same object when it has them already. */
function withMeters(reading: Reading, other: Reading): Reading {
  const odometerMiles = higher(reading.odometerMiles, other.odometerMiles);
  const engineHours = higher(reading.engineHours, other.engineHours);
  if (odometerMiles === reading.odometerMiles && engineHours === reading.engineHours) return reading;
  return { ...reading, odometerMiles, engineHours };
}

/** What is held once `reading` has come, or the held one itself when that is no news. */
function merge(held: ReadingEntry | undefined, atMs: number, reading: Reading): Reading {
  if (!held) return reading;
  return atMs > held.atMs ? withMeters(reading, held.reading) : withMeters(held.reading, reading);
}

/** Where a row stands: whose vehicle it is of, in which tick it came, and its mark (0: nothing to copy to D1). */
interface Place {
  sourceTenantId: string;
  seq: number;
  mark: number;
}

/** Too old to say anything of now. What others keep (a customer's room, D1) they have judged themselves. */
const isHistory = (kind: 'taken' | 'known', atMs: number, nowMs: number): boolean =>
  kind === 'taken' && nowMs - atMs > liveForMs;

/** What is held of a vehicle once a row has come, with the status of `nowMs`; null when the row is no news. */
function entryAfter(
  held: ReadingEntry | undefined,
  kind: 'taken' | 'known',
  { sourceTenantId, seq, mark }: Place,
  { reading, atMs = Date.parse(reading.at) }: VehicleReadingRow,
  nowMs: number,
): ReadingEntry | null {
  if (isHistory(kind, atMs, nowMs)) return null;
  const isNewest = held === undefined || atMs > held.atMs;
  const merged = merge(held, atMs, reading);
  if (merged === held?.reading) return null;
  const mergedAtMs = isNewest ? atMs : held.atMs;
  const { status, untilMs } = statusSpan(merged, mergedAtMs, nowMs);
  return {
    sourceTenantId,
    reading: merged,
    atMs: mergedAtMs,
    status,
    statusUntilMs: untilMs,
    seq,
    // A meter that D1 knew already does not make it know the reading that waits to be copied.
    mark: kind === 'known' && !isNewest ? held.mark : mark,
  };
}

/** Merges one row; 'newest' when it is now the latest of its vehicle, 'meters' when it only raised a meter. */
function takeRow(
  state: RoomState,
  kind: 'taken' | 'known',
  place: Place,
  row: VehicleReadingRow,
  nowMs: number,
): 'newest' | 'meters' | 'nothing' {
  const { vehicleId } = row;
  const held = state.readings.get(vehicleId);
  const entry = entryAfter(held, kind, place, row, nowMs);
  if (!entry) return 'nothing';
  touchVehicle(state, vehicleId);
  state.readings.set(vehicleId, entry);
  awaitAgeing(state, entry.statusUntilMs);
  if (kind === 'taken') announceDirty(state, nowMs);
  return held === undefined || entry.atMs > held.atMs ? 'newest' : 'meters';
}

/** Whether rows that claim to be of a tenant's vehicle may be: one vehicle's never come from two tenants. */
const belongs = (state: RoomState, vehicleId: string, sourceTenantId: string): boolean => {
  const tenantId = state.vehicles.get(vehicleId)?.facts.tenantId ?? state.readings.get(vehicleId)?.sourceTenantId;
  return (tenantId ?? sourceTenantId) === sourceTenantId && !state.tombstones.has(vehicleId);
};

/**
 * Takes rows of the own tenant's vehicles, as they are kept (`asKept`), for the picture, for D1 and for the tracks.
 * `packed` are the same rows in bytes, where somebody has them already. Answers how many became their vehicle's latest.
 */
export function takeOwn(
  state: RoomState,
  rows: readonly VehicleReadingRow[],
  packed: Uint8Array | null,
  nowMs: number,
): number {
  let newest = 0;
  for (let from = 0; from < rows.length; from += maxRowsPerEntry) {
    const slice = rows.length <= maxRowsPerEntry ? rows : rows.slice(from, from + maxRowsPerEntry);
    const mark = state.nextMark;
    const seq = state.seq + 1;
    slice.forEach((row, n) => {
      const place = { sourceTenantId: state.ownTenantId, seq, mark: mark + n };
      if (takeRow(state, 'taken', place, row, nowMs) === 'newest') newest += 1;
    });
    state.nextMark += slice.length;
    state.unsaved.journal.push({
      kind: 'taken',
      seq,
      nowMs,
      mark,
      rows: slice,
      packed: slice === rows ? packed : null,
    });
  }
  return newest;
}

/** Readings as a person or a portal gave them become what is kept; time in UTC to the millisecond. */
export const asRow = ({ vehicleId, ...reading }: Reading & { vehicleId: string }): VehicleReadingRow => ({
  vehicleId,
  reading: { ...asKept(reading), at: new Date(reading.at).toISOString() },
});

/** Rows that may be of the tenant they are said to be of. */
export const belongingTo = (
  state: RoomState,
  sourceTenantId: string,
  rows: readonly VehicleReadingRow[],
): VehicleReadingRow[] => rows.filter(({ vehicleId }) => belongs(state, vehicleId, sourceTenantId));

/** Takes in what somebody else keeps: the picture shows it. Answers how many became their vehicle's latest. */
export function learn(
  state: RoomState,
  sourceTenantId: string,
  rows: readonly VehicleReadingRow[],
  nowMs: number,
): number {
  let newest = 0;
  const seq = state.seq + 1;
  const news: VehicleReadingRow[] = [];
  for (const row of rows) {
    if (!belongs(state, row.vehicleId, sourceTenantId)) continue;
    const taken = takeRow(state, 'known', { sourceTenantId, seq, mark: 0 }, row, nowMs);
    if (taken !== 'nothing') news.push(row);
    if (taken === 'newest') newest += 1;
  }
  for (let from = 0; from < news.length; from += maxRowsPerEntry) {
    const slice = news.slice(from, from + maxRowsPerEntry);
    state.unsaved.journal.push({ kind: 'known', sourceTenantId, seq, nowMs, mark: state.nextMark, rows: slice });
  }
  return newest;
}

function ageOne(state: RoomState, held: ReadingEntry, place: { seq: number; mark: number }, nowMs: number): void {
  const { status, untilMs } = statusSpan(held.reading, held.atMs, nowMs);
  held.status = status;
  held.statusUntilMs = untilMs;
  held.seq = place.seq;
  if (held.sourceTenantId === state.ownTenantId) held.mark = place.mark;
}

/** Moves the statuses that age has changed by `nowMs` (epoch milliseconds). D1 learns of them like of a reading. */
export function ageStatuses(state: RoomState, nowMs: number): void {
  if (state.statusDueMs === null || nowMs < state.statusDueMs) return;
  const mark = state.nextMark;
  const seq = state.seq + 1;
  const vehicleIds: string[] = [];
  let earliest: number | null = null;
  for (const [vehicleId, held] of state.readings) {
    if (held.statusUntilMs !== null && held.statusUntilMs <= nowMs) {
      touchVehicle(state, vehicleId);
      ageOne(state, held, { seq, mark: mark + vehicleIds.length }, nowMs);
      if (held.sourceTenantId === state.ownTenantId) announceDirty(state, nowMs);
      vehicleIds.push(vehicleId);
    }
    if (held.statusUntilMs !== null && (earliest === null || held.statusUntilMs < earliest)) {
      earliest = held.statusUntilMs;
    }
  }
  state.statusDueMs = earliest;
  if (vehicleIds.length === 0) return;
  state.nextMark += vehicleIds.length;
  state.unsaved.journal.push({ kind: 'aged', seq, nowMs, mark, vehicleIds });
}

/**
 * Does an entry again, on the readings as they were before it. Sets readings and `nextMark` alone: ticks, and what waits to
 * be copied back, are remembered elsewhere.
 */
export function redo(state: RoomState, entry: OwedEntry): void {
  const { seq, nowMs, mark } = entry;
  const marksGiven = entry.kind === 'taken' || entry.kind === 'aged' ? entry.count : 0;
  state.nextMark = Math.max(state.nextMark, mark + marksGiven);
  if (entry.kind === 'removed') {
    for (const { vehicleId } of entry.ids) state.readings.delete(vehicleId);
  } else if (entry.kind === 'aged') {
    for (const { vehicleId, place } of entry.ids) {
      const held = state.readings.get(vehicleId);
      if (held) ageOne(state, held, { seq, mark: mark + place }, nowMs);
    }
  } else {
    const isTaken = entry.kind === 'taken';
    const sourceTenantId = isTaken ? state.ownTenantId : entry.sourceTenantId;
    for (const row of entry.rows) {
      const place = { sourceTenantId, seq, mark: isTaken ? mark + row.place : 0 };
      const after = entryAfter(state.readings.get(row.vehicleId), entry.kind, place, row, nowMs);
      if (after) state.readings.set(row.vehicleId, after);
    }
  }
}

/** Notes when age next changes a status, after a recovery. */
export function rememberAgeing(state: RoomState): void {
  state.statusDueMs = null;
  for (const held of state.readings.values()) awaitAgeing(state, held.statusUntilMs);
}
