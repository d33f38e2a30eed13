/**
 * The watch over a tenant's geofences, inside FleetTracks: what vehicles do at the fences becomes events that wait for the
 * Worker. The object that owns it calls everything here within its own transaction; when that fails, memory is ahead of
 * storage, and the owner throws this away and makes a new one.
 *
 * It keeps every vehicle's newest fix also where there is no fence yet: one that is drawn around a standing truck must
 * know that it is there.
 */
import { fromSteps, toSteps } from '#contracts/reading-scales';
import { liveForMs } from '#contracts/telemetry';
import { FenceIndex } from '../geofences/fence-index.ts';
import {
  dwellDueMs,
  follow,
  reconsider,
  waitUntil,
  type Course,
  type Fix,
  type Happening,
  type Tell,
} from '../geofences/visits.ts';
import { writeUuid } from '../readings/packed-readings.ts';
import { idKey, idOfKey, scanPacked } from '../readings/packed-steps.ts';
import { FenceList, type FenceReplacement } from './fence-list.ts';
import type { HeldFence } from './fence-pages.ts';
import { FenceStorage, type EventBody } from './fence-storage.ts';
import type { FenceChange, FenceEvent } from './feed.ts';

/** A vehicle that has been heard of. */
interface Tracked extends Course<HeldFence> {
  /** Its number among the vehicles, under which it is kept. */
  slot: number;
  /** When its last fix came in. Epoch milliseconds. */
  heardMs: number;
}

interface Observed extends Fix {
  key: string;
}

const nullSpeed = 0xffff;

/** Packed readings as fixes in the order of their times, those left out that are history only. */
function fixesIn(readings: Uint8Array, sinceMs: number): Observed[] {
  const view = new DataView(readings.buffer, readings.byteOffset, readings.byteLength);
  const fixes: Observed[] = [];
  let isSorted = true;
  let lastMs = -Infinity;
  scanPacked(readings, (idAt, bodyAt) => {
    const atMs = view.getFloat64(bodyAt, true);
    // What is no time at all is left out as well.
    if (!(atMs >= sinceMs)) return;
    const speed = view.getUint16(bodyAt + 24, true);
    fixes.push({
      key: idKey(readings, idAt),
      atMs,
      lat: fromSteps('lat', view.getInt32(bodyAt + 8, true)),
      lon: fromSteps('lon', view.getInt32(bodyAt + 12, true)),
      speedMph: speed === nullSpeed ? null : fromSteps('speedMph', speed),
    });
    if (atMs < lastMs) isSorted = false;
    lastMs = atMs;
  });
  return isSorted ? fixes : fixes.sort((a, b) => a.atMs - b.atMs);
}

/**
 * A vehicle is taken to stay where it is when nothing has come of it for so long: what was recorded earlier may come in
 * parts, of which the next one shows that it has left. Milliseconds.
 */
const silenceMs = 60_000;
/** A question that got no answer is asked again; the queue itself tries for about that long. */
const askAgainAfterMs = 15_000;
const retryAskAfterMs = 5_000;
/** Dwells told in one go: the rest follow with the next alarm, which is due at once. */
const dwellsAtOnce = 1_000;

const toEvent = (vehicleId: string, { fence, kind, atMs, lat, lon, speedMph }: Happening<HeldFence>): EventBody => ({
  geofenceId: fence.id,
  vehicleId,
  kind,
  at: new Date(atMs).toISOString(),
  lat: fromSteps('lat', toSteps('lat', lat)),
  lon: fromSteps('lon', toSteps('lon', lon)),
  speedMph,
});

/** When the first of a vehicle's visits becomes a dwell, if nothing more comes of it; null when none does. */
function dwellOf({ visits, heardMs }: Tracked): number | null {
  let first: number | null = null;
  for (const visit of visits) {
    const dueMs = dwellDueMs(visit);
    if (dueMs !== null && (first === null || dueMs < first)) first = dueMs;
  }
  return first === null ? null : Math.max(first, heardMs + silenceMs);
}

export class FenceWatch {
  private readonly storage: FenceStorage;
  private readonly list: FenceList;
  /** Keys of vehicles by their numbers. */
  private readonly keys: string[];
  /** How many of them are written down. */
  private keptKeys: number;
  private readonly vehicles = new Map<string, Tracked>();
  private lastMark: number;
  private hasEvents: boolean;
  /** No later than the first dwell that falls due; null: none does. */
  private dwellMs: number | null;
  /** Until then the queue has been asked, and nobody has found everything done since. */
  private askAgainMs = 0;
  // What has changed and is not written yet; nothing between two entries.
  private moved: Tracked[] = [];
  private revisited = new Set<Tracked>();
  private events: EventBody[] = [];
  private current: Tracked | null = null;
  private readonly tell: Tell<HeldFence> = (happening) => {
    if (this.current === null) throw new Error('nobody moves');
    this.revisited.add(this.current);
    this.events.push(toEvent(idOfKey(this.keys[this.current.slot] as string), happening));
  };

  /** Makes its tables where they are missing, and reads everything that is kept. */
  constructor(sql: SqlStorage) {
    this.storage = new FenceStorage(sql);
    const { version, lastMark } = this.storage.loadMeta();
    this.lastMark = lastMark;
    this.hasEvents = this.storage.hasEvents();
    this.list = new FenceList(this.storage, version);
    const { keys, fixes } = this.storage.loadFixes();
    this.keys = keys;
    this.keptKeys = keys.length;
    const bySlot = new Map<number, Tracked>();
    for (const [slot, fix] of fixes) {
      const tracked: Tracked = { ...fix, visits: [] };
      bySlot.set(slot, tracked);
      this.vehicles.set(keys[slot] as string, tracked);
    }
    for (const { slot, fenceId, ...visit } of this.storage.loadVisits()) {
      const fence = this.list.fences.get(fenceId);
      if (fence !== undefined) bySlot.get(slot)?.visits.push({ ...visit, fence });
    }
    this.dwellMs = this.firstDwellMs();
  }

  /**
   * Readings that have been taken, packed by durable-objects/readings: judged in the order of their times, together with
   * what came of it written. Readings that were taken before change nothing.
   */
  observe(readings: Uint8Array, nowMs: number): void {
    const { index } = this.list;
    for (const fix of fixesIn(readings, nowMs - liveForMs)) {
      const known = this.vehicles.get(fix.key);
      if (known !== undefined) {
        if (fix.atMs <= known.atMs) continue;
        this.current = known;
        known.heardMs = nowMs;
        // Of several fixes in one go the last one is written.
        const isFirst = this.moved.at(-1) !== known;
        if (follow(known, fix, index, this.tell) !== false && isFirst) this.moved.push(known);
        continue;
      }
      const { atMs, lat, lon } = fix;
      const tracked: Tracked = { slot: this.keys.length, atMs, lat, lon, heardMs: nowMs, visits: [] };
      this.keys.push(fix.key);
      this.vehicles.set(fix.key, tracked);
      this.current = tracked;
      const course = follow(null, fix, index, this.tell);
      if (course !== false) tracked.visits = course.visits;
      this.moved.push(tracked);
    }
    this.write(nowMs);
  }

  /** Takes over changed fences; answers the version through which every change is known. */
  change(change: FenceChange, nowMs: number): { version: number } {
    this.reconsider(this.list.apply(change), nowMs);
    this.write(nowMs);
    return { version: this.list.version };
  }

  private reconsider(replaced: readonly FenceReplacement[], nowMs: number): void {
    if (replaced.length === 0) return;
    const byBefore = new Map(replaced.flatMap((one) => (one.before === null ? [] : [[one.before, one] as const])));
    const byAfter = new Map(replaced.flatMap((one) => (one.after === null ? [] : [[one.after, one] as const])));
    const index = new FenceIndex(byAfter.keys());
    for (const tracked of this.vehicles.values()) {
      const concerned = new Set<FenceReplacement>();
      for (const fence of index.around(tracked.lat, tracked.lon)) {
        const one = byAfter.get(fence);
        if (one !== undefined) concerned.add(one);
      }
      for (const { fence } of tracked.visits) {
        const one = byBefore.get(fence);
        if (one !== undefined) concerned.add(one);
      }
      this.current = tracked;
      for (const { before, after } of concerned) {
        if (reconsider(tracked, before, after, nowMs, this.tell)) this.revisited.add(tracked);
      }
    }
  }

  listEvents(limit: number): FenceEvent[] {
    const events = this.storage.listEvents(limit);
    // Whoever asks has found everything done: what happens from now on is worth asking for anew.
    if (events.length === 0) this.askAgainMs = 0;
    return events;
  }

  confirmEvents(throughMark: number): void {
    this.storage.confirmEvents(throughMark);
    this.hasEvents = this.storage.hasEvents();
  }

  /** Forgets a vehicle; its visits end without a word. */
  forgetVehicle(vehicleId: string): void {
    const bytes = new Uint8Array(16);
    try {
      writeUuid(bytes, 0, vehicleId);
    } catch {
      // What is no id names no vehicle.
      return;
    }
    const key = idKey(bytes, 0);
    const tracked = this.vehicles.get(key);
    if (tracked === undefined) return;
    this.vehicles.delete(key);
    this.storage.saveVisits([tracked.slot], []);
    this.storage.replaceFixes(this.keys, [...this.vehicles.values()]);
  }

  /**
   * Does what fell due without a reading: a vehicle has stood inside for long enough. Answers whether the queue is to be
   * asked to fetch events: once, then not again for a while, or until somebody has found everything done.
   */
  settle(nowMs: number): boolean {
    if (this.dwellMs !== null && this.dwellMs <= nowMs) {
      for (const tracked of this.vehicles.values()) {
        if (tracked.visits.length === 0 || tracked.heardMs + silenceMs > nowMs) continue;
        this.current = tracked;
        waitUntil(tracked, nowMs, this.tell);
        if (this.events.length >= dwellsAtOnce) break;
      }
      this.dwellMs = this.firstDwellMs();
      this.write(nowMs);
    }
    if (!this.hasEvents || nowMs < this.askAgainMs) return false;
    this.askAgainMs = nowMs + askAgainAfterMs;
    return true;
  }

  /** How asking the queue went. */
  announced(isTold: boolean, nowMs: number): void {
    if (!isTold) this.askAgainMs = nowMs + retryAskAfterMs;
  }

  /** Epoch milliseconds at which `settle` has something to do; null: nothing is awaited. */
  nextDueMs(): number | null {
    if (!this.hasEvents) return this.dwellMs;
    return this.dwellMs === null ? this.askAgainMs : Math.min(this.dwellMs, this.askAgainMs);
  }

  status(): { fenceVersion: number; fences: number } {
    return { fenceVersion: this.list.version, fences: this.list.fences.size };
  }

  private firstDwellMs(): number | null {
    let first: number | null = null;
    for (const tracked of this.vehicles.values()) {
      const dueMs = dwellOf(tracked);
      if (dueMs !== null && (first === null || dueMs < first)) first = dueMs;
    }
    return first;
  }

  private write(nowMs: number): void {
    this.current = null;
    if (this.moved.length > 0) {
      const moved = this.moved;
      this.moved = [];
      const newKeys = this.keys.slice(this.keptKeys);
      this.keptKeys = this.keys.length;
      if (this.storage.addFixes(newKeys, moved, this.keys.length)) {
        this.storage.replaceFixes(this.keys, [...this.vehicles.values()]);
      }
    }
    if (this.revisited.size > 0) {
      const tracked = [...this.revisited];
      this.revisited = new Set();
      this.storage.saveVisits(
        tracked.map(({ slot }) => slot),
        tracked.flatMap(({ slot, visits }) =>
          visits.map(({ fence, ...visit }) => ({ slot, fenceId: fence.id, ...visit })),
        ),
      );
      for (const one of tracked) {
        const dueMs = dwellOf(one);
        if (dueMs !== null && (this.dwellMs === null || dueMs < this.dwellMs)) this.dwellMs = dueMs;
      }
    }
    if (this.events.length > 0) {
      // Marks follow the clock, so that they rise even where the object had to begin anew.
      this.lastMark = this.storage.addEvents(this.events, Math.max(this.lastMark, nowMs * 1000));
      this.events = [];
      this.hasEvents = true;
      this.storage.saveMeta({ version: this.list.version, lastMark: this.lastMark });
    }
  }
}
