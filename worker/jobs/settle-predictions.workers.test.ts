/** The sweep that settles predictions: within bounds, in turns, and one tenant’s trouble is its own. */
import { env } from 'cloudflare:workers';
import { eq } from 'drizzle-orm';
import { beforeEach, describe, expect, it } from 'vitest';
import { emptyFeatures, exampleModels, scoreVehicle } from '#scoring';
import { db, tenant, truck, type TestTenant } from '#test/workers/harness';
import { predictions, tenants } from '#worker/db/schema/index';
import { newId } from '#worker/ids';
import { settleAllPredictions } from './settle-predictions.ts';

const dayMs = 86_400_000;
const now = new Date('2026-11-20T12:00:00.000Z');
const score = scoreVehicle(emptyFeatures(), exampleModels(), now);
const bounds = { stepsPerTurn: 5, steps: 80, ms: 15_000 };

// Fleets of earlier tests would have their turn too.
beforeEach(() => db.update(tenants).set({ isActive: false }));

/** A fleet with as many overdue predictions of one truck. */
async function fleetWith(overdue: number): Promise<TestTenant> {
  const fleet = await tenant();
  const vehicleId = await truck(fleet, { firstSeenAt: '2026-01-01T00:00:00.000Z' });
  const rows = Array.from({ length: overdue }, (_, index) => ({
    ...{
      id: newId(),
      tenantId: fleet.id,
      vehicleId,
      modelVersion: 'm1',
      riskScore: 1,
      riskLevel: 'low' as const,
      score,
    },
    ...{ chance7: 0.1, chance30: 0.2, chance90: 0.3 },
    createdAt: new Date(now.getTime() - (100 + index / 100) * dayMs).toISOString(),
  }));
  for (let from = 0; from < rows.length; from += 6) await db.insert(predictions).values(rows.slice(from, from + 6));
  return fleet;
}
const openOf = async (of: TestTenant): Promise<number> =>
  (await db.select().from(predictions).where(eq(predictions.tenantId, of.id))).filter((row) => row.settledAt === null)
    .length;

describe('settling all tenants', () => {
  it('has nothing to do where nothing is due', async () => {
    await tenant();
    expect(await settleAllPredictions(env, now)).toEqual({ tenants: 0, judged: 0, left: 0, failed: 0 });
  });

  it('settles everybody, and finds nothing more', async () => {
    const fleets = [await fleetWith(4), await fleetWith(7)];
    expect(await settleAllPredictions(env, now)).toEqual({ tenants: 2, judged: 11, left: 0, failed: 0 });
    for (const fleet of fleets) expect(await openOf(fleet)).toBe(0);
    expect(await settleAllPredictions(env, now)).toMatchObject({ tenants: 0 });
  });

  it('stops at its bounds, and goes on with the next run', async () => {
    const fleets = [await fleetWith(3), await fleetWith(3), await fleetWith(3)];
    const tight = { ...bounds, stepsPerTurn: 1, steps: 2 };
    const first = await settleAllPredictions(env, now, tight);
    expect(first).toMatchObject({ tenants: 3, judged: 6, failed: 0 });
    expect(first.left).toBeGreaterThan(0);
    for (let run = 0; run < 5; run++) await settleAllPredictions(env, now, tight);
    for (const fleet of fleets) expect(await openOf(fleet)).toBe(0);
  });

  it('one tenant’s trouble does not stop the others', async () => {
    const [lost, sound] = [await fleetWith(2), await fleetWith(2)];
    const DB = new Proxy(env.DB, {
      get(target, property) {
        const value: unknown = Reflect.get(target, property);
        if (property !== 'prepare') return typeof value === 'function' ? (value.bind(target) as unknown) : value;
        return (text: string) => {
          const statement = target.prepare(text);
          if (!text.includes('INSERT INTO prediction_ledger')) return statement;
          return new Proxy(statement, {
            get(inner, name) {
              if (name !== 'bind') return Reflect.get(inner, name) as unknown;
              return (...values: unknown[]) => {
                if (values.includes(lost.id)) throw new Error('D1 is out for this one');
                return inner.bind(...values);
              };
            },
          });
        };
      },
    });
    expect(await settleAllPredictions({ ...env, DB }, now)).toMatchObject({ tenants: 2, judged: 2, failed: 1 });
    expect([await openOf(lost), await openOf(sound)]).toEqual([2, 0]);
    expect(await settleAllPredictions(env, now)).toMatchObject({ tenants: 1, judged: 2 });
  });
});
