import { env } from 'cloudflare:workers';
import { and, eq } from 'drizzle-orm';
import { describe, expect, test } from 'vitest';
import { alertSchema } from '#contracts/alerts';
import { commonRouteTests } from '#test/workers/common-route-tests';
import { alert, call, db, fault, link, person, tenant, truck } from '#test/workers/harness';
import { alerts, faults, vehicles } from '#worker/db/schema/index';
import { scopeForJob } from '#worker/http/tenant-scope';
import { newId } from '#worker/ids';
import { rescoreDirtyVehicles } from '../scoring/rescore.ts';
import { evaluateAlerts, raiseAlert, resolveAlertCause } from './evaluate.ts';

const of = { takesBody: false, namesThing: true } as const;
commonRouteTests('GET /alerts', {
  ...of,
  method: 'GET',
  path: () => '/alerts',
  permission: 'alerts:read',
  namesThing: false,
});
commonRouteTests('GET /alerts/:id', {
  ...of,
  method: 'GET',
  path: async (owner) => `/alerts/${await alert(owner, null)}`,
  permission: 'alerts:read',
});
for (const action of ['acknowledge', 'resolve']) {
  commonRouteTests(`PUT /alerts/:id/${action}`, {
    method: 'PUT',
    path: async (owner) => `/alerts/${await alert(owner, null)}/${action}`,
    permission: 'alerts:manage',
    namesThing: true,
    takesBody: true,
  });
}

const manager = async () => {
  const fleet = await tenant();
  return { fleet, ...(await person(fleet, 'fleet_manager')) };
};

describe('a person and an alert', () => {
  test('acknowledging needs no body, says who, and twice is once', async () => {
    const { fleet, token, userId } = await manager();
    const id = await alert(fleet, await truck(fleet));
    const first = await call('PUT', `/alerts/${id}/acknowledge`, { token });
    expect(first.status).toBe(200);
    const acknowledged = alertSchema.parse(first.body.data);
    expect(acknowledged).toMatchObject({ status: 'acknowledged', acknowledgedBy: userId });
    expect((await call('PUT', `/alerts/${id}/acknowledge`, { token, body: {} })).body.data).toEqual(acknowledged);
  });

  test('a critical alert is resolved only with a comment, any other without', async () => {
    const { fleet, token, userId } = await manager();
    const vehicleId = await truck(fleet, { openAlertCount: 1 });
    const critical = await alert(fleet, vehicleId, { severity: 'critical' });
    const refused = await call('PUT', `/alerts/${critical}/resolve`, { token });
    expect([refused.status, refused.body.error.code]).toEqual([400, 'VALIDATION_FAILED']);
    expect((await call('PUT', `/alerts/${critical}/resolve`, { token, body: { comment: '   ' } })).status).toBe(400);
    const done = await call('PUT', `/alerts/${critical}/resolve`, { token, body: { comment: 'Hose replaced' } });
    expect(done.body.data).toMatchObject({ status: 'resolved', resolvedBy: userId });
    const [row] = await db.select().from(vehicles).where(eq(vehicles.id, vehicleId));
    expect(row?.openAlertCount).toBe(0);
    const major = await alert(fleet, null);
    expect((await call('PUT', `/alerts/${major}/resolve`, { token })).status).toBe(200);
  });

  test('what has ended cannot be ended or taken on again: 409 with its status', async () => {
    const { fleet, token } = await manager();
    const id = await alert(fleet, null, { status: 'resolved' });
    for (const action of ['acknowledge', 'resolve']) {
      const answer = await call('PUT', `/alerts/${id}/${action}`, { token });
      expect([answer.status, answer.body.error.code]).toEqual([409, 'CONFLICT']);
      expect(answer.body.error.details).toEqual({ status: 'resolved' });
    }
  });

  test('If-Match: only on the state that was read', async () => {
    const { fleet, token } = await manager();
    const path = `/alerts/${await alert(fleet, null)}`;
    const etag = (await call('GET', path, { token })).headers.get('etag') ?? '';
    const stale = await call('PUT', `${path}/acknowledge`, { token, headers: { 'if-match': '"stale"' } });
    expect([stale.status, stale.body.error.code]).toEqual([412, 'PRECONDITION_FAILED']);
    expect((await call('GET', path, { token })).body.data).toMatchObject({ status: 'open' });
    expect((await call('PUT', `${path}/acknowledge`, { token, headers: { 'if-match': etag } })).status).toBe(200);
    expect((await call('PUT', `${path}/resolve`, { token, headers: { 'if-match': etag } })).status).toBe(412);
    expect((await call('PUT', `${path}/resolve`, { token, headers: { 'if-match': '*' } })).status).toBe(200);
  });

  test('of two people at once exactly one resolves', async () => {
    const { fleet, token } = await manager();
    const id = await alert(fleet, null);
    const answers = await Promise.all([1, 2].map(() => call('PUT', `/alerts/${id}/resolve`, { token })));
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, 409]);
  });

  test('a dealer’s service manager settles a linked customer’s alert, not a stranger’s', async () => {
    const [dealer, customer, stranger] = [await tenant('dealer'), await tenant(), await tenant()];
    await link(dealer, customer);
    const { token } = await person(dealer, 'service_manager');
    expect((await call('PUT', `/alerts/${await alert(customer, null)}/acknowledge`, { token })).status).toBe(200);
    expect((await call('PUT', `/alerts/${await alert(stranger, null)}/acknowledge`, { token })).status).toBe(404);
  });

  test('how a customer’s portal sync fares is not the dealer’s to see', async () => {
    const [dealer, customer] = [await tenant('dealer'), await tenant()];
    await link(dealer, customer);
    const sync = await alert(customer, null, { type: 'sync' });
    const { token } = await person(dealer, 'dealer_admin');
    expect((await call('GET', '/alerts', { token })).body.meta).toMatchObject({ total: 0 });
    expect((await call('GET', `/alerts/${sync}`, { token })).status).toBe(404);
    expect((await call('PUT', `/alerts/${sync}/resolve`, { token })).status).toBe(404);
    const { token: own } = await person(customer, 'fleet_admin');
    expect((await call('GET', `/alerts/${sync}`, { token: own })).status).toBe(200);
  });

  test('the list is worst first and filters by every named field', async () => {
    const { fleet, token } = await manager();
    const vehicleId = await truck(fleet);
    await alert(fleet, vehicleId, { severity: 'minor', title: 'minor' });
    await alert(fleet, vehicleId, { severity: 'critical', title: 'critical', type: 'risk' });
    await alert(fleet, null, { severity: 'major', title: 'major', status: 'acknowledged' });
    const titles = async (query: string) =>
      ((await call('GET', `/alerts?${query}`, { token })).body.data as { title: string }[]).map(({ title }) => title);
    expect(await titles('')).toEqual(['critical', 'major', 'minor']);
    expect(await titles('status=acknowledged')).toEqual(['major']);
    expect(await titles('type=risk')).toEqual(['critical']);
    expect(await titles(`vehicleId=${vehicleId}&severity=minor`)).toEqual(['minor']);
  });

  test('a driver sees alerts of the assigned truck only', async () => {
    const fleet = await tenant();
    const driver = await person(fleet, 'driver');
    await alert(fleet, await truck(fleet, { assignedDriverId: driver.userId }), { title: 'mine' });
    const other = await alert(fleet, await truck(fleet));
    await alert(fleet, null);
    const list = await call('GET', '/alerts', { token: driver.token });
    expect((list.body.data as { title: string }[]).map(({ title }) => title)).toEqual(['mine']);
    expect((await call('GET', `/alerts/${other}`, { token: driver.token })).status).toBe(404);
  });
});

describe('evaluation', () => {
  const nowIso = '2026-11-20T12:00:00.000Z';
  const live = (tenantId: string) =>
    db
      .select()
      .from(alerts)
      .where(and(eq(alerts.tenantId, tenantId), eq(alerts.status, 'open')));

  test('a critical fault opens one fault and one risk alert, once; clearing it resolves both', async () => {
    const fleet = await tenant();
    const scope = scopeForJob(fleet.id);
    const vehicleId = await truck(fleet, { isScoreDirty: true });
    const faultId = await fault(fleet, vehicleId, { spn: 100, fmi: 1, occurrenceCount: 4 });
    expect((await rescoreDirtyVehicles(scope, db, env.ARTIFACTS, { nowIso })).scoredVehicleIds).toEqual([vehicleId]);
    expect((await rescoreDirtyVehicles(scope, db, env.ARTIFACTS, { nowIso })).scoredVehicleIds).toEqual([]);
    const first = await evaluateAlerts(scope, db, { nowIso, vehicleIds: 'all' });
    expect(first.openedIds).toHaveLength(2);
    expect(first.vehicleIds).toEqual([vehicleId]);
    const again = await evaluateAlerts(scope, db, { nowIso, vehicleIds: [vehicleId] });
    expect(again).toEqual({ openedIds: [], changedIds: [], resolvedIds: [], vehicleIds: [], counters: [] });
    const open = await live(fleet.id);
    expect(open.map((row) => row.type).sort()).toEqual(['fault', 'risk']);
    expect(open.find((row) => row.type === 'fault')).toMatchObject({ severity: 'critical', occurrenceCount: 4 });
    expect((await db.select().from(vehicles).where(eq(vehicles.id, vehicleId)))[0]).toMatchObject({
      openAlertCount: 2,
      riskLevel: 'critical',
      recommendedAction: 'pull_over',
    });

    await db.update(faults).set({ isActive: false, clearedAt: nowIso }).where(eq(faults.id, faultId));
    await db.update(vehicles).set({ isScoreDirty: true }).where(eq(vehicles.id, vehicleId));
    await rescoreDirtyVehicles(scope, db, env.ARTIFACTS, { nowIso: '2026-11-20T12:15:00.000Z' });
    const cleared = await evaluateAlerts(scope, db, { nowIso: '2026-11-20T12:15:00.000Z', vehicleIds: 'all' });
    expect(cleared.resolvedIds.length).toBeGreaterThanOrEqual(1);
    expect((await live(fleet.id)).filter((row) => row.type === 'fault')).toEqual([]);
  });

  test('a resolved risk is quiet while it lasts and speaks again when it returns', async () => {
    const fleet = await tenant();
    const scope = scopeForJob(fleet.id);
    const { token } = await person(fleet, 'fleet_manager');
    const vehicleId = await truck(fleet, { riskLevel: 'high', riskScore: 60, recommendedAction: 'drive_to_dealer' });
    const [opened = ''] = (await evaluateAlerts(scope, db, { nowIso, vehicleIds: 'all' })).openedIds;
    expect((await call('PUT', `/alerts/${opened}/resolve`, { token })).status).toBe(200);
    const later = (minutes: number) => new Date(Date.now() + minutes * 60_000).toISOString();
    expect((await evaluateAlerts(scope, db, { nowIso: later(1), vehicleIds: 'all' })).openedIds).toEqual([]);
    const setLevel = (riskLevel: 'low' | 'high') =>
      db.update(vehicles).set({ riskLevel }).where(eq(vehicles.id, vehicleId));
    await setLevel('low');
    await evaluateAlerts(scope, db, { nowIso: later(2), vehicleIds: 'all' });
    await setLevel('high');
    expect((await evaluateAlerts(scope, db, { nowIso: later(3), vehicleIds: 'all' })).openedIds).toEqual([opened]);
  });

  test('more new alerts than one transaction takes are all opened', async () => {
    const fleet = await tenant();
    const at = new Date().toISOString();
    const trucks = Array.from({ length: 1100 }, (_, index) => ({
      id: newId(),
      vin: `1XKYD49X9RJ${String(index).padStart(6, '0')}`,
    }));
    await env.DB.prepare(
      `INSERT INTO vehicles (id, tenant_id, vin, unit_number, first_seen_at, updated_at, risk_level, risk_score)
       SELECT value ->> 'id', ?1, value ->> 'vin', value ->> 'vin', ?2, ?2, 'high', 60 FROM json_each(?3)`,
    )
      .bind(fleet.id, at, JSON.stringify(trucks))
      .run();
    const outcome = await evaluateAlerts(scopeForJob(fleet.id), db, { nowIso, vehicleIds: 'all' });
    expect(new Set(outcome.openedIds).size).toBe(1100);
    expect(outcome.counters).toHaveLength(2);
    expect(await live(fleet.id)).toHaveLength(1100);
  });

  test('two evaluations at once leave one alert per cause', async () => {
    const fleet = await tenant();
    const scope = scopeForJob(fleet.id);
    await fault(fleet, await truck(fleet), { spn: 100, fmi: 1 });
    await Promise.all([1, 2, 3].map(() => evaluateAlerts(scope, db, { nowIso, vehicleIds: 'all' })));
    expect(await live(fleet.id)).toHaveLength(1);
  });

  test('a failing sync counts on one alert; success resolves it; the next failure reopens it', async () => {
    const fleet = await tenant();
    const scope = scopeForJob(fleet.id);
    const signal = {
      cause: 'sync:paccar',
      type: 'sync' as const,
      severity: 'major' as const,
      vehicleId: null,
      title: 'Portal sync failed',
      message: 'The portal refused the password.',
      occurrenceCount: 1,
    };
    const [opened] = (await raiseAlert(scope, db, signal, nowIso)).openedIds;
    await raiseAlert(scope, db, signal, nowIso);
    expect(await live(fleet.id)).toMatchObject([{ id: opened, occurrenceCount: 2 }]);
    await resolveAlertCause(scope, db, 'sync:paccar', nowIso);
    expect(await live(fleet.id)).toEqual([]);
    expect((await raiseAlert(scope, db, signal, nowIso)).openedIds).toEqual([opened]);
  });

  test('every write counts a change for the room', async () => {
    const fleet = await tenant();
    const counter = async () =>
      (
        await env.DB.prepare('SELECT change_counter AS n FROM tenants WHERE id = ?')
          .bind(fleet.id)
          .first<{ n: number }>()
      )?.n;
    await fault(fleet, await truck(fleet), { spn: 100, fmi: 1 });
    const { counters } = await evaluateAlerts(scopeForJob(fleet.id), db, { nowIso, vehicleIds: 'all' });
    expect(counters).toEqual([await counter()]);
  });
});
