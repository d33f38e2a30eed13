/**
 * Every route of the API document, called as everybody: nobody, somebody whose token has ended, every role, a key, a dealer.
 * What belongs to another tenant answers exactly like what never existed, and none of its words ever comes back.
 */
import { env, exports } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';
import { liveTicketSchema } from '#contracts/live';
import { permissions, permissionsOf, rolesIn, type Permission, type Role } from '#contracts/roles';
import { apiKeys, apiKeySecrets } from '#worker/db/schema/index';
import { publishChange } from '#worker/features/live/publish';
import { hashToken, newOpaqueToken } from '#worker/http/tokens';
import { newId } from '#worker/ids';
import { users } from '#worker/db/schema/index';
import { eq } from 'drizzle-orm';
import { endSession } from '../accounts.ts';
import { display } from '../display-builders.ts';
import { squareShape } from '../fence-builders.ts';
import { call, db, link, origin, person, tenant, truck, type Answer, type TestTenant } from '../harness.ts';
import { listOperations, type Operation } from './operations.ts';
import { plant, type Planted, type PlantedId } from './planted.ts';

const operations = listOperations();
const nameOf = ({ method, path }: Operation): string => `${method} ${path}`;
const isProtected = ({ permission }: Operation): boolean => permission !== undefined;

/** Which planted thing a path names, by its longest beginning. null: the path names nothing of a tenant. */
const namedBy: Record<string, PlantedId | null> = {
  '/api/v1/vehicles/{id}': 'vehicle',
  '/api/v1/alerts/{id}': 'alert',
  '/api/v1/sync/runs/{id}': 'syncRun',
  '/api/v1/scoring/models/{id}': 'scoringModel',
  '/api/v1/scoring/training-runs/{id}': 'trainingRun',
  '/api/v1/sync/credentials/{provider}': null,
  '/api/v1/auth/sessions/{id}': 'session',
  '/api/v1/users/{id}': 'user',
  '/api/v1/users/invitations/{id}': 'invitation',
  '/api/v1/admin/tenants/{id}': 'tenant',
  '/api/v1/admin/drivers/{id}': 'user',
  '/api/v1/api-keys/{id}': 'apiKey',
  '/api/v1/dealer-links/{id}': 'dealerLink',
  '/api/v1/oidc-providers/{id}': 'oidcProvider',
  '/api/v1/displays/{id}': 'display',
  '/api/v1/geofences/{id}': 'geofence',
};

/** Bodies that are right, so that nothing but the id can be what is refused. */
const rightBody: Record<string, (ids: Record<PlantedId, string>) => unknown> = {
  'POST /api/v1/telemetry/positions': ({ vehicle }) => ({
    positions: [{ vehicleId: vehicle, at: new Date().toISOString(), lat: 40, lon: -105 }],
  }),
  'POST /api/v1/vehicles/batch-location': ({ vehicle }) => ({ vehicleIds: [vehicle] }),
  'POST /api/v1/telemetry/faults': ({ vehicle }) => ({
    faults: [{ vehicleId: vehicle, at: new Date().toISOString(), sourceAddress: 0, spn: 110, fmi: 0 }],
  }),
  'POST /api/v1/telemetry/dm1': () => ({
    ...{ vin: '1XKYDP9X0RJ000000', at: new Date().toISOString(), sourceAddress: 0, data: '00FF00000000' },
  }),
  'POST /api/v1/telemetry/signals': ({ vehicle }) => ({
    signals: [{ vehicleId: vehicle, at: new Date().toISOString(), name: 'batteryVolts', value: 13.9 }],
  }),
  // The operator's alone: everybody here is refused before the body is looked at.
  'POST /api/v1/admin/sync/trigger': ({ tenant: tenantId }) => ({ tenantId }),
  'POST /api/v1/users': () => ({
    email: `${newId()}@some.example`,
    name: 'New',
    role: 'viewer',
    password: 'Some-Word-1!',
  }),
  'POST /api/v1/users/invitations': () => ({ email: `${newId()}@some.example`, role: 'viewer' }),
  'PATCH /api/v1/users/{id}': () => ({ name: 'Renamed' }),
  'PATCH /api/v1/tenant': () => ({ units: 'us' }),
  'POST /api/v1/api-keys': () => ({ name: 'key', scopes: ['vehicles:read'] }),
  'POST /api/v1/oidc-providers': () => ({
    name: 'Directory',
    issuer: 'https://login.some.example',
    clientId: 'client',
    allowedDomains: ['some.example'],
  }),
  // A known tenant is answered by design: whoever was given its id may ask, and is told its name.
  'POST /api/v1/dealer-links': () => ({ tenantId: newId() }),
  'PATCH /api/v1/oidc-providers/{id}': () => ({ name: 'Renamed' }),
  'PUT /api/v1/scoring/active-model': ({ scoringModel }) => ({ modelId: scoringModel }),
  'POST /api/v1/vehicles/{id}/service-events': () => ({
    at: '2026-11-01T00:00:00Z',
    kind: 'repair',
    description: 'x',
  }),
  // Text stands for a file.
  'POST /api/v1/service-events/import': () => 'vin,date,kind,description\n',
  // No id names a group yet: whoever's it is, it is refused alike.
  'POST /api/v1/geofences': ({ vehicle }) => ({ name: 'Yard', shape: squareShape(), groupId: vehicle }),
  'PUT /api/v1/geofences/{id}': ({ vehicle }) => ({ groupId: vehicle }),
  'POST /api/v1/displays/claim': () => ({
    ...{ userCode: 'ZZZ-222', name: 'Bay', locationName: 'Shop', layout: 'map' },
  }),
  'PATCH /api/v1/displays/{id}': () => ({ name: 'Renamed' }),
  'POST /api/v1/displays/{id}/commands': () => ({ command: 'identify' }),
  'POST /api/v1/track-restores': () => ({ from: '2020-01-01', to: '2020-02-01' }),
  'PUT /api/v1/alerts/{id}/resolve': () => ({ comment: 'settled' }),
  'PUT /api/v1/sync/credentials/{provider}': () => ({ username: 'name', password: 'word', consent: true }),
};

const namedThing = (path: string): PlantedId | null => {
  const prefix = Object.keys(namedBy)
    .filter((beginning) => path === beginning || path.startsWith(`${beginning}/`))
    .sort((a, b) => b.length - a.length)[0];
  if (prefix === undefined) throw new Error(`${path}: say in namedBy what it names`);
  return namedBy[prefix] ?? null;
};

/** What must stand in the query for it to be right. */
const rightQuery: Record<string, () => string> = {
  'GET /api/v1/live/at': () => `time=${new Date().toISOString()}`,
};

const urlOf = (operation: Operation, ids: Record<PlantedId, string>, { inQuery = false } = {}): string => {
  const { path } = operation;
  const named = path.includes('{') ? namedThing(path) : null;
  const filled = path
    .replace('{provider}', path.includes('/oidc/') ? ids.oidcProvider : 'paccar')
    .replace('{eventId}', ids.serviceEvent)
    .replace(/\{[a-zA-Z]+\}/g, named === null ? newId() : ids[named]);
  const query = [rightQuery[nameOf(operation)]?.(), inQuery ? `tenantId=${ids.tenant}` : undefined];
  const asked = query.filter((part) => part !== undefined).join('&');
  return asked === '' ? filled : `${filled}?${asked}`;
};

/** Ids that look right and name nothing. */
const unknownIds = (): Record<PlantedId, string> => ({
  tenant: newId(),
  vehicle: newId(),
  fault: newId(),
  alert: newId(),
  user: newId(),
  session: newId(),
  invitation: newId(),
  apiKey: newId(),
  dealerLink: newId(),
  oidcProvider: newId(),
  syncRun: newId(),
  serviceEvent: newId(),
  scoringModel: newId(),
  trainingRun: newId(),
  display: newId(),
  geofence: newId(),
});

interface Sent {
  body?: unknown;
  headers?: Record<string, string>;
}

function bodyOf(operation: Operation, ids: Record<PlantedId, string>): Sent {
  if (!operation.takesBody) return {};
  const body = rightBody[nameOf(operation)]?.(ids) ?? {};
  return typeof body === 'string' ? { body, headers: { 'content-type': 'text/csv' } } : { body };
}

async function keyOf(of: TestTenant, scopes: Permission[]): Promise<string> {
  const apiKeyId = newId();
  const at = new Date().toISOString();
  const key = newOpaqueToken('tk_live_');
  await db.insert(apiKeys).values({
    id: apiKeyId,
    tenantId: of.id,
    name: 'key',
    scopes,
    lifetimeSeconds: 90 * 86_400,
    createdBy: newId(),
    createdAt: at,
  });
  const expiresAt = new Date(Date.now() + 86_400_000).toISOString();
  await db
    .insert(apiKeySecrets)
    .values({ secretHash: await hashToken(key), apiKeyId, hint: 'hint', createdAt: at, expiresAt });
  return key;
}

/** The answer as its caller can tell answers apart: without the request's own id. */
const told = ({ status, body }: Answer): unknown => {
  const seen: unknown = JSON.parse(JSON.stringify(body ?? null).replace(/"requestId":"[^"]*"/, '"requestId":""'));
  return { status, body: seen };
};

const aFleet = await plant('fleet', 'fleet_admin');
const aDealer = await plant('dealer', 'dealer_admin');
const victims: Planted[] = [aFleet, aDealer];
const canaries = victims.flatMap((victim) => victim.canaries);

/** `sent` is what the caller itself wrote: an echo of that tells nothing. */
function expectNoCanary(text: string, sent: string, where: string): void {
  const found = canaries.filter((canary) => text.includes(canary) && !sent.includes(canary));
  expect(found, where).toEqual([]);
}

async function ask(operation: Operation, url: string, token: string | undefined, body: Sent) {
  const answer = await call(operation.method, url, { ...(token === undefined ? {} : { token }), ...body });
  expect(answer.status, `${operation.method} ${url}: ${answer.text}`).toBeLessThan(500);
  expectNoCanary(answer.text, `${url} ${JSON.stringify(body)}`, `${operation.method} ${url}`);
  return answer;
}

test('every id in a body is tried as a foreign one', () => {
  const missing = operations
    .filter((operation) => isProtected(operation) && operation.idsInBody.length > 0)
    .filter((operation) => rightBody[nameOf(operation)] === undefined)
    .map((operation) => `${nameOf(operation)}: ${operation.idsInBody.join(', ')}`);
  expect(missing).toEqual([]);
});

describe.each(operations.filter(isProtected).map((operation) => [nameOf(operation), operation] as const))(
  '%s',
  (_name, operation) => {
    const { permission, callers, displaysToo } = operation;
    const isForDisplays = callers === 'displays';

    test('nobody, and a token that has ended', async () => {
      const own = await tenant();
      const url = urlOf(operation, unknownIds());
      const body = bodyOf(operation, unknownIds());
      expect((await ask(operation, url, undefined, body)).body.error.code).toBe('UNAUTHENTICATED');
      const expired = await person(own, 'fleet_admin', { issuedAt: new Date(Date.now() - 3_600_000) });
      expect((await ask(operation, url, expired.token, body)).body.error.code).toBe('TOKEN_EXPIRED');
      const revoked = await person(own, 'fleet_admin');
      await endSession(revoked.sessionId, 'logout');
      expect((await ask(operation, url, revoked.token, body)).body.error.code).toBe('TOKEN_REVOKED');
      const suspended = await person(own, 'fleet_admin');
      await db.update(users).set({ isDeactivated: true }).where(eq(users.id, suspended.userId));
      expect((await ask(operation, url, suspended.token, body)).body.error.code).toBe('USER_TOKENS_REVOKED');
    });

    test('every role gets in or is told what it lacks; a foreign id is an unknown id', async () => {
      const fleet = await tenant();
      const dealer = await tenant('dealer');
      await link(dealer, fleet);
      const places = [...rolesIn('fleet').map((role) => [role, fleet] as const), ['dealer_admin', dealer] as const];
      const askAs = async (role: Role, own: TestTenant, ids: Record<PlantedId, string>, inQuery: boolean) =>
        ask(operation, urlOf(operation, ids, { inQuery }), (await person(own, role)).token, bodyOf(operation, ids));
      const namesSomething =
        operation.idsInBody.length > 0 || (operation.path.includes('{') && namedThing(operation.path) !== null);
      for (const [role, own] of places) {
        if (isForDisplays) {
          const refused = await askAs(role, own, aFleet.ids, false);
          expect(refused.body.error).toMatchObject({ code: 'FORBIDDEN', details: { required: 'display' } });
          continue;
        }
        if (permission !== null && permission !== undefined && !permissionsOf[role].includes(permission)) {
          const refused = await askAs(role, own, aFleet.ids, false);
          expect(refused.body.error, `${role}: ${refused.text}`).toMatchObject({
            code: 'FORBIDDEN',
            details: { required: permission },
          });
          continue;
        }
        for (const victim of victims) {
          for (const inQuery of operation.queryNames.includes('tenantId') ? [false, true] : [false]) {
            const foreign = await askAs(role, own, victim.ids, inQuery);
            if (namesSomething || inQuery) {
              if (inQuery || operation.path.includes('{')) expect(foreign.status, foreign.text).toBe(404);
              expect(told(foreign), role).toEqual(told(await askAs(role, own, unknownIds(), inQuery)));
            } else expect(foreign.body?.error?.details, role).not.toEqual({ required: permission });
          }
        }
      }
    });

    test('the operator is refused nowhere for want of a permission', async () => {
      const { token } = await person(null, 'super_admin');
      const ids = unknownIds();
      const answer = await call(operation.method, urlOf(operation, ids), { token, ...bodyOf(operation, ids) });
      expect(answer.status, answer.text).toBeLessThan(500);
      if (isForDisplays) expect(answer.body.error.code).toBe('FORBIDDEN');
      else expect(answer.body?.error?.code, answer.text).not.toBe('FORBIDDEN');
    });

    test('a wall display is let in only where the route says so', async () => {
      const { token } = await display(await tenant());
      const answer = await ask(operation, urlOf(operation, aFleet.ids), token, bodyOf(operation, aFleet.ids));
      if (isForDisplays || displaysToo) {
        expect(answer.status, answer.text).toBe(200);
        return;
      }
      expect([answer.status, answer.body.error.code], answer.text).toEqual([403, 'FORBIDDEN']);
      expect(answer.body.error.details).toEqual({ required: permission ?? 'sign-in' });
    });

    test('an API key with every scope does what machines may, and nothing foreign', async () => {
      const own = await tenant();
      const key = await keyOf(own, [...permissions]);
      const askAs = (ids: Record<PlantedId, string>) =>
        ask(operation, urlOf(operation, ids), key, bodyOf(operation, ids));
      const foreign = await askAs(aFleet.ids);
      if (callers !== 'anyone') {
        expect(foreign.body.error.code).toBe('FORBIDDEN');
        return;
      }
      expect(foreign.body?.error?.code).not.toBe('FORBIDDEN');
      if (operation.path.includes('{') && namedThing(operation.path) !== null) {
        expect(told(foreign)).toEqual(told(await askAs(unknownIds())));
      }
      const without = await keyOf(
        own,
        permissions.filter((scope) => scope !== permission),
      );
      if (permission !== null) {
        const refused = await ask(operation, urlOf(operation, unknownIds()), without, bodyOf(operation, unknownIds()));
        expect(refused.body.error).toMatchObject({ code: 'FORBIDDEN', details: { required: permission } });
      }
    });
  },
);

test('the canaries sing: their own admin is sent every one of them', async () => {
  const reads = operations.filter(
    ({ method, permission }) => method === 'GET' && isProtected({ permission } as Operation),
  );
  for (const [victim, role] of [
    [aFleet, 'fleet_admin'],
    [aDealer, 'dealer_admin'],
  ] as const) {
    const { token } = await person(victim.tenant, role);
    const texts = await Promise.all(
      reads
        .filter(({ path }) => !path.includes('/auth/sessions') && !path.includes('/admin/'))
        .map(async (operation) => (await call('GET', urlOf(operation, victim.ids), { token })).text),
    );
    const sung = texts.join('\n');
    const silent = victim.canaries.filter((canary) => !sung.includes(canary));
    // A session is shown to its own person alone.
    expect(silent).toEqual([victim.ids.session]);
  }
});

test('no frame of a live socket holds a foreign word', async () => {
  const fleet = await tenant();
  const dealer = await tenant('dealer');
  await link(dealer, fleet);
  await truck(fleet);
  for (const [own, role] of [
    [fleet, 'fleet_admin'],
    [dealer, 'dealer_admin'],
  ] as const) {
    const { token } = await person(own, role);
    const { url } = liveTicketSchema.parse((await call('POST', '/live/tickets', { token })).body.data);
    const { pathname, search } = new URL(url);
    const upgrade = new Request(`${origin}${pathname}${search}`, { headers: { upgrade: 'websocket' } });
    const { webSocket } = await exports.default.fetch(upgrade);
    if (webSocket === null) throw new Error('no socket');
    const frames: string[] = [];
    webSocket.addEventListener('message', ({ data }) => frames.push(String(data)));
    webSocket.accept();
    const filter = { tenantIds: victims.map((victim) => victim.tenant.id) };
    webSocket.send(JSON.stringify({ type: 'hello', protocol: 1 }));
    await expect.poll(() => frames.some((frame) => frame.includes('"snapshot"'))).toBe(true);
    for (const victim of victims) {
      await publishChange(env, db, {
        tenantId: victim.tenant.id,
        counters: [],
        vehicleIds: [victim.ids.vehicle],
        alertIds: [victim.ids.alert],
      });
    }
    webSocket.send(JSON.stringify({ type: 'filter', filter }));
    // Longer than a tick: what was going to be sent has been sent.
    await new Promise((resolve) => setTimeout(resolve, 600));
    expectNoCanary(frames.join('\n'), '', `frames of ${role}`);
    webSocket.close();
  }
});
