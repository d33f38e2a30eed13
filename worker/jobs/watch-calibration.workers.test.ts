/** The drift alarm on real predictions: raised once, ended by itself, silent where nobody wants it. */
import { env } from 'cloudflare:workers';
import { and, eq } from 'drizzle-orm';
import { beforeEach, describe, expect, it } from 'vitest';
import { emptyFeatures, exampleModels, scoreVehicle } from '#scoring';
import { call, db, person, tenant, type TestTenant } from '#test/workers/harness';
import { alerts, calibrationChecks, predictions, tenants, vehicles } from '#worker/db/schema/index';
import { newId } from '#worker/ids';
import { watchAllCalibrations } from './watch-calibration.ts';

const dayMs = 86_400_000;
const now = new Date('2026-11-20T12:00:00.000Z');
const at = (days: number): Date => new Date(now.getTime() + days * dayMs);
const score = scoreVehicle(emptyFeatures(), exampleModels(), now);

beforeEach(async () => {
  // Fleets of earlier tests would be looked at too.
  await db.update(tenants).set({ isActive: false });
});

/** A fleet of 60 trucks with one prediction each 33 and 72 days before `now`; `failing` of a hundred failed ten days later. */
async function fleetOf(failing: number, chance30: number | null, settings = {}): Promise<TestTenant> {
  const fleet = await tenant('fleet', settings);
  await predictAll(fleet, failing, chance30, now);
  return fleet;
}

async function predictAll(fleet: TestTenant, failing: number, chance30: number | null, until: Date): Promise<void> {
  const rows = Array.from({ length: 60 }, (_, index) => {
    const vehicle = {
      ...{ id: newId(), tenantId: fleet.id, vin: newId().slice(-17), unitNumber: `T${index}` },
      ...{ firstSeenAt: at(-200).toISOString(), updatedAt: now.toISOString() },
    };
    return { vehicle, index };
  });
  for (let from = 0; from < rows.length; from += 10) {
    await db.insert(vehicles).values(rows.slice(from, from + 10).map(({ vehicle }) => vehicle));
  }
  const made = rows.flatMap(({ vehicle, index }) =>
    [33, 72].map((age, which) => {
      const createdMs = until.getTime() - age * dayMs;
      const isFailed = (index * 2 + which) * 100 < failing * 120;
      return {
        ...{ id: newId(), tenantId: fleet.id, vehicleId: vehicle.id, createdAt: new Date(createdMs).toISOString() },
        ...{ modelVersion: 'm1', riskScore: 10, riskLevel: 'low' as const, score },
        ...{ chance7: chance30 === null ? null : chance30 / 4, chance30, chance90: chance30 },
        failedAt: isFailed ? new Date(createdMs + 10 * dayMs).toISOString() : null,
        failed30: isFailed,
      };
    }),
  );
  for (let from = 0; from < made.length; from += 6) await db.insert(predictions).values(made.slice(from, from + 6));
}

const alertsOf = (of: TestTenant) => db.select().from(alerts).where(eq(alerts.tenantId, of.id));
const checkOf = async (of: TestTenant) =>
  (await db.select().from(calibrationChecks).where(eq(calibrationChecks.tenantId, of.id)))[0];
/** Newer predictions take the place of the ones looked at. */
const recover = (of: TestTenant) => db.delete(predictions).where(eq(predictions.tenantId, of.id));

describe('watching calibration', () => {
  it('looks at nobody without predictions a month old, and at everybody else once a day', async () => {
    await tenant();
    const fleet = await fleetOf(20, 0.2);
    expect(await watchAllCalibrations(env, now)).toEqual({ checked: 1, drifting: 0, failed: 0 });
    expect(await checkOf(fleet)).toMatchObject({ isDrifting: false, since: null, reason: null });
    expect(await watchAllCalibrations(env, at(0.9))).toMatchObject({ checked: 0 });
    expect(await watchAllCalibrations(env, at(1))).toMatchObject({ checked: 1 });
    expect(await alertsOf(fleet)).toEqual([]);
  });

  it('raises one alert in plain words and keeps it while the drift stands', async () => {
    const fleet = await fleetOf(40, 0.15);
    expect(await watchAllCalibrations(env, now)).toEqual({ checked: 1, drifting: 1, failed: 0 });
    const [alert, ...others] = await alertsOf(fleet);
    expect(others).toEqual([]);
    expect(alert).toMatchObject({
      ...{
        type: 'anomaly',
        severity: 'minor',
        status: 'open',
        vehicleId: null,
        cause: 'scoring.drift',
        occurrenceCount: 1,
      },
    });
    expect(alert?.message).toContain(
      'Of 120 predictions made one to three months ago, looked at 30 days later, 48 were followed',
    );
    expect(alert?.message).toContain('the chances are too low. Check that repairs and breakdowns are recorded');
    await watchAllCalibrations(env, at(1));
    expect(await alertsOf(fleet)).toMatchObject([{ id: alert?.id, status: 'open', occurrenceCount: 1 }]);
    expect(await checkOf(fleet)).toMatchObject({
      isDrifting: true,
      since: now.toISOString(),
      checkedAt: at(1).toISOString(),
    });
    const { token } = await person(fleet, 'viewer');
    const report = await call('GET', '/reports/prediction-accuracy', { token });
    expect(report.body.data).toMatchObject({ drift: { isDrifting: true, since: now.toISOString() } });
  });

  it('ends by itself, and comes back as a new alert', async () => {
    const fleet = await fleetOf(40, 0.15);
    await watchAllCalibrations(env, now);
    await recover(fleet);
    await predictAll(fleet, 15, 0.15, at(5));
    expect(await watchAllCalibrations(env, at(5))).toMatchObject({ checked: 1, drifting: 0 });
    expect(await alertsOf(fleet)).toMatchObject([{ status: 'resolved', resolvedBy: null }]);
    expect(await checkOf(fleet)).toMatchObject({ isDrifting: false, since: null });
    await recover(fleet);
    await predictAll(fleet, 40, 0.15, at(50));
    await watchAllCalibrations(env, at(50));
    expect((await alertsOf(fleet)).map(({ status }) => status).sort()).toEqual(['open', 'resolved']);
  });

  it('a person’s word covers it until the predictions have matched again', async () => {
    const fleet = await fleetOf(40, 0.15);
    await watchAllCalibrations(env, now);
    const { token } = await person(fleet, 'fleet_admin');
    const [alert] = await alertsOf(fleet);
    await call('PUT', `/alerts/${alert?.id}/resolve`, { token, body: { comment: 'we know' } });
    for (const days of [1, 2, 3]) await watchAllCalibrations(env, at(days));
    expect(await alertsOf(fleet)).toMatchObject([{ status: 'resolved' }]);
  });

  it('a tenant without alerts gets none, and the report says it all the same', async () => {
    const fleet = await fleetOf(40, 0.15, { flags: { predictions: true, alerts: false } });
    expect(await watchAllCalibrations(env, now)).toMatchObject({ drifting: 1 });
    expect(await alertsOf(fleet)).toEqual([]);
    expect(await checkOf(fleet)).toMatchObject({ isDrifting: true });
    await db.update(tenants).set({ settings: {} }).where(eq(tenants.id, fleet.id));
    await watchAllCalibrations(env, at(1));
    expect(await alertsOf(fleet)).toMatchObject([{ status: 'open' }]);
  });

  it('predictions without a chance are not looked at', async () => {
    const fleet = await fleetOf(40, null);
    expect(await watchAllCalibrations(env, now)).toMatchObject({ checked: 1, drifting: 0 });
    expect(await alertsOf(fleet)).toEqual([]);
  });

  it('killed after its alert or after its note, the next look ends in the same', async () => {
    const fleet = await fleetOf(40, 0.15);
    /** A database that is lost once a statement with this word has been carried out. */
    const lostAfter = (word: RegExp): typeof env => {
      let isLost = false;
      const DB = new Proxy(env.DB, {
        get(target, property) {
          const value: unknown = Reflect.get(target, property);
          if (property === 'prepare') {
            return (text: string) => {
              if (isLost) throw new Error('killed');
              if (word.test(text)) isLost = true;
              return target.prepare(text);
            };
          }
          return typeof value === 'function' ? (value.bind(target) as unknown) : value;
        },
      });
      return { ...env, DB };
    };
    expect(await watchAllCalibrations(lostAfter(/INSERT INTO calibration_checks/), now)).toMatchObject({ failed: 1 });
    expect(await alertsOf(fleet)).toEqual([]);
    await watchAllCalibrations(env, at(1));
    expect(await alertsOf(fleet)).toMatchObject([{ status: 'open' }]);
    await recover(fleet);
    await predictAll(fleet, 15, 0.15, at(5));
    // Lost while reading, before anything was ended; then whole.
    expect(await watchAllCalibrations(lostAfter(/SELECT max\(q.created_at\)/), at(5))).toMatchObject({ failed: 1 });
    expect(await checkOf(fleet)).toMatchObject({ isDrifting: true });
    await watchAllCalibrations(env, at(5));
    expect(
      await db
        .select()
        .from(alerts)
        .where(and(eq(alerts.tenantId, fleet.id), eq(alerts.status, 'open'))),
    ).toEqual([]);
    expect(await checkOf(fleet)).toMatchObject({ isDrifting: false });
  });

  it('is bounded, and the longest unseen comes first', async () => {
    const [one, two] = [await fleetOf(20, 0.2), await fleetOf(20, 0.2)];
    await watchAllCalibrations(env, now, 1);
    const [first, second] = [await checkOf(one), await checkOf(two)];
    expect([first, second].filter((check) => check !== undefined)).toHaveLength(1);
    await watchAllCalibrations(env, at(1.5), 1);
    expect([await checkOf(one), await checkOf(two)].every((check) => check !== undefined)).toBe(true);
  });
});
