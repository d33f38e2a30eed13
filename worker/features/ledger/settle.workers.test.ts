/** The ledger on real D1: every sum exactly once, whatever is killed, repeated or done by two at once. */
import { eq } from 'drizzle-orm';
import { describe, expect, it } from 'vitest';
import { db, tenant, truck } from '#test/workers/harness';
import {
  at,
  day,
  expectAgreement,
  fleetWithPast,
  happen,
  judgedAt,
  ledgerOf,
  predict,
  predictionsOf,
} from '#test/workers/ledger-builders';
import type { Database } from '#worker/db/client';
import { predictionReviews } from '#worker/db/schema/index';
import { scopeForJob } from '#worker/http/tenant-scope';
import { settlePredictions, type SettleBounds } from './settle.ts';
import { reviewEverything } from './reviews.ts';
import { listTenantsToSettle, readWork, writeVerdicts } from './store.ts';

const small: SettleBounds = { steps: 100, vehicles: 1, predictionsPerVehicle: 7, predictionsPerHorizon: 7 };

describe('settling', () => {
  it('does nothing where there is nothing, and nothing before a horizon is over', async () => {
    const fleet = await tenant();
    expect(await settlePredictions(scopeForJob(fleet.id), db, at(0))).toEqual({ judged: 0, steps: 0, isDone: true });
    await predict(fleet, [{ vehicleId: await truck(fleet), at: 0 }]);
    expect(await settlePredictions(scopeForJob(fleet.id), db, at(6.9))).toMatchObject({ judged: 0, isDone: true });
    expect(await ledgerOf(fleet)).toEqual([]);
  });

  it('judges each horizon as it passes', async () => {
    const fleet = await tenant();
    const scope = scopeForJob(fleet.id);
    await predict(fleet, [{ vehicleId: await truck(fleet), at: 0 }]);
    const seen: unknown[] = [];
    for (const days of [7, 8, 30, 31, 90, 91]) {
      const { judged } = await settlePredictions(scope, db, at(days));
      const [row] = await predictionsOf(fleet);
      seen.push([judged, row?.failed7, row?.failed30, row?.failed90, row?.settledAt]);
      await expectAgreement(fleet);
    }
    expect(seen).toEqual([
      [1, false, null, null, null],
      [0, false, null, null, null],
      [1, false, false, null, null],
      [0, false, false, null, null],
      [1, false, false, false, day(90)],
      [0, false, false, false, day(90)],
    ]);
  });

  it('a repair decides all predictions of the 90 days before it at the next run', async () => {
    const fleet = await tenant();
    const vehicleId = await truck(fleet);
    await predict(
      fleet,
      [0, 20, 84, 95, 101].map((days) => ({ vehicleId, at: days })),
    );
    await happen(fleet, vehicleId, 100);
    await settlePredictions(scopeForJob(fleet.id), db, at(100.1));
    expect((await predictionsOf(fleet)).map((row) => [row.failed7, row.failed30, row.failed90, row.failedAt])).toEqual([
      [false, false, false, null],
      [false, false, true, day(100)],
      [false, true, true, day(100)],
      [true, true, true, day(100)],
      [null, null, null, null],
    ]);
    await expectAgreement(fleet);
    expect(await db.select().from(predictionReviews).where(eq(predictionReviews.tenantId, fleet.id))).toEqual([]);
  });

  it('predictions without a chance get their outcome and no place in the sums', async () => {
    const fleet = await tenant();
    await predict(fleet, [{ vehicleId: await truck(fleet), at: 0, chance: null }]);
    expect(await settlePredictions(scopeForJob(fleet.id), db, at(91))).toMatchObject({ judged: 1 });
    expect((await predictionsOf(fleet))[0]).toMatchObject({ failed90: false, settledAt: day(91) });
    expect(await ledgerOf(fleet)).toEqual([]);
  });

  it('is bounded, goes on where it stopped, and ends in the same sums', async () => {
    const { fleet } = await fleetWithPast();
    const scope = scopeForJob(fleet.id);
    const first = await settlePredictions(scope, db, at(200), { ...small, steps: 2 });
    expect(first).toMatchObject({ steps: 2, isDone: false });
    await expectAgreement(fleet);
    let runs = 0;
    while (!(await settlePredictions(scope, db, at(200), { ...small, steps: 1 })).isDone) runs += 1;
    expect(runs).toBeGreaterThan(2);
    await expectAgreement(fleet);
    // Truck one failed after 26 predictions; truck two had preventive work after 13 and failed 27 later; truck three is fine.
    expect(await judgedAt(fleet, 90)).toEqual([120 - 13, 26 + 27, 13]);
    expect((await predictionsOf(fleet)).every(({ settledAt }) => settledAt !== null)).toBe(true);
  });

  it('a reviewed vehicle with more predictions than a reading takes is judged piece by piece, across runs', async () => {
    const fleet = await tenant();
    const vehicleId = await truck(fleet, { firstSeenAt: day(-100) });
    const scope = scopeForJob(fleet.id);
    // Four a day for 20 days, and several at one instant where a piece ends.
    const times = Array.from({ length: 80 }, (_, n) => (n >= 8 && n <= 12 ? 2 : n / 4));
    await predict(fleet, times.map((days) => ({ vehicleId, at: days }))); // prettier-ignore
    await happen(fleet, vehicleId, 19.9);
    const bounds = { ...small, steps: 1, predictionsPerVehicle: 10 };
    const left = async () => (await predictionsOf(fleet)).filter(({ failedAt }) => failedAt === null).length;
    const lefts: number[] = [];
    for (let run = 0; run < 7; run++) {
      const { judged, isDone } = await settlePredictions(scope, db, at(20), bounds);
      expect([judged > 0 && judged <= 10 + 4, isDone]).toEqual([true, false]);
      lefts.push(await left());
      await expectAgreement(fleet);
      expect(await db.select().from(predictionReviews).where(eq(predictionReviews.tenantId, fleet.id))).toHaveLength(1);
    }
    expect(lefts).toEqual([67, 57, 47, 37, 27, 17, 7]);
    // An event that comes while the review is under way has it begin anew where that event reaches.
    await happen(fleet, vehicleId, 10.1, 'preventive', 20);
    expect((await settlePredictions(scope, db, at(20), { ...bounds, steps: 100 })).isDone).toBe(true);
    await expectAgreement(fleet);
    const rows = await predictionsOf(fleet);
    expect(rows.map(({ createdAt, failedAt, censoredAt }) => (createdAt < day(10.1) ? censoredAt : failedAt))).toEqual(
      rows.map(({ createdAt }) => (createdAt < day(10.1) ? day(10.1) : day(19.9))),
    );
    expect(await db.select().from(predictionReviews).where(eq(predictionReviews.tenantId, fleet.id))).toEqual([]);
  });

  it('a note that came after one that ended is not ended with it', async () => {
    const fleet = await tenant();
    const vehicleId = await truck(fleet);
    const scope = scopeForJob(fleet.id);
    await predict(fleet, [{ vehicleId, at: 0 }]);
    await happen(fleet, vehicleId, 5);
    const read = await readWork(scope, db, at(6), small);
    expect((await settlePredictions(scope, db, at(6))).isDone).toBe(true);
    // The same event is told of once more: the same days, another note.
    await db.batch([reviewEverything(scope, db)]);
    await writeVerdicts(scope, db, { verdicts: [], reviews: read.reviews, baselines: [] });
    expect(await db.select().from(predictionReviews).where(eq(predictionReviews.tenantId, fleet.id))).toHaveLength(1);
  });

  it('every writing is a step', async () => {
    const fleet = await tenant();
    const vehicleId = await truck(fleet);
    await predict(fleet, Array.from({ length: 601 }, (_, n) => ({ vehicleId, at: n / 1000 }))); // prettier-ignore
    const bounds = { ...small, predictionsPerHorizon: 1_000 };
    expect(await settlePredictions(scopeForJob(fleet.id), db, at(100), bounds)).toMatchObject({
      judged: 601,
      steps: 2,
    });
  });

  it('two runs at the same time count nothing twice', async () => {
    const { fleet } = await fleetWithPast();
    const scope = scopeForJob(fleet.id);
    await Promise.all(
      [0, 1, 2].map(() => settlePredictions(scope, db, at(200), { ...small, predictionsPerHorizon: 50 })),
    );
    expect((await settlePredictions(scope, db, at(200), small)).isDone).toBe(true);
    await expectAgreement(fleet);
    expect(await judgedAt(fleet, 90)).toEqual([107, 53, 13]);
  });

  it('killed before or after any of its transactions, it converges to the same', { timeout: 60_000 }, async () => {
    /** A database that fails at the n-th batch from now, before or after it is done. */
    const failing = (nth: number, when: 'before' | 'after'): Database => {
      let left = nth;
      return new Proxy(db, {
        get(target, property) {
          const value: unknown = Reflect.get(target, property);
          if (property !== 'batch') return typeof value === 'function' ? (value.bind(target) as unknown) : value;
          return async (items: never) => {
            left -= 1;
            if (left === 0 && when === 'before') throw new Error('killed');
            const answer: unknown = await target.batch(items);
            if (left === 0) throw new Error('killed');
            return answer;
          };
        },
      });
    };
    for (const when of ['before', 'after'] as const) {
      const { fleet, trucks } = await fleetWithPast();
      const scope = scopeForJob(fleet.id);
      let kills = 0;
      for (const [index, nth] of [3, 2, 5, 1, 4, 2, 3, 6, 2, 1].entries()) {
        const now = 15 + index * 20;
        if (index === 3) await happen(fleet, trucks[2], 30.5, 'repair', now);
        const run = settlePredictions(scope, failing(nth, when), at(now), { ...small, predictionsPerHorizon: 20 });
        await run.catch((cause: Error) => {
          expect(cause.message).toBe('killed');
          kills += 1;
        });
        await expectAgreement(fleet);
      }
      expect(kills).toBeGreaterThan(5);
      await settlePredictions(scope, db, at(200), { ...small, steps: 1000 });
      await expectAgreement(fleet);
      expect(await judgedAt(fleet, 90)).toEqual([107, 53 + 31, 13]);
    }
  });
});

describe('whose turn it is', () => {
  it('tenants with news or with something overdue, and nobody else', async () => {
    const [idle, due, fresh, told] = [await tenant(), await tenant(), await tenant(), await tenant()];
    for (const of of [due, fresh, told]) {
      const vehicleId = await truck(of);
      await predict(of, [{ vehicleId, at: of === due ? 0 : 3 }]);
      if (of === told) await happen(of, vehicleId, 4);
    }
    const ours = async (days: number) =>
      (await listTenantsToSettle(db, at(days), 6))
        .filter((id) => [idle, due, fresh, told].some((of) => of.id === id))
        .sort();
    expect(await ours(7.1)).toEqual([told.id]);
    expect(await ours(7.3)).toEqual([due.id, told.id].sort());
  });
});
