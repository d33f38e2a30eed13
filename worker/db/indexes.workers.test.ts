/** No query without an index: every statement that the routes and the jobs send is held against EXPLAIN QUERY PLAN. */
import { env } from 'cloudflare:workers';
import { expect, test } from 'vitest';
import { createApp } from '../app.ts';
import { evaluateAlerts, raiseAlert } from '../features/alerts/evaluate.ts';
import { seedRoom } from '../features/live/publish.ts';
import { reseedLaggingRooms } from '../features/live/reseed.ts';
import { rescoreDirtyVehicles } from '../features/scoring/rescore.ts';
import { markSeen, persistObserved } from '../features/sync/persist.ts';
import { runScheduled } from '../jobs/dispatch.ts';
import { scopeForJob } from '../http/tenant-scope.ts';
import { alert, fault, link, origin, person, tenant, truck } from '#test/workers/harness';
import { openDatabase } from './client.ts';

/** Tables small by nature: one row per tenant. Walking them is what a sweep over all tenants means. */
const walkable = new Set(['tenants']);

/** A D1 that remembers every statement it prepares. */
function recording(statements: Set<string>): D1Database {
  return new Proxy(env.DB, {
    get(target, property) {
      if (property === 'prepare') {
        return (sql: string) => {
          statements.add(sql);
          return target.prepare(sql);
        };
      }
      const value: unknown = Reflect.get(target, property);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

async function scans(sql: string): Promise<string[]> {
  const parameters = (sql.match(/\?/g) ?? []).map(() => null);
  const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`)
    .bind(...parameters.slice(0, new Set(sql.match(/\?\d+/g)).size || parameters.length))
    .all<{ detail: string }>();
  return results
    .map(({ detail }) => detail)
    .filter((detail) => {
      const table = /^SCAN (\w+)/.exec(detail)?.[1];
      if (table === undefined || detail.includes('VIRTUAL TABLE') || walkable.has(table)) return false;
      return !/USING (COVERING )?INDEX/.test(detail) && !['r', 'json_each', 'CONSTANT'].includes(table);
    });
}

test('every statement searches by an index', async () => {
  const statements = new Set<string>();
  const db = openDatabase(recording(statements));
  const recorded = { ...env, DB: recording(statements) };
  const [dealer, fleet] = [await tenant('dealer'), await tenant()];
  await link(dealer, fleet);
  const vehicleId = await truck(fleet, { isScoreDirty: true });
  await fault(fleet, vehicleId);
  const alertId = await alert(fleet, vehicleId);
  const people = [
    await person(fleet, 'fleet_admin'),
    await person(dealer, 'dealer_admin'),
    await person(fleet, 'driver'),
  ];

  const app = createApp();
  const ctx = { waitUntil: () => undefined, passThroughOnException: () => undefined, props: {} };
  const ask = async (method: string, path: string, token: string, body?: unknown) => {
    const answer = await app.request(
      `${origin}/api/v1${path}`,
      {
        method,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      },
      recorded,
      ctx as unknown as ExecutionContext,
    );
    expect(answer.status, `${method} ${path}`).toBeLessThan(500);
  };
  for (const { token } of people) {
    for (const path of [
      '/vehicles?q=1&riskLevel=low&status=moving',
      ...[
        'riskScore',
        '-healthScore',
        'unitNumber',
        'activeFaultCount',
        '-currentOdometer',
        'lastSyncAt',
        'updatedAt',
      ].map((sort) => `/vehicles?sort=${sort}`),
      `/vehicles/${vehicleId}`,
      `/vehicles/${vehicleId}/fault-codes?active=true`,
      `/vehicles/${vehicleId}/predictions`,
      `/alerts?status=open&severity=major&type=fault&vehicleId=${vehicleId}`,
      `/alerts/${alertId}`,
      '/exports/fleet',
      '/tenant',
      '/auth/sessions',
      '/sync/status',
      '/sync/runs',
      '/sync/credentials',
    ]) {
      await ask('GET', path, token);
    }
    await ask('POST', '/telemetry/positions', token, {
      positions: [{ vehicleId, at: '2026-11-20T00:00:00Z', lat: 1, lon: 1 }],
    });
    await ask('POST', '/live/tickets', token);
  }
  const [admin] = people;
  await ask('PUT', `/alerts/${alertId}/acknowledge`, admin?.token ?? '', {});
  await ask('POST', '/auth/refresh', '', { refreshToken: 'rt_x' });
  await ask('POST', '/auth/login', '', { email: 'nobody@tenant.example', password: 'x' });

  const scope = scopeForJob(fleet.id);
  const nowIso = '2026-11-20T12:00:00.000Z';
  await rescoreDirtyVehicles(db, scope, { nowIso });
  await evaluateAlerts(db, scope, { nowIso, vehicleIds: 'all' });
  await evaluateAlerts(db, scope, { nowIso, vehicleIds: [vehicleId] });
  const signal = {
    type: 'sync',
    severity: 'major',
    vehicleId: null,
    title: 't',
    message: 'm',
    occurrenceCount: 1,
  } as const;
  await raiseAlert(db, scope, { ...signal, cause: 'sync:paccar' }, nowIso);
  await seedRoom(recorded, db, fleet.id, fleet.id);
  await reseedLaggingRooms(recorded, db);
  const seen = { vin: '1XKYDP9X0RJ000001', unitNumber: '1', faults: [] };
  const unknown = { year: null, make: null, model: null, engineMake: null, engineModel: null };
  const observed = [{ ...seen, ...unknown, odometerMiles: 10, engineHours: null, position: null }];
  await persistObserved(scope, db, { runId: 'run', observedAt: nowIso, changedAt: nowIso, mayClear: true, observed });
  await markSeen(scope, db, nowIso, [{ vin: seen.vin, hasFaultList: true }]);
  await runScheduled('*/5 * * * *', recorded, ctx as unknown as ExecutionContext, new Date(nowIso));

  expect(statements.size).toBeGreaterThan(40);
  const offenders: Record<string, string[]> = {};
  for (const sql of statements) {
    if (!/^\s*(select|update|delete|insert|with)/i.test(sql)) continue;
    const found = await scans(sql);
    if (found.length > 0) offenders[sql.replace(/\s+/g, ' ').slice(0, 300)] = found;
  }
  expect(offenders).toEqual({});
});
