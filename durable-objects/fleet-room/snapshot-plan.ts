/**
 * When which part of the readings is written down, and how a recovery puts parts and journal together. Pure.
 *
 * Nothing is ever written whole: after a while the part that was written longest ago is written again. Every part names the
 * last journal entry it holds; entries that all parts hold are no longer needed for a recovery. So the journal that has to
 * be done again stays about as long as the fleet is large, and no moment writes more than a few parts.
 */
import { owedOf, snapshotParts, unpackPart, type JournalRow } from './journal-codec.ts';
import { redo, rememberAgeing } from './room-readings.ts';
import type { RoomState } from './room-state.ts';

/** After so many entries a part is written, however few rows they had. */
const entriesPerPart = 64;
/** Not sooner than after so many rows, however small the fleet. */
const leastRowsPerPart = 256;
/** At once at most: one large feed must not cause a long pause. */
const mostPartsAtOnce = 4;

export interface SnapshotPlan {
  /** By part: the last journal entry it holds. */
  through: number[];
  rowsSince: number;
  entriesSince: number;
}

export const newPlan = (): SnapshotPlan => ({
  through: Array.from({ length: snapshotParts }, () => 0),
  rowsSince: 0,
  entriesSince: 0,
});

/** Every part holds all entries up to this one. */
export const heldByAll = (plan: SnapshotPlan): number => Math.min(...plan.through);

export function noteEntry(plan: SnapshotPlan, rows: number): void {
  plan.entriesSince += 1;
  plan.rowsSince += rows;
}

/**
 * The parts to write now, of a room that holds so many readings; `lastId` is the last entry, which they then hold. The
 * caller writes them, in the same transaction as the entries.
 */
export function takeDueParts(plan: SnapshotPlan, lastId: number, readings: number): number[] {
  const rowsPerPart = Math.max(leastRowsPerPart, readings / snapshotParts);
  const turns = Math.max(Math.floor(plan.rowsSince / rowsPerPart), Math.floor(plan.entriesSince / entriesPerPart));
  if (turns === 0) return [];
  plan.rowsSince = Math.max(0, Math.min(plan.rowsSince, rowsPerPart * snapshotParts) - turns * rowsPerPart);
  plan.entriesSince = 0;
  return takeOldestParts(plan, lastId, Math.min(turns, mostPartsAtOnce));
}

/** The `count` parts that were written longest ago, which now hold everything up to `lastId`. */
export function takeOldestParts(plan: SnapshotPlan, lastId: number, count: number): number[] {
  const due = plan.through
    .map((through, part) => ({ through, part }))
    .sort((a, b) => a.through - b.through || a.part - b.part)
    .slice(0, count)
    .map(({ part }) => part);
  for (const part of due) plan.through[part] = lastId;
  return due;
}

/** What a part looks like in storage. */
export interface StoredPart {
  part: number;
  through: number;
  /** The marks given by then. */
  nextMark: number;
  body: Uint8Array;
}

/**
 * Puts the readings into a state that holds none, with their ticks and marks, and `nextMark`. `rows` are the journal's, at
 * least all that some part does not hold, in their order. Fills the plan.
 */
export function recover(
  state: RoomState,
  plan: SnapshotPlan,
  parts: Iterable<StoredPart>,
  rows: Iterable<JournalRow>,
): void {
  for (const { part, through, nextMark, body } of parts) {
    plan.through[part] = through;
    state.nextMark = Math.max(state.nextMark, nextMark);
    unpackPart(state, body);
  }
  for (const row of rows) {
    redo(
      state,
      owedOf(row, (part) => (plan.through[part] ?? 0) < row.id),
    );
    noteEntry(plan, row.count);
  }
  rememberAgeing(state);
}
