/** What FleetTracks holds in memory: a cache of its storage, and what follows from it. */
import { writeUuid } from '../readings/packed-readings.ts';
import { idKey, idOfKey } from '../readings/packed-steps.ts';
import { compactionLimits, type Tracks } from './compaction.ts';
import { FenceWatch } from './fence-watch.ts';
import { Intake } from './intake.ts';
import { TracksStorage } from './tracks-storage.ts';

/** Of one slice of reading the intake back. */
const loadFixes = 20_000;

export interface Memory extends Tracks {
  watch: FenceWatch;
  /** All rows of the intake are in memory. Until then new ones only go to storage. */
  isLoaded: boolean;
  /** Numbers of vehicles by the key of their id. */
  numbers: Map<string, number>;
  /** Rows up to here hold nothing of a vehicle that was forgotten, by the key of its id. */
  goneThrough: Map<string, number>;
  waitingFixes: number;
  oldestWaitingMs: number | null;
}

/** The key of an id; null for what is no UUID. */
export function keyOf(id: string): string | null {
  const bytes = new Uint8Array(16);
  try {
    writeUuid(bytes, 0, id);
  } catch {
    return null;
  }
  return idKey(bytes, 0);
}

/** Everything but the intake, which `loadSlice` brings. */
export function readMemory(sql: SqlStorage): Memory {
  const storage = new TracksStorage(sql);
  const memory: Memory = {
    storage,
    intake: new Intake(storage.progress.compactedSeq),
    queue: null,
    watch: new FenceWatch(sql),
    isLoaded: false,
    numbers: new Map(storage.vehicles().map(({ no, id }) => [keyOf(id) ?? id, no])),
    goneThrough: new Map(storage.gone().map(({ id, throughSeq }) => [keyOf(id) ?? id, throughSeq])),
    waitingFixes: 0,
    oldestWaitingMs: null,
  };
  countWaiting(memory);
  return memory;
}

export function numberOf(memory: Memory, vehicleId: string): number | null {
  const key = keyOf(vehicleId);
  return key === null ? null : (memory.numbers.get(key) ?? null);
}

export function addToMemory(memory: Memory, seq: number, bytes: Uint8Array): void {
  const { progress } = memory.storage;
  // Of a round that was under way when memory was lost these are in chunks already.
  const doneBefore = progress.roundSeq !== null && seq <= progress.roundSeq ? progress.roundVehicle : 0;
  memory.intake.add(seq, bytes, (key) => {
    if (seq <= (memory.goneThrough.get(key) ?? 0)) return null;
    let vehicleNo = memory.numbers.get(key);
    if (vehicleNo === undefined) {
      vehicleNo = memory.storage.addVehicle(idOfKey(key));
      memory.numbers.set(key, vehicleNo);
    }
    return vehicleNo < doneBefore ? null : vehicleNo;
  });
}

export function loadSlice(memory: Memory): void {
  const rows = memory.storage.intakeAfter(memory.intake.lastSeq, loadFixes);
  for (const { seq, bytes } of rows) addToMemory(memory, seq, bytes);
  if (rows.length > 0) return;
  const { roundVehicle, roundDone } = memory.storage.progress;
  memory.intake.forgetFirst(roundVehicle, roundDone);
  memory.isLoaded = true;
}

export function countWaiting(memory: Memory): void {
  const { fixes, oldestMs } = memory.storage.waiting();
  memory.waitingFixes = fixes;
  memory.oldestWaitingMs = oldestMs;
}

export function isCompactionDue(memory: Memory, nowMs: number): boolean {
  const dueMs = compactionDueMs(memory, nowMs);
  return dueMs !== null && dueMs <= nowMs;
}

/** When compaction is to go on; null when nothing waits. */
function compactionDueMs(memory: Memory, nowMs: number): number | null {
  if (memory.storage.progress.roundSeq !== null) return nowMs;
  if (memory.oldestWaitingMs === null) return null;
  if (memory.waitingFixes >= compactionLimits.roundFixes) return nowMs;
  return memory.oldestWaitingMs + compactionLimits.roundAfterMs;
}

export function nextDueMs(memory: Memory, nowMs: number): number | null {
  const { storage, watch } = memory;
  const hasLeftovers =
    storage.hasUsedIntake() ||
    storage.progress.sealBucket !== null ||
    storage.moves().some((move) => move.isDropping) ||
    storage.gone().some(({ throughSeq }) => throughSeq <= storage.progress.compactedSeq);
  const reasons = [
    compactionDueMs(memory, nowMs),
    hasLeftovers ? nowMs : null,
    storage.nextSeal()?.atMs ?? null,
    watch.nextDueMs(),
  ];
  const due = reasons.filter((dueMs) => dueMs !== null);
  return due.length === 0 ? null : Math.max(nowMs, Math.min(...due));
}
