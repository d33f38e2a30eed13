/** Baselines brought up to date from real rollups, and old days tidied up. */
import { env } from 'cloudflare:workers';
import { eq, sql } from 'drizzle-orm';
import { beforeEach, describe, expect, it } from 'vitest';
import type { SignalName } from '#contracts/telemetry';
import { db, tenant, truck, type TestTenant } from '#test/workers/harness';
import { signalDays, signalStates, vehicles } from '#worker/db/schema/index';
import { markSignalsChanged, recordSignals } from '#worker/features/telemetry/signal-store';
import { refreshStaleStates } from '#worker/features/telemetry/signal-states';
import { scopeForJob } from '#worker/http/tenant-scope';
import { refreshSignalStates, tidySignalDays } from './refresh-signals.ts';

const now = new Date('2026-11-20T12:00:00.000Z');
const dayMs = 86_400_000;
const dayAt = (back: number): string => new Date(now.getTime() - back * dayMs).toISOString().slice(0, 10);

// What earlier tests left waiting would take its turn too.
beforeEach(() => db.run(sql`DELETE FROM signal_states`));

/** Sixty closed days of one signal, the newest yesterday. */
async function history(of: TestTenant, vehicleId: string, name: SignalName, meanOf: (back: number) => number) {
  const rows = Array.from({ length: 60 }, (_, at) => {
    const back = 60 - at;
    const mean = meanOf(back);
    return { back, mean, day: dayAt(back), lastAt: `${dayAt(back)}T20:00:00.000Z` };
  });
  await db.run(sql`
    INSERT INTO signal_days (vehicle_id, name, day, tenant_id, readings, mean, min, max, last_value, last_at, version)
    SELECT ${vehicleId}, ${name}, r.value ->> 'day', ${of.id}, 500, r.value ->> 'mean', r.value ->> 'mean',
      r.value ->> 'mean', r.value ->> 'mean', r.value ->> 'lastAt', 1
    FROM json_each(${JSON.stringify(rows)}) AS r`);
  await db.batch([markSignalsChanged(scopeForJob(of.id), db, [vehicleId])]);
}
const wiggle = (back: number): number => ((back * 7) % 11) / 10;
const stateOf = async (id: string) => (await db.select().from(signalStates).where(eq(signalStates.vehicleId, id)))[0];
const isDirty = async (id: string) => (await db.select().from(vehicles).where(eq(vehicles.id, id)))[0]?.isScoreDirty;
const clean = (id: string) => db.update(vehicles).set({ isScoreDirty: false }).where(eq(vehicles.id, id));

describe('refreshing baselines', () => {
  it('finds nothing to do where nothing changed', async () => {
    expect(await refreshSignalStates(env, now)).toEqual({ refreshed: 0, marked: 0 });
  });

  it('computes what scoring takes, once, and marks the vehicle', async () => {
    const fleet = await tenant();
    const id = await truck(fleet);
    await history(fleet, id, 'coolantTempF', (back) => 190 + wiggle(back));
    expect(await refreshSignalStates(env, now)).toEqual({ refreshed: 1, marked: 1 });
    const state = await stateOf(id);
    expect(state).toMatchObject({ tenantId: fleet.id, computedAt: now.toISOString(), changes: 0 });
    expect(state?.signals).toEqual([
      {
        ...{ name: 'coolantTempF', value: 190 + wiggle(1), at: `${dayAt(1)}T20:00:00.000Z`, n: 40, drift: null },
        ...{ baselineMedian: expect.closeTo(190.5, 1), baselineMad: 0.5 },
      },
    ]);
    expect(await isDirty(id)).toBe(true);
    expect(await refreshSignalStates(env, now)).toEqual({ refreshed: 0, marked: 0 });
  });

  it('marks a vehicle when a signal becomes odd or ordinary again, and not for every reading', async () => {
    const fleet = await tenant();
    const id = await truck(fleet);
    const scope = scopeForJob(fleet.id);
    await history(fleet, id, 'coolantTempF', (back) => 190 + wiggle(back));
    await refreshSignalStates(env, now);
    await clean(id);
    /** Enough readings of one day that it counts. */
    const read = (back: number, value: number, at: Date) =>
      recordSignals(
        scope,
        db,
        Array.from({ length: 200 }, (_, minute) => ({
          ...{ vehicleId: id, name: 'coolantTempF' as const, value },
          at: new Date(Date.parse(dayAt(back)) + minute * 60_000).toISOString(),
        })),
      ).then(() => refreshSignalStates(env, at));
    expect(await read(0, 190.4, new Date(now.getTime() + 3_600_000))).toEqual({ refreshed: 1, marked: 0 });
    expect(await isDirty(id)).toBe(false);
    const before = (await db.select().from(vehicles).where(eq(vehicles.id, id)))[0]?.updatedAt ?? '';
    const tomorrow = new Date(now.getTime() + dayMs);
    expect(await read(-1, 210, tomorrow)).toEqual({ refreshed: 1, marked: 1 });
    expect(await isDirty(id)).toBe(true);
    // Scoring tells by this that the vehicle changed under its hands.
    expect(((await db.select().from(vehicles).where(eq(vehicles.id, id)))[0]?.updatedAt ?? '') > before).toBe(true);
    await clean(id);
    expect(await read(-2, 190.2, new Date(now.getTime() + 2 * dayMs))).toEqual({ refreshed: 1, marked: 1 });
  });

  it('a reading that comes in meanwhile keeps its vehicle waiting', async () => {
    const fleet = await tenant();
    const id = await truck(fleet);
    await history(fleet, id, 'coolantTempF', (back) => 190 + wiggle(back));
    // Between the job's reading and its writing.
    let isFirst = true;
    const meddled = new Proxy(db, {
      get(target, property) {
        const value: unknown = Reflect.get(target, property);
        if (property !== 'batch' || typeof value !== 'function') return value;
        return async (items: never) => {
          const answer: unknown = await target.batch(items);
          if (isFirst) {
            isFirst = false;
            await target.batch([markSignalsChanged(scopeForJob(fleet.id), target, [id])]);
          }
          return answer;
        };
      },
    });
    expect(await refreshStaleStates(meddled, 10, now)).toMatchObject({ refreshed: 1 });
    expect(await stateOf(id)).toMatchObject({ changes: 1, computedAt: now.toISOString() });
    // An hour later, and not at every turn.
    expect(await refreshSignalStates(env, new Date(now.getTime() + 50 * 60_000))).toMatchObject({ refreshed: 0 });
    expect(await refreshSignalStates(env, new Date(now.getTime() + 60 * 60_000))).toMatchObject({ refreshed: 1 });
    expect(await stateOf(id)).toMatchObject({ changes: 0 });
  });

  it('two at the same time take the changes away once', async () => {
    const fleet = await tenant();
    const id = await truck(fleet);
    await history(fleet, id, 'coolantTempF', (back) => 190 + wiggle(back));
    // Between this one's reading and its writing another one is done, and a reading comes in after that.
    let isFirst = true;
    const overtaken = new Proxy(db, {
      get(target, property) {
        const value: unknown = Reflect.get(target, property);
        if (property !== 'batch' || typeof value !== 'function') return value;
        return async (items: never) => {
          const answer: unknown = await target.batch(items);
          if (isFirst) {
            isFirst = false;
            await refreshStaleStates(target, 10, new Date(now.getTime() + 1));
            await target.batch([markSignalsChanged(scopeForJob(fleet.id), target, [id])]);
          }
          return answer;
        };
      },
    });
    await refreshStaleStates(overtaken, 10, now);
    expect(await stateOf(id)).toMatchObject({ changes: 1, computedAt: new Date(now.getTime() + 1).toISOString() });
  });

  it('is bounded, and whoever has waited longest comes first', async () => {
    const fleet = await tenant();
    const ids = await Promise.all([truck(fleet), truck(fleet), truck(fleet)]);
    for (const id of ids) await history(fleet, id, 'batteryVolts', () => 14);
    const [first, second, third] = ids as [string, string, string];
    await db
      .update(signalStates)
      .set({ computedAt: '2026-11-19T00:00:00.000Z' })
      .where(eq(signalStates.vehicleId, first));
    await db
      .update(signalStates)
      .set({ computedAt: '2026-11-01T00:00:00.000Z' })
      .where(eq(signalStates.vehicleId, second));
    expect(await refreshSignalStates(env, now, 2)).toMatchObject({ refreshed: 2 });
    expect([await stateOf(first), await stateOf(second), await stateOf(third)].map((state) => state?.changes)).toEqual([
      1, 0, 0,
    ]);
  });
});

describe('the nightly tidying', () => {
  it('closes days past a month, deletes those past 400, in rounds', async () => {
    const fleet = await tenant();
    const id = await truck(fleet);
    const at = (back: number) => `${dayAt(back)}T10:00:00.000Z`;
    for (const back of [0, 31, 32, 40, 399, 401, 402]) {
      await recordSignals(scopeForJob(fleet.id), db, [{ vehicleId: id, name: 'engineRpm', at: at(back), value: 1200 }]);
    }
    expect(await tidySignalDays(env, now, { rowsPerRound: 2, maxRounds: 1 })).toEqual({ closed: 2, deleted: 2 });
    expect(await tidySignalDays(env, now, { rowsPerRound: 2, maxRounds: 10 })).toEqual({ closed: 3, deleted: 0 });
    const left = await db.select().from(signalDays).where(eq(signalDays.vehicleId, id));
    expect(left.map(({ day, minutes }) => [day, minutes !== null]).sort()).toEqual(
      [
        [dayAt(399), false],
        [dayAt(40), false],
        [dayAt(32), false],
        [dayAt(31), true],
        [dayAt(0), true],
      ].sort(),
    );
  });
});
