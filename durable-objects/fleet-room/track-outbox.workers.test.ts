/** From the log to the tracks: nothing is lost, whatever fails, and too much is refused. */
import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { asKept } from '#contracts/reading-scales';
import { tracksOf } from '#durable-objects/stubs';
import { loseMemory, newRoom, readingOf, seedOf, truck, uuid } from '#test/durable-objects/room-builders';
import { packRows, unpackReadings, type NamedReading } from '../readings/packed-readings.ts';
import type { FleetRoom } from './fleet-room.ts';
import { ReadingLog } from './reading-log.ts';
import { reduce } from './room-reducer.ts';
import { emptyRoom, nothingUnsaved } from './room-state.ts';
import { gatherMs, mostWaiting, TrackOutbox, type TrackOutboxPorts } from './track-outbox.ts';

const row = (n: number, atMs: number): NamedReading => {
  const { vehicleId, ...reading } = readingOf(uuid(n), atMs);
  return { vehicleId, vin: null, reading: asKept(reading) };
};

async function seededRoom() {
  const made = newRoom();
  const { tenantId, room } = made;
  await room.seed(
    seedOf(
      tenantId,
      [1, 2, 3].map((n) => truck(tenantId, n)),
    ),
  );
  return made;
}

/** A log of its own inside an object, an outbox over it, and tracks that do as they are told. */
async function withOutbox(
  work: (made: {
    outbox: TrackOutbox;
    log: ReadingLog;
    take: (...rows: NamedReading[]) => void;
    time: { nowMs: number };
    tracks: { calls: Uint8Array[]; answer: TrackOutboxPorts['append'] };
    reopened: () => ReadingLog;
  }) => Promise<void>,
): Promise<void> {
  const { tenantId, stub } = newRoom();
  await runInDurableObject(stub, async (_, ctx) => {
    const state = emptyRoom(tenantId, 'epoch');
    const vehicles = [1, 2, 3].map((n) => truck(tenantId, n));
    const log = new ReadingLog(ctx.storage);
    const time = { nowMs: Date.now() };
    reduce(state, { kind: 'seed', seed: seedOf(tenantId, vehicles) }, time.nowMs);
    const tracks = {
      calls: [] as Uint8Array[],
      answer: (async () => ({ kind: 'taken' })) as TrackOutboxPorts['append'],
    };
    const outbox: TrackOutbox = new TrackOutbox(log, {
      append: (readings) => {
        tracks.calls.push(readings);
        return tracks.answer(readings);
      },
      reenter: (inside) => inside(outbox, time.nowMs),
      later: (afterMs, work) => {
        void scheduler.wait(1).then(() => {
          time.nowMs += afterMs;
          work();
        });
      },
    });
    const take = (...rows: NamedReading[]) => {
      reduce(state, { kind: 'ingest', rows: packRows(rows) }, time.nowMs);
      log.append(state);
      log.writeParts(state);
      state.unsaved = nothingUnsaved();
      outbox.pump(time.nowMs);
    };
    const reopened = () => {
      const other = new ReadingLog(ctx.storage);
      other.load(emptyRoom(tenantId, 'epoch'));
      return other;
    };
    await work({ outbox, log, take, time, tracks, reopened });
  });
}
const aMoment = () => scheduler.wait(1);

describe('the outbox to the tracks', () => {
  it('has one call under way, and sends in order what gathered meanwhile in one', async () => {
    await withOutbox(async ({ outbox, log, take, time, tracks, reopened }) => {
      const startMs = time.nowMs;
      let release = () => {};
      tracks.answer = () => new Promise((resolve) => (release = () => resolve({ kind: 'taken' })));
      for (let n = 1; n <= 5; n += 1) take(row(1, startMs + n));
      // The first went at once.
      expect(tracks.calls).toHaveLength(1);
      expect(outbox.dueMs(startMs)).toBeGreaterThan(startMs);
      release();
      await expect.poll(() => tracks.calls.length).toBe(2);
      expect(time.nowMs - startMs).toBe(gatherMs);
      const sent = tracks.calls.map((call) =>
        unpackReadings(call).map(({ reading }) => Date.parse(reading.at) - startMs),
      );
      expect(sent).toEqual([[1], [2, 3, 4, 5]]);
      expect(reopened().waiting.rows).toBe(5);
      release();
      await aMoment();
      // As the room does before it falls quiet.
      log.keep();
      expect([log.waiting.rows, reopened().waiting.rows, outbox.dueMs(time.nowMs)]).toEqual([0, 0, null]);
    });
  });

  it('tries again after a failure, later each time, and loses nothing', async () => {
    await withOutbox(async ({ outbox, log, take, time, tracks }) => {
      const works = tracks.answer;
      tracks.answer = () => Promise.reject(new Error('the tracks are away'));
      take(row(1, time.nowMs));
      await aMoment();
      const pauses = [];
      for (let attempt = 1; attempt <= 7; attempt += 1) {
        const dueMs = outbox.dueMs(time.nowMs) ?? 0;
        pauses.push(dueMs - time.nowMs);
        take(row(1, time.nowMs + attempt));
        expect(tracks.calls).toHaveLength(attempt);
        time.nowMs = dueMs;
        outbox.pump(time.nowMs);
        await aMoment();
      }
      expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
      expect(outbox.busyForSeconds(time.nowMs)).toBeNull();
      tracks.answer = works;
      time.nowMs += 30_000;
      outbox.pump(time.nowMs);
      await aMoment();
      expect(log.waiting).toEqual({ entries: 0, rows: 0, bytes: 0 });
      expect(unpackReadings(tracks.calls.at(-1) ?? new Uint8Array())).toHaveLength(8);
    });
  });

  it('takes nothing more while the tracks are busy, or too much waits', async () => {
    await withOutbox(async ({ outbox, take, time, tracks, log }) => {
      tracks.answer = async () => ({ kind: 'busy', retryAfterSeconds: 7 });
      take(row(1, time.nowMs));
      await aMoment();
      expect([0, 3_500, 6_999].map((afterMs) => outbox.busyForSeconds(time.nowMs + afterMs))).toEqual([7, 4, 1]);
      expect(outbox.busyForSeconds(time.nowMs + 7_000)).toBeNull();
      time.nowMs += 7_000;
      const many = Array.from({ length: mostWaiting.rows / 10 }, (_, n) => row(1 + (n % 3), time.nowMs - n));
      tracks.answer = () => new Promise(() => {});
      for (let n = 1; n <= 9; n += 1) take(...many);
      expect(outbox.busyForSeconds(time.nowMs)).toBeNull();
      take(...many);
      expect(log.waiting.rows).toBeGreaterThan(mostWaiting.rows);
      expect(outbox.busyForSeconds(time.nowMs)).toBeGreaterThan(0);
    });
  });

  it('settles when the tracks have it, or when the time is over', async () => {
    await withOutbox(async ({ outbox, take, time, tracks, log }) => {
      let isSettled = false;
      await outbox.settle(Promise.reject(new Error('nothing waits for this')).catch(() => {}));
      tracks.answer = () => Promise.reject(new Error('the tracks are away'));
      take(row(1, time.nowMs));
      await aMoment();
      await outbox.settle(aMoment());
      expect(log.waiting.rows).toBe(1);
      tracks.answer = async () => ({ kind: 'taken' });
      void outbox.settle(new Promise(() => {})).then(() => (isSettled = true));
      await expect.poll(() => isSettled).toBe(true);
      expect(log.waiting.rows).toBe(0);
    });
  });
});

describe('the real tracks', () => {
  const trackOf = async (tenantId: string, n: number) => {
    const range = { vehicleId: uuid(n), fromMs: 0, toMs: Date.now() + 60_000, afterMs: null, limit: 100 };
    return (await tracksOf(env.FLEET_TRACKS, tenantId).read(range)).readings;
  };

  it('have what was taken, late and out of order, once each', async () => {
    const { tenantId, room } = await seededRoom();
    const nowMs = Date.now() - 60_000;
    const rows = [5, 1, 4, 1, 3, 5].map((n) => row(1, nowMs + n * 1_000));
    for (const one of rows) await room.ingest(packRows([one]));
    await room.ingest(packRows(rows));
    await room.recordReadings({ sourceTenantId: tenantId, readings: [readingOf(uuid(1), nowMs + 2_000)] });
    await room.settleTracks();
    expect((await trackOf(tenantId, 1)).map(({ at }) => Date.parse(at) - nowMs)).toEqual(
      [1, 2, 3, 4, 5].map((n) => n * 1_000),
    );
  });

  it('get what a room had written and not yet forwarded when it lost its memory', async () => {
    const { tenantId, room, stub } = await seededRoom();
    const nowMs = Date.now();
    await runInDurableObject(stub, async (instance: FleetRoom) => {
      // The call to the tracks never leaves: its object dies with it.
      const never = { idFromName: () => 'x', get: () => ({ append: () => new Promise(() => {}) }) };
      const dying = Object.create(instance, {
        env: { value: { FLEET_TRACKS: never } },
        room: { value: null, writable: true },
      }) as FleetRoom;
      await dying.ingest(packRows([row(1, nowMs), row(2, nowMs)]));
    });
    await loseMemory(stub);
    expect(await trackOf(tenantId, 1)).toEqual([]);
    await evictDurableObject(stub);
    await room.settleTracks();
    expect([await trackOf(tenantId, 1), await trackOf(tenantId, 2)]).toMatchObject([[{ lat: 39.7 }], [{ lat: 39.7 }]]);
  });
});
