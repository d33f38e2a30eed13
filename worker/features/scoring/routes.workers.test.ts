import { and, eq, sql } from 'drizzle-orm';
import { describe, expect, test } from 'vitest';
import { predictionSchema, type Prediction } from '#contracts/risk';
import { riskPreviewSchema, riskSettingsSchema, type RiskPreview, type RiskSettings } from '#contracts/scoring';
import { commonRouteTests } from '#test/workers/common-route-tests';
import { auditEntriesOf, call, db, fault, link, person, tenant, truck, type TestTenant } from '#test/workers/harness';
import { alerts, predictions, tenants, vehicles } from '#worker/db/schema/index';

commonRouteTests('POST /vehicles/:id/score', {
  method: 'POST',
  path: async (owner) => `/vehicles/${await truck(owner)}/score`,
  permission: 'scoring:manage',
  namesThing: true,
  takesBody: false,
});
commonRouteTests('GET /scoring/settings', {
  method: 'GET',
  path: () => '/scoring/settings',
  permission: 'vehicles:read',
  namesThing: false,
  takesBody: false,
});
commonRouteTests('PUT /scoring/settings', {
  method: 'PUT',
  path: () => '/scoring/settings',
  permission: 'scoring:manage',
  namesThing: false,
  takesBody: true,
});
commonRouteTests('POST /scoring/settings/preview', {
  method: 'POST',
  path: () => '/scoring/settings/preview',
  permission: 'scoring:manage',
  namesThing: false,
  takesBody: true,
});

const score = (token: string, id: string) => call('POST', `/vehicles/${id}/score`, { token });
const get = (token: string, query = '') => call('GET', `/scoring/settings${query}`, { token });
const put = (token: string, body: object, options: { query?: string; headers?: Record<string, string> } = {}) =>
  call('PUT', `/scoring/settings${options.query ?? ''}`, {
    token,
    body,
    ...(options.headers === undefined ? {} : { headers: options.headers }),
  });
const preview = (token: string, body: object, query = '') =>
  call('POST', `/scoring/settings/preview${query}`, { token, body });
const settingsIn = (answer: { body: { data: unknown } }) => answer.body.data as RiskSettings;
const previewIn = (answer: { body: { data: unknown } }) => answer.body.data as RiskPreview;

const manager = async (settings = {}) => {
  const fleet = await tenant('fleet', settings);
  return { fleet, ...(await person(fleet, 'fleet_manager')) };
};
const vehicleRow = async (id: string) => (await db.select().from(vehicles).where(eq(vehicles.id, id)))[0];
const keptOf = ({ id }: TestTenant) => db.select().from(predictions).where(eq(predictions.tenantId, id));
const bands = { medium: 1, high: 2, critical: 99 };

describe('scoring one vehicle', () => {
  test('answers the prediction it keeps; vehicle, alerts and log follow', async () => {
    const { fleet, token, userId } = await manager();
    const id = await truck(fleet);
    await fault(fleet, id, { spn: 100, fmi: 1 });
    const answer = await score(token, id);
    expect(answer.status, answer.text).toBe(200);
    const prediction = predictionSchema.strict().parse(answer.body.data);
    expect(prediction.riskLevel).toBe('critical');
    const { data: listed } = (await call('GET', `/vehicles/${id}/predictions`, { token })).body as unknown as {
      data: Prediction[];
    };
    expect(listed).toEqual([prediction]);
    expect(await vehicleRow(id)).toMatchObject({
      riskScore: prediction.riskScore,
      riskLevel: 'critical',
      recommendedAction: 'pull_over',
      openAlertCount: 2,
      isScoreDirty: false,
    });
    const open = await db
      .select()
      .from(alerts)
      .where(and(eq(alerts.vehicleId, id), eq(alerts.status, 'open')));
    expect(open.map(({ type }) => type).sort()).toEqual(['fault', 'risk']);
    expect(await auditEntriesOf(fleet.id)).toMatchObject([
      { action: 'vehicle.score', resourceId: id, actorId: userId, outcome: 'success' },
    ]);
  });

  test('a truck of which nothing is known is scored too, and said to be unknown', async () => {
    const { fleet, token } = await manager();
    const id = await truck(fleet, { make: null, model: null, year: null });
    const { riskLevel, dataStatus } = (await score(token, id)).body.data as unknown as Prediction;
    expect(riskLevel).toBe('low');
    expect(dataStatus).toMatchObject({ kind: 'insufficient_data' });
  });

  test('often at once every time is kept, each of its own', async () => {
    const { fleet, token } = await manager();
    const id = await truck(fleet);
    const answers = await Promise.all([1, 2, 3, 4].map(() => score(token, id)));
    const done = answers.filter(({ status }) => status === 200);
    expect(done.length).toBeGreaterThan(0);
    expect(answers.every(({ status }) => status === 200 || status === 409)).toBe(true);
    const kept = await keptOf(fleet);
    expect(new Set(kept.map((row) => row.id)).size).toBe(done.length);
  });

  test('a dealer scores a linked customer’s truck with the customer’s settings, not a stranger’s', async () => {
    const [dealer, customer, stranger] = [
      await tenant('dealer', { riskBands: bands }),
      await tenant('fleet', { riskBands: { medium: 10, high: 20, critical: 30 } }),
      await tenant(),
    ];
    await link(dealer, customer);
    const { token } = await person(dealer, 'dealer_admin');
    const id = await truck(customer);
    await fault(customer, id, { spn: 110, fmi: 0 });
    const answer = await score(token, id);
    expect(answer.status).toBe(200);
    expect(answer.body.data).toMatchObject({ riskLevel: 'critical' });
    expect(await keptOf(customer)).toHaveLength(1);
    expect(await auditEntriesOf(customer.id)).toMatchObject([{ action: 'vehicle.score', ip: null }]);
    const foreign = await truck(stranger);
    expect((await score(token, foreign)).status).toBe(404);
    expect(await keptOf(stranger)).toEqual([]);
  });

  test('a driver may not, not even with their own truck', async () => {
    const fleet = await tenant();
    const driver = await person(fleet, 'driver');
    const id = await truck(fleet, { assignedDriverId: driver.userId });
    expect((await score(driver.token, id)).status).toBe(403);
  });

  test('without forecasts the risk of its faults stays', async () => {
    const { fleet, token } = await manager({ flags: { predictions: false, alerts: true } });
    const id = await truck(fleet, { firstSeenAt: '2024-01-01T00:00:00.000Z' });
    await fault(fleet, id, { spn: 100, fmi: 1 });
    expect((await score(token, id)).body.data).toMatchObject({
      riskLevel: 'critical',
      failureProbability: null,
      daysToFailure: null,
    });
  });
});

describe('bands and weights', () => {
  test('begin as the defaults, and say what those are', async () => {
    const { token } = await manager();
    const settings = settingsIn(await get(token));
    expect(riskSettingsSchema.strict().parse(settings)).toEqual(settings);
    expect(settings).toMatchObject({ riskBands: settings.defaults.riskBands, weights: settings.defaults.weights });
  });

  test('change one by one; null goes back to the default; the rest of the tenant stays as it is', async () => {
    const { fleet, token } = await manager({ timeZone: 'America/Chicago', riskWeights: { repairsMax: 9 } });
    const first = settingsIn(await put(token, { riskBands: bands, weights: { anomalyMax: 3 } }));
    expect(first).toMatchObject({ riskBands: bands, weights: { anomalyMax: 3, repairsMax: 9 } });
    expect(settingsIn(await get(token))).toEqual(first);
    const second = settingsIn(await put(token, { riskBands: null, weights: { anomalyMax: null } }));
    expect(second.riskBands).toEqual(second.defaults.riskBands);
    expect(second.weights).toEqual({ ...second.defaults.weights, repairsMax: 9 });
    const third = settingsIn(await put(token, { weights: null }));
    expect(third.weights).toEqual(third.defaults.weights);
    const [row] = await db.select().from(tenants).where(eq(tenants.id, fleet.id));
    expect(row?.settings).toEqual({ timeZone: 'America/Chicago' });
  });

  test('the log shows both sides; what changes nothing writes nothing and marks nobody', async () => {
    const { fleet, token } = await manager();
    const id = await truck(fleet);
    await put(token, {});
    await put(token, { riskBands: null, weights: { anomalyMax: null } });
    expect((await vehicleRow(id))?.isScoreDirty).toBe(false);
    await put(token, { riskBands: bands });
    await put(token, { riskBands: bands });
    const entries = await auditEntriesOf(fleet.id);
    expect(entries.map(({ action }) => action)).toEqual(['risk_settings.update']);
    expect(JSON.parse(entries[0]?.before ?? '')).toMatchObject({ riskBands: null });
    expect(JSON.parse(entries[0]?.after ?? '')).toMatchObject({ riskBands: bands });
  });

  test('the whole fleet is scored with them at once, in the background', async () => {
    const { fleet, token } = await manager();
    const ids = [await truck(fleet), await truck(fleet)];
    for (const id of ids) await fault(fleet, id, { spn: 94, fmi: 3, severity: 'major' });
    await put(token, { riskBands: { medium: 0.1, high: 0.2, critical: 0.3 } });
    for (const id of ids) await expect.poll(async () => (await vehicleRow(id))?.riskLevel).toBe('critical');
    expect(await keptOf(fleet)).toHaveLength(2);
    const open = () => db.select().from(alerts).where(eq(alerts.tenantId, fleet.id));
    await expect.poll(async () => (await open()).filter(({ type }) => type === 'risk').length).toBe(2);
    expect((await vehicleRow(ids[0] ?? ''))?.isScoreDirty).toBe(false);
  });

  test('If-Match: the state that was read, or 412; of many one wins', async () => {
    const { token } = await manager();
    const headers = { 'if-match': (await get(token)).headers.get('etag') ?? '' };
    const answers = await Promise.all(
      [10, 11, 12, 13].map((medium) => put(token, { riskBands: { ...bands, medium, high: 50 } }, { headers })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 412, 412, 412]);
    expect((await put(token, { riskBands: null }, { headers })).body.error.code).toBe('PRECONDITION_FAILED');
    expect((await put(token, { riskBands: null }, { headers: { 'if-match': '*' } })).status).toBe(200);
  });

  test('an unchanged state is 304 to whoever has it', async () => {
    const { token } = await manager();
    const etag = (await get(token)).headers.get('etag') ?? '';
    const again = await call('GET', '/scoring/settings', { token, headers: { 'if-none-match': etag } });
    expect(again.status).toBe(304);
  });

  test('what is out of range or no such weight is 400, and nothing changes', async () => {
    const { token } = await manager();
    const before = settingsIn(await get(token));
    for (const body of [
      { riskBands: { medium: 50, high: 40, critical: 90 } },
      { riskBands: { medium: 10, high: 40 } },
      { riskBands: { medium: 0, high: 40, critical: 90 } },
      { riskBands: { medium: 10, high: 40, critical: 101 } },
      { weights: { anomalyMax: -1 } },
      { weights: { anomalyMax: 26 } },
      { weights: { anomalyMax: '3' } },
      { weights: { stopCode: 5 } },
      { weights: { serviceIntervalMiles: 1 } },
      { weights: [] },
      { settings: {} },
    ]) {
      expect((await put(token, body)).status, JSON.stringify(body)).toBe(400);
      expect((await preview(token, body)).status, JSON.stringify(body)).toBe(400);
    }
    expect(settingsIn(await get(token))).toEqual(before);
  });

  test('the operator names the tenant; nobody else names another’s, a linked dealer neither', async () => {
    const { fleet } = await manager();
    const dealer = await tenant('dealer');
    await link(dealer, fleet);
    const operator = await person(null, 'super_admin');
    const query = `?tenantId=${fleet.id}`;
    expect((await get(operator.token)).status).toBe(400);
    expect((await put(operator.token, { riskBands: bands }, { query })).status).toBe(200);
    expect(settingsIn(await get(operator.token, query)).riskBands).toEqual(bands);
    expect((await preview(operator.token, {}, query)).status).toBe(200);
    const { token } = await person(dealer, 'dealer_admin');
    expect((await get(token, query)).status).toBe(404);
    expect((await put(token, { riskBands: bands }, { query })).status).toBe(404);
    expect((await preview(token, {}, query)).status).toBe(404);
    expect(settingsIn(await get(token)).riskBands).not.toEqual(bands);
  });

  test('whoever may look at vehicles sees them, and may not change them', async () => {
    const fleet = await tenant();
    for (const role of ['viewer', 'driver', 'technician'] as const) {
      const { token } = await person(fleet, role);
      expect((await get(token)).status).toBe(200);
      expect((await put(token, {})).status).toBe(403);
      expect((await preview(token, {})).status).toBe(403);
    }
  });

  test('more than six changes in a minute are too many, and leave the preview alone', async () => {
    const { token } = await manager();
    const statuses: number[] = [];
    for (let turn = 1; turn <= 8; turn += 1)
      statuses.push((await put(token, { weights: { anomalyMax: turn } })).status);
    expect(statuses).toEqual([...Array(6).fill(200), 429, 429]);
    expect(settingsIn(await get(token)).weights['anomalyMax']).toBe(6);
    expect((await preview(token, {})).status).toBe(200);
  });

  test('more than twenty previews in a minute are too many', async () => {
    const { token } = await manager();
    const statuses: number[] = [];
    for (let turn = 0; turn < 22; turn += 1) statuses.push((await preview(token, {})).status);
    expect(statuses.slice(0, 20)).toEqual(Array(20).fill(200));
    expect(statuses.slice(20)).toEqual([429, 429]);
  });
});

describe('the preview', () => {
  const fleetOfThree = async () => {
    const { fleet, token } = await manager();
    const [well, sick, stopped] = [await truck(fleet), await truck(fleet), await truck(fleet)];
    await fault(fleet, sick, { spn: 3251, fmi: 16 });
    await fault(fleet, stopped, { spn: 100, fmi: 1 });
    return { fleet, token, well, sick, stopped };
  };

  test('shows the levels before and after, and writes nothing', async () => {
    const { fleet, token, sick } = await fleetOfThree();
    await link(await tenant('dealer'), fleet);
    const everything = async () =>
      JSON.stringify([
        await db.select().from(vehicles).where(eq(vehicles.tenantId, fleet.id)),
        await db.select().from(tenants).where(eq(tenants.id, fleet.id)),
        await keptOf(fleet),
        await db.select().from(alerts).where(eq(alerts.tenantId, fleet.id)),
        await auditEntriesOf(fleet.id),
      ]);
    const before = await everything();
    const answer = await preview(token, { riskBands: { medium: 98, high: 99, critical: 100 } });
    expect(answer.status, answer.text).toBe(200);
    const shown = riskPreviewSchema.strict().parse(answer.body.data);
    expect(shown).toMatchObject({ vehicleCount: 3, before: { low: 1, medium: 1, critical: 1 }, changedCount: 1 });
    // A truck that must stop is critical whatever the bands are.
    expect(shown.after).toMatchObject({ low: 2, critical: 1 });
    expect(shown.changes.map(({ vehicleId }) => vehicleId)).toEqual([sick]);
    expect(shown.changes[0]?.after.riskLevel).toBe('low');
    expect(await everything()).toBe(before);
  });

  test('says what the change then brings', async () => {
    const { token, sick } = await fleetOfThree();
    const wanted = { riskBands: { medium: 5, high: 10, critical: 20 }, weights: { lampRedStop: 40 } };
    const shown = previewIn(await preview(token, wanted));
    await put(token, wanted);
    const expected = shown.changes.find(({ vehicleId }) => vehicleId === sick)?.after;
    await expect.poll(async () => (await vehicleRow(sick))?.riskLevel).toBe(expected?.riskLevel);
    expect((await vehicleRow(sick))?.riskScore).toBe(expected?.riskScore);
    const again = previewIn(await preview(token, {}));
    expect([again.changedCount, again.before]).toEqual([0, shown.after]);
  });

  test('of a fleet past the bound is refused in words', async () => {
    const { fleet, token } = await manager();
    await db.run(sql`
      INSERT INTO vehicles (id, tenant_id, vin, unit_number, first_seen_at, updated_at)
      WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 10001)
      SELECT 'big-' || x, ${fleet.id}, printf('1XKYDP9X0RJ%06d', x), 'u' || x, t, t
      FROM n, (SELECT '2026-11-01T00:00:00.000Z' AS t)`);
    const answer = await preview(token, {});
    expect([answer.status, answer.body.error]).toMatchObject([409, { code: 'CONFLICT', message: /10000 vehicles/ }]);
    await db.run(sql`DELETE FROM vehicles WHERE tenant_id = ${fleet.id}`);
  });

  test('of no vehicles is empty', async () => {
    const { token } = await manager();
    expect(previewIn(await preview(token, { riskBands: bands }))).toMatchObject({ vehicleCount: 0, changes: [] });
  });

  test('null is the default there too', async () => {
    const { fleet, token } = await manager({ riskBands: { medium: 98, high: 99, critical: 100 } });
    await fault(fleet, await truck(fleet), { spn: 3251, fmi: 16 });
    expect(previewIn(await preview(token, { riskBands: null })).changedCount).toBe(1);
    expect(previewIn(await preview(token, {})).changedCount).toBe(0);
  });
});
