/**
 * FleetTracks: every position of a tenant's vehicles for thirty days, and the watch over its geofences.
 *
 * A thin shell. What was taken is one row of bytes, durable before it is confirmed (tracks-storage.ts), and stays in memory
 * (intake.ts) until compaction has made chunks of it (compaction.ts). Reading merges all of it (track-reading.ts). Days
 * leave for R2 in parts (day-parts.ts). Long work goes in slices of a few milliseconds, each in a transaction of its own,
 * with a pause between them in which others are served.
 *
 * Memory is a cache of storage. Whatever fails in a transaction throws it away; the next entry reads it again.
 */
import { DurableObject } from 'cloudflare:workers';
import type { Reading } from '#contracts/telemetry';
import { shouldRearm } from '../fleet-room/next-alarm.ts';
import { idOfKey, scanPacked, splitPacked, toReading } from '../readings/packed-steps.ts';
import { dayName, dayNumber } from './buckets.ts';
import { compactionLimits, compactSlice, forgetSlice, report, sealSlice } from './compaction.ts';
import { daysHeld, dropSlice, freezeDay, moveOf, PartPlan, PartReader, savePlan, type Move } from './day-parts.ts';
import type {
  AppendOutcome,
  DayPart,
  FenceChange,
  FenceEvent,
  FleetTracksRpc,
  TrackPage,
  TrackRange,
  TracksStatus,
} from './feed.ts';
import {
  addToMemory,
  countWaiting,
  isCompactionDue,
  keyOf,
  loadSlice,
  nextDueMs,
  numberOf,
  readMemory,
  type Memory,
} from './memory.ts';
import { latestFix, readPage } from './track-reading.ts';

export interface FleetTracksEnv {
  /** Asks the Worker to take over what happened at the fences. */
  LIVE_QUEUE: Queue<{ kind: 'fence_events'; tenantId: string }>;
}

/** Past this many waiting fixes (49 MB) nothing more is taken until compaction has caught up. */
export const maxWaitingFixes = 1_000_000;
const retryAfterSeconds = 2;
/** A value in SQLite may have 2 MB. */
const maxRowBytes = 1_000_000;
/** Of one slice of the fleet at an instant. */
const fleetSliceVehicles = 60;
const lookBackMs = 30 * 86_400_000;
/** One alarm works at most so long before it lets the next one go on. */
const slicesPerAlarm = 2_000;
const retryAfterFailureMs = 1_000;

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

export class FleetTracks extends DurableObject<FleetTracksEnv> implements FleetTracksRpc {
  private memory: Memory | null = null;
  private armedAtMs: number | null = null;

  async append(readings: Uint8Array): Promise<AppendOutcome> {
    const scan = scanPacked(readings);
    if (scan.nameless > 0 || scan.unreadableBytes > 0) report('readings_unreadable', scan);
    if (scan.rows === 0) return { kind: 'taken' };
    const nowMs = Date.now();
    const take = (isWatched: boolean) => (memory: Memory) => {
      if (memory.waitingFixes + scan.rows > maxWaitingFixes) return false;
      for (const bytes of splitPacked(readings, maxRowBytes)) this.take(memory, bytes, nowMs);
      if (isWatched) memory.watch.observe(readings, nowMs);
      return true;
    };
    let isTaken: boolean;
    try {
      isTaken = this.enter(take(true));
    } catch (cause) {
      // No fault of the watch may keep positions from being kept.
      report('fence_watch_failed', { cause: String(cause) });
      isTaken = this.enter(take(false));
    }
    return isTaken ? { kind: 'taken' } : { kind: 'busy', retryAfterSeconds };
  }

  private take(memory: Memory, bytes: Uint8Array, nowMs: number): void {
    const { rows } = scanPacked(bytes);
    const seq = memory.storage.addIntake(bytes, rows, nowMs);
    memory.waitingFixes += rows;
    memory.oldestWaitingMs ??= nowMs;
    if (memory.isLoaded) addToMemory(memory, seq, bytes);
  }

  async read(range: TrackRange): Promise<TrackPage> {
    const memory = await this.loaded();
    const vehicleNo = numberOf(memory, range.vehicleId);
    return vehicleNo === null ? { readings: [], hasMore: false } : readPage(memory, vehicleNo, range);
  }

  async fleetAt(atMs: number): Promise<{ vehicleId: string; reading: Reading }[]> {
    const found: { vehicleId: string; reading: Reading }[] = [];
    const keys = [...(await this.loaded()).numbers.keys()];
    for (let from = 0; from < keys.length; from += fleetSliceVehicles) {
      // Each vehicle is read at one moment; what memory was before the pause may be gone.
      const memory = await this.loaded();
      for (const key of keys.slice(from, from + fleetSliceVehicles)) {
        const vehicleNo = memory.numbers.get(key);
        if (vehicleNo === undefined) continue;
        const fix = latestFix(memory, vehicleNo, { sinceMs: atMs - lookBackMs, atMs });
        if (fix !== null) found.push({ vehicleId: idOfKey(key), reading: toReading(fix) });
      }
      await pause();
    }
    return found;
  }

  async changeFences(change: FenceChange): Promise<{ version: number }> {
    return this.enter(({ watch }) => watch.change(change, Date.now()));
  }

  async listFenceEvents(limit: number): Promise<FenceEvent[]> {
    return this.enter(({ watch }) => watch.listEvents(limit));
  }

  async confirmFenceEvents(throughMark: number): Promise<void> {
    this.enter(({ watch }) => watch.confirmEvents(throughMark));
  }

  async listDaysBefore(day: string): Promise<string[]> {
    await this.compactAll();
    const before = dayNumber(day);
    return this.enter(({ storage }) => daysHeld(storage))
      .filter((held) => held < before)
      .map(dayName);
  }

  async readDayPart(day: string, part: number): Promise<DayPart> {
    const nothing: DayPart = { part, readings: new Uint8Array(0), hasMore: false };
    const number = dayNumber(day);
    let move = this.enter(({ storage }) => moveOf(storage, number));
    if (move === null) {
      // A day that has been dropped is not made anew by a question that was late.
      if (part !== 0) return nothing;
      await this.compactAll();
      if (!this.enter(({ storage }) => daysHeld(storage)).includes(number)) return nothing;
      this.enter(({ storage }) => {
        if (moveOf(storage, number) === null) freezeDay(storage, number);
      });
    }
    move = await this.planned(number);
    if (move === null || move.isDropping) return nothing;
    if (part >= (move.starts?.length ?? 0)) return { ...nothing, move: move.throughChunk };
    const reader = new PartReader(move, part);
    while (this.enter((memory) => reader.slice(memory))) await pause();
    return {
      part,
      readings: reader.done(),
      hasMore: part + 1 < (move.starts?.length ?? 0),
      move: move.throughChunk,
    };
  }

  /** The move of a frozen day with its parts planned. */
  private async planned(day: number): Promise<Move | null> {
    const move = this.enter(({ storage }) => moveOf(storage, day));
    if (move === null || move.starts !== null) return move;
    const plan = new PartPlan();
    while (this.enter(({ storage }) => plan.slice(storage, move))) await pause();
    return this.enter(({ storage }) => {
      // Who planned at the same time planned the same.
      if (moveOf(storage, day)?.starts === null) savePlan(storage, day, plan.starts);
      return moveOf(storage, day);
    });
  }

  async dropDay(day: string, partsMoved: number, moveNumber?: number): Promise<void> {
    const number = dayNumber(day);
    this.enter(({ storage }) => {
      const move = moveOf(storage, number);
      if (move === null || move.isDropping) return;
      if (moveNumber !== undefined && moveNumber !== move.throughChunk) return;
      const parts = move.starts?.length ?? null;
      // All of its vehicles may have been forgotten meanwhile: then there is nothing left to move.
      if (parts !== 0 && parts !== partsMoved) {
        // Not all of it was moved: the day stays, and is listed again.
        report('day_not_moved_whole', { day, parts, partsMoved });
        return;
      }
      storage.startDropping(number);
    });
    while (this.enter((memory) => dropSlice(memory))) await pause();
  }

  async forgetVehicle(vehicleId: string): Promise<void> {
    this.enter((memory) => {
      memory.watch.forgetVehicle(vehicleId);
      const key = keyOf(vehicleId);
      if (key === null) return;
      const { storage } = memory;
      const { lastSeq } = storage.waiting();
      // It may be in the intake alone, under no number yet.
      const vehicleNo = memory.numbers.get(key) ?? storage.addVehicle(idOfKey(key));
      storage.forgetVehicle(vehicleNo, idOfKey(key), lastSeq);
      memory.numbers.delete(key);
      memory.goneThrough.set(key, lastSeq);
      memory.intake.forgetVehicle(vehicleNo);
    });
    while (this.enter((memory) => forgetSlice(memory))) await pause();
  }

  async status(): Promise<TracksStatus> {
    const { numbers, storage, waitingFixes, watch } = await this.loaded();
    return {
      vehicles: numbers.size,
      intakeFixes: waitingFixes,
      chunks: storage.progress.chunks,
      chunkBytes: storage.progress.chunkBytes,
      databaseBytes: storage.sql.databaseSize,
      ...watch.status(),
    };
  }

  /** At least once, and perhaps early: does what is due, slice by slice, and nothing else. */
  override async alarm(): Promise<void> {
    this.armedAtMs = null;
    await this.announceFences();
    await this.loaded();
    for (let slices = 0; slices < slicesPerAlarm && this.workSlice(Date.now()); slices += 1) await pause();
  }

  private async announceFences(): Promise<void> {
    const nowMs = Date.now();
    const isNews = this.enter(({ watch }) => {
      const dueMs = watch.nextDueMs();
      return dueMs !== null && dueMs <= nowMs && watch.settle(nowMs);
    });
    const tenantId = this.ctx.id.name;
    if (!isNews || tenantId === undefined) return;
    let isTold = true;
    try {
      await this.env.LIVE_QUEUE.send({ kind: 'fence_events', tenantId });
    } catch (cause) {
      isTold = false;
      report('fence_events_not_queued', { cause: String(cause) });
    }
    this.enter(({ watch }) => watch.announced(isTold, Date.now()));
  }

  /** One slice of whatever is due. False: nothing is. */
  private workSlice(nowMs: number): boolean {
    return this.enter((memory) => {
      if (!memory.isLoaded) return false;
      return (
        (isCompactionDue(memory, nowMs) && this.compact(memory, nowMs)) ||
        (memory.storage.hasUsedIntake() && (memory.storage.sweepIntake(compactionLimits.sliceDeletes), true)) ||
        dropSlice(memory) ||
        forgetSlice(memory) ||
        sealSlice(memory, nowMs)
      );
    });
  }

  private compact(memory: Memory, nowMs: number): boolean {
    const before = memory.storage.progress.compactedSeq;
    const isDone = compactSlice(memory, nowMs);
    if (memory.storage.progress.compactedSeq !== before) countWaiting(memory);
    return isDone;
  }

  /** Brings everything taken so far into chunks. */
  private async compactAll(): Promise<void> {
    await this.loaded();
    const { lastSeq } = this.enter(({ storage }) => storage.waiting());
    for (;;) {
      await this.loaded();
      const isMore = this.enter((memory) => {
        if (memory.storage.progress.compactedSeq >= lastSeq) return false;
        return !memory.isLoaded || this.compact(memory, Date.now());
      });
      if (!isMore) return;
      await pause();
    }
  }

  /** Memory with the whole intake in it. Reads it back in slices when it is not there. */
  private async loaded(): Promise<Memory> {
    for (;;) {
      const memory = this.enter((found) => {
        if (!found.isLoaded) loadSlice(found);
        return found;
      });
      if (memory.isLoaded) return memory;
      await pause();
    }
  }

  /** The one door: works on memory without a pause, inside one transaction, and arms the alarm. */
  private enter<T>(work: (memory: Memory) => T): T {
    try {
      return this.ctx.storage.transactionSync(() => work((this.memory ??= readMemory(this.ctx.storage.sql))));
    } catch (cause) {
      // Memory may be ahead of storage now: what was written is the truth, and is loaded again.
      this.memory = null;
      throw cause;
    } finally {
      this.rearm();
    }
  }

  private rearm(): void {
    const nowMs = Date.now();
    const wantedMs = this.memory ? nextDueMs(this.memory, nowMs) : nowMs + retryAfterFailureMs;
    if (!shouldRearm(this.armedAtMs, wantedMs)) return;
    this.armedAtMs = wantedMs;
    void this.ctx.storage.setAlarm(wantedMs);
  }
}
