/** No query without an index: every statement that the routes and the jobs send is held against EXPLAIN QUERY PLAN. */
import { env } from 'cloudflare:workers';
import { expect, test } from 'vitest';
import { roomOf } from '#durable-objects/stubs';
import { createApp } from '../app.ts';
import { evaluateAlerts, raiseAlert } from '../features/alerts/evaluate.ts';
import { copyBackReadings } from '../features/live/copy-back.ts';
import { seedRoom } from '../features/live/publish.ts';
import { reseedLaggingRooms } from '../features/live/reseed.ts';
import { reproducePrediction } from '../features/scoring/reproduce.ts';
import { rescoreDirtyVehicles } from '../features/scoring/rescore.ts';
import { readActiveFaults } from '../features/sync/cases-store.ts';
import { markSeen, persistObserved } from '../features/sync/persist.ts';
import { runPolicy } from '../features/sync/run-policy.ts';
import { runSync } from '../features/sync/run-sync.ts';
import { createRun } from '../features/sync/runs-store.ts';
import { askAboutAccount } from '#test/workers/account-statements';
import { askAboutDisplays } from '#test/workers/display-statements';
import { askAboutFences } from '#test/workers/fence-builders';
import { askAboutKeysAndLinks } from '#test/workers/key-and-link-statements';
import { askAboutLedger } from '#test/workers/ledger-statements';
import { askAboutServiceEvents } from '#test/workers/service-builders';
import { askAboutProviders } from '#test/workers/sso-statements';
import { askAboutTracks } from '#test/workers/track-statements';
import { askAboutTraining } from '#test/workers/training-statements';
import { observedVehicle } from '#test/workers/sync-builders';
import { createSyncWork } from '../features/sync/sync-work.ts';
import { newId } from '../ids.ts';
import { runScheduled } from '../jobs/dispatch.ts';
import { rotateKeys } from '../jobs/rotate-keys.ts';
import { scopeForJob } from '../http/tenant-scope.ts';
import { alert, fault, link, origin, person, tenant, truck } from '#test/workers/harness';
import { openDatabase } from './client.ts';
import { syncCredentials } from './schema/index.ts';

/** Tables small by nature: a few rows per tenant. Walking them is what a sweep over all tenants means. */
const walkable = new Set(['tenants', 'sync_credentials', 'dealer_links', 'tenant_keys', 'signing_keys']);

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

interface PlanStep {
  id: number;
  parent: number;
  detail: string;
}

/**
 * What is wrong with a plan: a real table walked from end to end (by an index or not), or a list of parameters that is
 * walked anew for every row of a table, which grows with the square.
 */
function complaints(plan: readonly PlanStep[]): string[] {
  return plan
    .filter(({ parent, detail }, at) => {
      const table = /^SCAN (\w+)/.exec(detail)?.[1];
      if (table === undefined || table === 'CONSTANT' || walkable.has(table)) return false;
      if (!detail.includes('VIRTUAL TABLE')) return true;
      // Steps under one parent are loops within each other, the outer first.
      return plan.slice(0, at).some((outer) => outer.parent === parent && /^(?:SCAN|SEARCH) /.test(outer.detail));
    })
    .map(({ detail }) => detail);
}

async function judge(sql: string): Promise<string[]> {
  const parameters = (sql.match(/\?/g) ?? []).map(() => null);
  const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`)
    .bind(...parameters.slice(0, new Set(sql.match(/\?\d+/g)).size || parameters.length))
    .all<PlanStep>();
  return complaints(results);
}

test('a plan is refused for what it walks', () => {
  const step = (id: number, parent: number, detail: string): PlanStep => ({ id, parent, detail });
  const list = 'SCAN r VIRTUAL TABLE INDEX 1:';
  expect(complaints([step(1, 0, 'SCAN vehicles USING COVERING INDEX vehicles_tenant_vin')])).toHaveLength(1);
  expect(complaints([step(1, 0, 'SCAN vehicles')])).toHaveLength(1);
  expect(complaints([step(1, 0, 'SEARCH faults USING INDEX x (tenant_id=?)'), step(2, 0, list)])).toEqual([list]);
  expect(complaints([step(1, 0, list), step(2, 0, 'SEARCH faults USING INDEX x (id=?)')])).toEqual([]);
  const inSubquery = [step(1, 0, 'SEARCH a USING INDEX x (id=?)'), step(2, 0, 'LIST SUBQUERY 1'), step(3, 2, list)];
  expect(complaints(inSubquery)).toEqual([]);
  expect(complaints([step(1, 0, 'SCAN tenants')])).toEqual([]);
});

test('every statement searches by an index', { timeout: 60_000 }, async () => {
  const statements = new Set<string>();
  const db = openDatabase(recording(statements));
  const recorded = { ...env, DB: recording(statements) };
  const [dealer, fleet] = [await tenant('dealer'), await tenant()];
  await link(dealer, fleet);
  const vin = '1XKYDP9X0RJ700110';
  const vehicleId = await truck(fleet, { isScoreDirty: true, vin });
  await fault(fleet, vehicleId);
  const alertId = await alert(fleet, vehicleId);
  const people = [
    await person(fleet, 'fleet_admin'),
    await person(dealer, 'dealer_admin'),
    await person(fleet, 'driver'),
    await person(null, 'super_admin'),
  ];

  const app = createApp();
  const ctx = { waitUntil: () => undefined, passThroughOnException: () => undefined, props: {} };
  const ask = async (method: string, path: string, token: string, body?: unknown, headers = {}) => {
    const answer = await app.request(
      `${origin}/api/v1${path}`,
      {
        method,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      },
      recorded,
      ctx as unknown as ExecutionContext,
    );
    expect(answer.status, `${method} ${path}`).toBeLessThan(500);
    return answer;
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
      `/vehicles/${vehicleId}/positions`,
      `/vehicles/${vehicleId}/location`,
      `/live/at?time=${new Date().toISOString()}`,
      `/alerts?status=open&severity=major&type=fault&vehicleId=${vehicleId}`,
      `/alerts/${alertId}`,
      '/exports/fleet',
      '/tenant',
      '/scoring/settings',
      '/auth/sessions',
      '/sync/status',
      '/sync/runs',
      '/sync/credentials',
      '/audit',
      `/audit?action=x&actorId=${vehicleId}&outcome=denied&from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:00Z`,
      '/audit/verify',
    ]) {
      await ask('GET', path, token);
    }
    const at = new Date().toISOString();
    const code = { at, sourceAddress: 0, spn: 110, fmi: 0 };
    await ask('POST', '/telemetry/faults', token, {
      faults: [
        { vehicleId, ...code },
        { vehicleId, ...code, spn: 190 },
      ],
    });
    await ask('POST', '/telemetry/dm1', token, { vin, at, sourceAddress: 0, data: '10FF6E000004' });
    await ask('POST', '/telemetry/positions', token, {
      positions: [{ vehicleId, at: '2026-11-20T00:00:00Z', lat: 1, lon: 1 }],
    });
    await ask('POST', '/vehicles/batch-location', token, { vehicleIds: [vehicleId] });
    await ask('POST', '/live/tickets', token);
  }
  const [admin] = people;
  await ask('PUT', `/alerts/${alertId}/acknowledge`, admin?.token ?? '', {});
  for (const { token } of people.slice(0, 2)) await askAboutServiceEvents(ask, vehicleId, token);
  await ask('POST', `/vehicles/${vehicleId}/score`, admin?.token ?? '');
  await ask('PUT', '/scoring/settings', admin?.token ?? '', { weights: { anomalyMax: 3 } });
  await ask('POST', '/scoring/settings/preview', admin?.token ?? '', {});
  await askAboutPeople(ask, fleet, admin?.token ?? '');
  await askAboutProviders(recorded, ask);
  await askAboutKeysAndLinks(ask);
  await askAboutDisplays(recorded, ask);
  await askAboutTracks(recorded, ask);
  await askAboutFences(recorded, ask);
  await askAboutLedger(recorded, ask);
  expect(await askAboutTraining(recorded, ask)).toBe('succeeded');
  await ask('POST', '/auth/refresh', '', { refreshToken: 'rt_x' });
  await ask('POST', '/auth/login', '', { email: 'nobody@tenant.example', password: 'x' });
  await askAboutAccount(recorded, ask);

  const scope = scopeForJob(fleet.id);
  const nowIso = '2026-11-20T12:00:00.000Z';
  await rescoreDirtyVehicles(scope, db, env.ARTIFACTS, { nowIso });
  await reproducePrediction(scope, db, env.ARTIFACTS, newId());
  await evaluateAlerts(scope, db, { nowIso, vehicleIds: 'all' });
  await evaluateAlerts(scope, db, { nowIso, vehicleIds: [vehicleId] });
  const signal = {
    type: 'sync',
    severity: 'major',
    vehicleId: null,
    title: 't',
    message: 'm',
    occurrenceCount: 1,
  } as const;
  await raiseAlert(scope, db, { ...signal, cause: 'sync:paccar' }, nowIso);
  await seedRoom(recorded, db, fleet.id, fleet.id);
  await reseedLaggingRooms(recorded, db);
  const seen = { vin: '1XKYDP9X0RJ000001', unitNumber: '1', faults: [] };
  const unknown = { year: null, make: null, model: null, engineMake: null, engineModel: null };
  const observed = [{ ...seen, ...unknown, odometerMiles: 10, engineHours: null, position: null }];
  await persistObserved(scope, db, { runId: 'run', observedAt: nowIso, changedAt: nowIso, mayClear: true, observed });
  await markSeen(scope, db, nowIso, [{ vin: seen.vin, hasFaultList: true }]);
  await wholeRun(recorded, fleet.id, nowIso);
  const reading = { vehicleId, at: nowIso, lat: 1, lon: 1, speedMph: 0, heading: 0, ignition: false };
  const meters = { odometerMiles: null, engineHours: null, fuelPercent: null };
  const readings = [{ ...reading, ...meters }];
  await roomOf(env.FLEET_ROOM, fleet.id).recordReadings({ sourceTenantId: fleet.id, readings });
  expect(await copyBackReadings(recorded, fleet.id)).toEqual({ copied: expect.any(Number) });

  // The timer finds a connection to start, the sweep a run whose workflow is over.
  const connected = await tenant();
  await db.insert(syncCredentials).values({
    ...{ id: newId(), tenantId: connected.id, provider: 'paccar', baseUrl: 'https://portal.example', username: 'x' },
    ...{ passwordSealed: 'sealed', consentedAt: nowIso, createdAt: nowIso, updatedAt: nowIso },
  });
  const silentSince = '2026-11-20T11:00:00.000Z';
  await createRun(scope, db, { provider: 'paccar', trigger: 'cron', nowIso: silentSince });
  const started: string[] = [];
  const workflows = { ...recorded, SYNC_WORKFLOW: finishedWorkflows(started) };
  for (const cron of [
    '*/5 * * * *',
    '*/15 * * * *',
    '7,22,37,52 * * * *',
    '17 3 * * *',
    '47 3 * * *',
    '37 4 * * *',
    '27 5 * * *',
    '57 * * * *',
  ]) {
    await runScheduled(cron, workflows, ctx as unknown as ExecutionContext, new Date(nowIso));
  }
  expect(started).toHaveLength(1);
  expect([...statements].filter((sql) => sql.includes('DELETE FROM'))).toHaveLength(15);

  // A quarter later every key is due, and a week after that the old ones go.
  const after = (days: number) => new Date(Date.parse(nowIso) + days * 86_400_000);
  expect(await rotateKeys({ ...recorded, MASTER_KEY_PREVIOUS: env.MASTER_KEY }, after(100))).toMatchObject({
    ...{ signingKeysMade: 1, failed: 0 },
  });
  expect((await rotateKeys(recorded, after(110))).keysDeleted).toBeGreaterThan(0);

  expect(statements.size).toBeGreaterThan(40);
  const offenders: Record<string, string[]> = {};
  for (const sql of statements) {
    if (!/^\s*(select|update|delete|insert|with)/i.test(sql)) continue;
    const found = await judge(sql);
    if (found.length > 0) offenders[sql.replace(/\s+/g, ' ').slice(0, 300)] = found;
  }
  expect(offenders).toEqual({});
});

/** People, invitations, tenants and the operator's overviews. */
async function askAboutPeople(
  ask: (method: string, path: string, token: string, body?: unknown) => Promise<Response>,
  home: { id: string },
  adminToken: string,
): Promise<void> {
  const { token: operatorToken } = await person(null, 'super_admin');
  const { userId } = await person({ ...home, name: '' }, 'driver');
  for (const token of [adminToken, operatorToken]) {
    for (const path of ['/users?q=a&role=viewer', '/users/invitations', `/users/${userId}`])
      await ask('GET', path, token);
    const inTenant = `?tenantId=${home.id}`;
    const someone = { email: `x${newId()}@x.example`, name: 'X', role: 'viewer' };
    await ask('POST', `/users${inTenant}`, token, someone);
    await ask('POST', `/users/invitations${inTenant}`, token, { email: someone.email, role: someone.role });
    await ask('PATCH', `/users/${userId}`, token, { name: token.slice(-8), role: 'viewer' });
    await ask('PATCH', `/users/${userId}`, token, { role: 'driver' });
    for (const move of ['suspend', 'activate']) await ask('POST', `/users/${userId}/${move}`, token);
    await ask('PATCH', `/tenant${inTenant}`, token, { name: token.slice(-8) });
  }
  await ask('DELETE', `/users/${userId}/mfa`, (await person({ ...home, name: '' }, 'fleet_admin')).token);
  await ask('DELETE', `/users/${userId}`, adminToken);
  await ask('DELETE', `/users/invitations/${newId()}`, adminToken);
  for (const path of [
    '/admin/tenants?q=a',
    `/admin/tenants/${home.id}`,
    '/admin/sync-status',
    '/admin/revocations/stats',
  ]) {
    await ask('GET', path, operatorToken);
  }
  await ask('POST', '/admin/tenants', operatorToken, { name: 'x', kind: 'fleet', adminEmail: `y${newId()}@x.example` });
  await ask('POST', '/admin/sync/trigger', operatorToken, { tenantId: home.id });
  for (const body of [{ requireMfa: true }, { requireMfa: false, isActive: false }, { isActive: true }]) {
    await ask('PATCH', `/admin/tenants/${home.id}`, operatorToken, body);
  }
}

/** A sync whose portal is made up: every statement of its steps. */
async function wholeRun(bindings: typeof env, tenantId: string, nowIso: string): Promise<void> {
  const { row } = await createRun(scopeForJob(tenantId), openDatabase(bindings.DB), {
    provider: 'paccar',
    trigger: 'cron',
    nowIso,
  });
  const params = { runId: row.id, tenantId, provider: 'paccar', trigger: 'cron', startDelaySeconds: 0 } as const;
  const clock = { now: () => Date.parse(nowIso), random: () => 0, sleep: async () => undefined };
  const one = observedVehicle(7, { position: { lat: 1, lon: 1, at: nowIso } });
  const told = { number: 'C-1', kind: 'repair', at: nowIso, system: null, spn: 110, fmi: 0 } as const;
  const read = [{ vin: one.vin, cases: [{ ...told, description: 'x', odometerMiles: null }] }];
  const cases = { read, unread: 0, trouble: null, isGivenUp: false };
  const reading = { vehicles: [one], failed: [], remaining: [], stopped: null, cases };
  await readActiveFaults(scopeForJob(tenantId), openDatabase(bindings.DB), [one.vin]);
  const status = await runSync(
    { do: (_name, work) => work(), sleep: async () => undefined },
    {
      ...createSyncWork(bindings, params, { clock }),
      list: async () => ({ ok: true, value: { assets: [one], rejected: [], nextHref: null } }),
      details: async () => ({ ok: true, value: reading }),
    },
    runPolicy,
  );
  expect(status).toBe('succeeded');
}

/** The engine as one that takes every run and has finished every run it is asked for. */
function finishedWorkflows(started: string[]): typeof env.SYNC_WORKFLOW {
  const instance = { status: async () => ({ status: 'complete' }) };
  const engine: unknown = {
    create: async ({ id }: { id: string }) => (started.push(id), instance),
    get: async () => instance,
  };
  return engine as typeof env.SYNC_WORKFLOW;
}
