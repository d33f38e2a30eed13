import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { IngestOutcome } from '../fleet-room/feed.ts';
import { packReadings, unpackReadings } from '../readings/packed-readings.ts';
import { Gatherer, gathering } from './gatherer.ts';

/** Rows whose latitude is their number, so that each can be told. */
const batchOf = (...numbers: number[]): Uint8Array =>
  packReadings(
    numbers.map((lat) => ({
      vehicleId: '01900000-0000-7000-8000-000000000000',
      reading: {
        ...{ at: '2026-11-20T09:00:00.000Z', lat, lon: 0, speedMph: null, heading: null },
        ...{ odometerMiles: null, engineHours: null, fuelPercent: null, ignition: null },
      },
    })),
  );
const numbersIn = (rows: Uint8Array): number[] => unpackReadings(rows).map(({ reading }) => Math.round(reading.lat));
const bulk = (rows: number): Uint8Array => batchOf(...Array.from({ length: rows }, () => 1));

/** A room that answers when it is told to. */
function room() {
  const calls: { numbers: number[]; answer(outcome: IngestOutcome): void; fail(cause: Error): void }[] = [];
  const gatherer = new Gatherer(
    (rows) =>
      new Promise((answer, fail) => {
        calls.push({ numbers: numbersIn(rows), answer, fail });
      }),
  );
  return { gatherer, calls };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('batches that come together', () => {
  test('go in one call, in their order, and each hears of its own unknown rows', async () => {
    const { gatherer, calls } = room();
    const outcomes = [batchOf(1, 2), batchOf(3), batchOf(4, 5, 6)].map((rows) => gatherer.add(rows));
    expect(calls).toHaveLength(0);
    vi.advanceTimersByTime(gathering.withinMs);
    expect(calls.map(({ numbers }) => numbers)).toEqual([[1, 2, 3, 4, 5, 6]]);
    calls[0]?.answer({ kind: 'taken', unknown: [1, 2, 5] });
    expect(await Promise.all(outcomes)).toEqual([
      { kind: 'taken', unknown: [1] },
      { kind: 'taken', unknown: [0] },
      { kind: 'taken', unknown: [2] },
    ]);
    expect(gatherer.rows).toBe(0);
  });

  test('do not wait once there are enough of them', () => {
    const { gatherer, calls } = room();
    void gatherer.add(bulk(gathering.rowsPerCall - 1));
    expect(calls).toHaveLength(0);
    void gatherer.add(bulk(1));
    expect(calls).toHaveLength(1);
  });

  test('fail together, and the next ones go their own way', async () => {
    const { gatherer, calls } = room();
    const outcomes = [gatherer.add(batchOf(1)), gatherer.add(batchOf(2))];
    vi.advanceTimersByTime(gathering.withinMs);
    calls[0]?.fail(new Error('the room died'));
    expect(await Promise.allSettled(outcomes)).toMatchObject([{ status: 'rejected' }, { status: 'rejected' }]);
    const next = gatherer.add(batchOf(3));
    vi.advanceTimersByTime(gathering.withinMs);
    calls[1]?.answer({ kind: 'taken', unknown: [] });
    expect(await next).toEqual({ kind: 'taken', unknown: [] });
    expect(gatherer.rows).toBe(0);
  });

  test('are all told when the room is busy', async () => {
    const { gatherer, calls } = room();
    const outcomes = [gatherer.add(batchOf(1)), gatherer.add(batchOf(2))];
    vi.advanceTimersByTime(gathering.withinMs);
    calls[0]?.answer({ kind: 'busy', retryAfterSeconds: 7 });
    const busy = { kind: 'busy', retryAfterSeconds: 7 };
    expect(await Promise.all(outcomes)).toEqual([busy, busy]);
  });
});

describe('a gatherer', () => {
  test('holds so many rows and no more, however slow the room is', async () => {
    const { gatherer, calls } = room();
    const outcomes = Array.from({ length: 100 }, () => gatherer.add(bulk(1_000)));
    vi.advanceTimersByTime(10 * gathering.withinMs);
    expect(gatherer.rows).toBe(gathering.maxRows);
    expect(calls).toHaveLength(gathering.maxCalls);
    const refused = await Promise.all(outcomes.slice(50));
    expect(new Set(refused.map(({ kind }) => kind))).toEqual(new Set(['busy']));
    for (let n = 0; n < 10; n += 1) {
      calls[n]?.answer({ kind: 'taken', unknown: [] });
      await vi.advanceTimersByTimeAsync(0);
    }
    const kept = await Promise.all(outcomes.slice(0, 50));
    expect(new Set(kept.map(({ kind }) => kind))).toEqual(new Set(['taken']));
    expect(gatherer.rows).toBe(0);
  });

  test('refuses what is no batch without harm to the others, and answers an empty one at once', async () => {
    const { gatherer, calls } = room();
    const good = gatherer.add(batchOf(1));
    await expect(gatherer.add(new Uint8Array([9, 9]))).rejects.toThrow('not packed readings');
    await expect(gatherer.add(batchOf(2).subarray(0, 20))).rejects.toThrow('not packed readings');
    expect(await gatherer.add(new Uint8Array())).toEqual({ kind: 'taken', unknown: [] });
    vi.advanceTimersByTime(gathering.withinMs);
    calls[0]?.answer({ kind: 'taken', unknown: [] });
    expect(await good).toEqual({ kind: 'taken', unknown: [] });
  });

  test('loses no row, changes no order and mixes up no answer, whatever comes when', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ size: fc.integer({ min: 1, max: 3_000 }), waitMs: fc.constantFrom(0, 0, 1, 10, 26) }), {
          maxLength: 15,
        }),
        fc.integer({ min: 2, max: 9 }),
        async (batches, every) => {
          const arrived: number[] = [];
          const gatherer = new Gatherer(async (rows) => {
            const numbers = numbersIn(rows);
            await new Promise((resolve) => setTimeout(resolve, 7));
            arrived.push(...numbers);
            return { kind: 'taken', unknown: numbers.flatMap((number, at) => (number % every === 0 ? [at] : [])) };
          });
          const sent: number[][] = [];
          const outcomes: Promise<IngestOutcome>[] = [];
          for (const { size, waitMs } of batches) {
            const numbers = Array.from({ length: size }, (_, at) => (sent.length * 7 + at) % 90);
            sent.push(numbers);
            outcomes.push(gatherer.add(batchOf(...numbers)));
            await vi.advanceTimersByTimeAsync(waitMs);
          }
          await vi.advanceTimersByTimeAsync(1_000);
          expect(arrived).toEqual(sent.flat());
          expect(await Promise.all(outcomes)).toEqual(
            sent.map((numbers) => ({
              kind: 'taken',
              unknown: numbers.flatMap((number, at) => (number % every === 0 ? [at] : [])),
            })),
          );
        },
      ),
      { numRuns: 40 },
    );
  });
});
