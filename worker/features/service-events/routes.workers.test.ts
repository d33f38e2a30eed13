/** Service events through the real Worker: who may write where, what is refused, what a file does. */
import { eq } from 'drizzle-orm';
import { describe, expect, test } from 'vitest';
import type { ServiceEvent } from '#contracts/service-events';
import { serviceEvents, tenants, vehicles } from '#worker/db/schema/index';
import { newId } from '#worker/ids';
import { commonRouteTests } from '../../../test/workers/common-route-tests.ts';
import {
  apiKey,
  auditEntriesOf,
  call,
  db,
  link,
  person,
  tenant,
  truck,
  type TestTenant,
} from '../../../test/workers/harness.ts';
import { serviceEvent } from '../../../test/workers/service-builders.ts';

const hour = 3_600_000;
const ago = (ms: number): string => new Date(Date.now() - ms).toISOString();
const input = (changes = {}) => ({ at: ago(hour), kind: 'repair', description: 'Turbo replaced', ...changes });

commonRouteTests('GET /vehicles/{id}/service-events', {
  method: 'GET',
  path: async (owner) => `/vehicles/${await truck(owner)}/service-events`,
  permission: 'vehicles:read',
  namesThing: true,
  takesBody: false,
});
commonRouteTests('POST /vehicles/{id}/service-events', {
  method: 'POST',
  path: async (owner) => `/vehicles/${await truck(owner)}/service-events`,
  permission: 'service:write',
  namesThing: true,
  takesBody: true,
});
commonRouteTests('DELETE /vehicles/{id}/service-events/{eventId}', {
  method: 'DELETE',
  path: async (owner) => {
    const vehicleId = await truck(owner);
    return `/vehicles/${vehicleId}/service-events/${await serviceEvent(owner, vehicleId)}`;
  },
  permission: 'service:write',
  namesThing: true,
  takesBody: false,
});

const add = (token: string, vehicleId: string, body: unknown, headers = {}) =>
  call('POST', `/vehicles/${vehicleId}/service-events`, { token, body, headers });
const listed = async (token: string, vehicleId: string, query = '') =>
  (await call('GET', `/vehicles/${vehicleId}/service-events${query}`, { token })).body as unknown as {
    data: ServiceEvent[];
    meta: { total: number };
  };
const vehicleOf = async (id: string) => (await db.select().from(vehicles).where(eq(vehicles.id, id)))[0];
const counterOf = async (of: TestTenant) =>
  (await db.select().from(tenants).where(eq(tenants.id, of.id)))[0]?.changeCounter ?? -1;

describe('one event', () => {
  test('is refused for what it lacks or cannot be, and nothing is written', async () => {
    const owner = await tenant();
    const vehicleId = await truck(owner);
    const { token } = await person(owner, 'technician');
    for (const [body, path] of [
      [input({ at: new Date(Date.now() + 11 * 60_000).toISOString() }), 'at'],
      [input({ at: '1979-12-31T23:59:59Z' }), 'at'],
      [input({ at: '2026-02-30T00:00:00Z' }), 'at'],
      [input({ at: 'yesterday' }), 'at'],
      [input({ fmi: 3 }), 'fmi'],
      [input({ spn: 524_288 }), 'spn'],
      [input({ spn: 1, fmi: 32 }), 'fmi'],
      [input({ kind: 'lunch' }), 'kind'],
      [input({ system: 'warp drive' }), 'system'],
      [input({ description: ' ' }), 'description'],
      [input({ description: 'x'.repeat(501) }), 'description'],
      [input({ description: 'two\nlines' }), 'description'],
      [input({ odometerMiles: -1 }), 'odometerMiles'],
      [input({ odometerMiles: '5' }), 'odometerMiles'],
      [input({ externalId: '\u202e' }), 'externalId'],
      [input({ source: 'portal' }), ''],
      [input({ vehicleId }), ''],
    ] as const) {
      const answer = await add(token, vehicleId, body);
      expect(answer.body.error, answer.text).toMatchObject({ code: 'VALIDATION_FAILED', details: { issues: [{ path }] } });
    }
    expect((await listed(token, vehicleId)).meta.total).toBe(0);
    expect(await auditEntriesOf(owner.id)).toEqual([]);
  }); // prettier-ignore

  test('is kept, read back, logged, and has its vehicle scored anew', async () => {
    const owner = await tenant();
    const vehicleId = await truck(owner);
    const before = { vehicle: await vehicleOf(vehicleId), counter: await counterOf(owner) };
    const { token, userId } = await person(owner, 'service_manager');
    const said = input({ kind: 'breakdown', system: 'aftertreatment', spn: 3251, fmi: 0, odometerMiles: 123_456.7 });
    const made = await add(token, vehicleId, { ...said, externalId: 'RO-1' });
    expect(made.status, made.text).toBe(201);
    const event: ServiceEvent = made.body.data;
    expect(event).toMatchObject({ ...said, vehicleId, source: 'api', externalId: 'RO-1' });
    expect(await listed(token, vehicleId)).toMatchObject({ data: [event], meta: { total: 1 } });
    expect((await vehicleOf(vehicleId))?.updatedAt).not.toBe(before.vehicle?.updatedAt);
    expect(await counterOf(owner)).toBeGreaterThan(before.counter);
    expect(await auditEntriesOf(owner.id)).toMatchObject([
      { action: 'service_event.create', actorId: userId, resourceType: 'service_event', resourceId: event.id },
    ]);
    await expect.poll(async () => (await vehicleOf(vehicleId))?.riskScore, { timeout: 10_000 }).not.toBeNull();
    expect((await vehicleOf(vehicleId))?.isScoreDirty).toBe(false);
  });

  test('said twice is one: 409 names the first, however it is typed', async () => {
    const owner = await tenant();
    const [one, two] = [await truck(owner), await truck(owner)];
    const { token } = await person(owner, 'fleet_admin');
    const body = input();
    const first: ServiceEvent = (await add(token, one, body)).body.data;
    for (const again of [body, { ...body, description: '  turbo   REPLACED ' }, { ...body, odometerMiles: 5 }]) {
      const answer = await add(token, one, again);
      expect(answer.body.error).toMatchObject({ code: 'CONFLICT', details: { id: first.id } });
    }
    // Another vehicle, another kind, another minute: another event.
    expect((await add(token, two, body)).status).toBe(201);
    expect((await add(token, one, { ...body, kind: 'inspection' })).status).toBe(201);
    expect((await add(token, one, { ...body, at: ago(2 * hour) })).status).toBe(201);
    // An order's number says more than its words: the repair on it is one, the preventive work on it another.
    expect((await add(token, one, { ...body, externalId: 'RO-9' })).status).toBe(201);
    expect((await add(token, one, input({ at: ago(5 * hour), externalId: 'ro-9' }))).body.error.code).toBe('CONFLICT');
    expect((await add(token, one, { ...body, kind: 'preventive', externalId: 'RO-9' })).status).toBe(201);
    expect((await listed(token, one)).meta.total).toBe(5);
    expect(await auditEntriesOf(owner.id)).toHaveLength(6);
  });

  test('the same at the same moment is kept once', async () => {
    const owner = await tenant();
    const vehicleId = await truck(owner);
    const { token } = await person(owner, 'fleet_admin');
    const body = input();
    const answers = await Promise.all(Array.from({ length: 5 }, () => add(token, vehicleId, body)));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409]);
    expect(await auditEntriesOf(owner.id)).toHaveLength(1);
  });

  test('Idempotency-Key replays the answer, and refuses another body', async () => {
    const owner = await tenant();
    const vehicleId = await truck(owner);
    const { token } = await person(owner, 'fleet_admin');
    const [body, headers] = [input(), { 'idempotency-key': 'once' }];
    const first = await add(token, vehicleId, body, headers);
    const again = await add(token, vehicleId, body, headers);
    expect([first.status, again.status]).toEqual([201, 201]);
    expect(again.text).toBe(first.text);
    expect((await add(token, vehicleId, input({ kind: 'inspection' }), headers)).body.error.code).toBe(
      'IDEMPOTENCY_MISMATCH',
    );
  });
});

describe('the list', () => {
  test('newest first, by kind, page by page', async () => {
    const owner = await tenant();
    const vehicleId = await truck(owner);
    const { token } = await person(owner, 'viewer');
    for (let n = 0; n < 5; n++) {
      await serviceEvent(owner, vehicleId, { at: ago(n * hour), kind: n % 2 === 0 ? 'repair' : 'preventive' });
    }
    const { data, meta } = await listed(token, vehicleId, '?page=2&pageSize=2');
    expect(meta).toEqual({ total: 5, page: 2, pageSize: 2 });
    const all = (await listed(token, vehicleId)).data;
    expect(data).toEqual(all.slice(2, 4));
    expect(all.map(({ at }) => at)).toEqual(all.map(({ at }) => at).sort().reverse());
    expect((await listed(token, vehicleId, '?kind=preventive')).meta.total).toBe(2);
    for (const wrong of ['?kind=lunch', '?pageSize=101', '?page=0', '?x=1']) {
      expect((await call('GET', `/vehicles/${vehicleId}/service-events${wrong}`, { token })).status, wrong).toBe(400);
    }
  }); // prettier-ignore

  test('a driver reads what happened to the assigned truck, and writes nothing', async () => {
    const owner = await tenant();
    const driver = await person(owner, 'driver');
    const [mine, other] = [await truck(owner, { assignedDriverId: driver.userId }), await truck(owner)];
    await serviceEvent(owner, mine);
    expect((await listed(driver.token, mine)).meta.total).toBe(1);
    expect((await call('GET', `/vehicles/${other}/service-events`, { token: driver.token })).status).toBe(404);
    expect((await add(driver.token, mine, input())).body.error).toMatchObject({ details: { required: 'service:write' } });
  }); // prettier-ignore

  test('a key writes with service:write alone', async () => {
    const owner = await tenant();
    const vehicleId = await truck(owner);
    const { key } = await apiKey(owner, ['service:write']);
    expect((await add(key, vehicleId, input())).status).toBe(201);
    expect((await call('GET', `/vehicles/${vehicleId}/service-events`, { token: key })).status).toBe(403);
  });
});

describe('a dealer', () => {
  test('writes into the log of the linked customer whose truck it is; after the link nothing', async () => {
    const [dealer, customer] = [await tenant('dealer'), await tenant()];
    const linkId = await link(dealer, customer);
    const vehicleId = await truck(customer);
    const { token } = await person(dealer, 'dealer_admin');
    const made = await add(token, vehicleId, input());
    expect(made.status, made.text).toBe(201);
    const [row] = await db.select().from(serviceEvents).where(eq(serviceEvents.vehicleId, vehicleId));
    expect(row?.tenantId).toBe(customer.id);
    expect(await auditEntriesOf(customer.id)).toMatchObject([{ action: 'service_event.create', ip: null }]);
    expect(await auditEntriesOf(dealer.id)).toEqual([]);
    const ofCustomer = await person(customer, 'viewer');
    expect((await listed(ofCustomer.token, vehicleId)).meta.total).toBe(1);
    await call('DELETE', `/dealer-links/${linkId}`, { token });
    expect((await add(token, vehicleId, input({ kind: 'inspection' }))).status).toBe(404);
  });

  test('the other way round a fleet finds nothing of its dealer', async () => {
    const [dealer, customer] = [await tenant('dealer'), await tenant()];
    await link(dealer, customer);
    const vehicleId = await truck(dealer);
    const { token } = await person(customer, 'fleet_admin');
    expect((await add(token, vehicleId, input())).status).toBe(404);
  });
});

describe('taking out', () => {
  test('undoes a mistake once, keeps what it said in the log, and lets it be entered again', async () => {
    const owner = await tenant();
    const vehicleId = await truck(owner);
    const { token } = await person(owner, 'technician');
    const body = input();
    const event: ServiceEvent = (await add(token, vehicleId, body)).body.data;
    const counter = await counterOf(owner);
    const path = `/vehicles/${vehicleId}/service-events/${event.id}`;
    const answers = await Promise.all([call('DELETE', path, { token }), call('DELETE', path, { token })]);
    expect(answers.map(({ status }) => status).sort()).toEqual([204, 404]);
    expect((await call('DELETE', path, { token })).status).toBe(404);
    expect(await counterOf(owner)).toBeGreaterThan(counter);
    const entries = (await auditEntriesOf(owner.id)).filter(({ action }) => action === 'service_event.delete');
    expect(entries.map(({ before }) => JSON.parse(before ?? '') as unknown)).toEqual([event]);
    expect((await add(token, vehicleId, body)).status).toBe(201);
  });

  test('an event of another vehicle is not found through this one', async () => {
    const owner = await tenant();
    const [one, two] = [await truck(owner), await truck(owner)];
    const { token } = await person(owner, 'fleet_admin');
    const eventId = await serviceEvent(owner, one);
    expect((await call('DELETE', `/vehicles/${two}/service-events/${eventId}`, { token })).status).toBe(404);
    expect((await call('DELETE', `/vehicles/${one}/service-events/${newId()}`, { token })).status).toBe(404);
    const stranger = await tenant();
    const foreign = await serviceEvent(stranger, await truck(stranger));
    expect((await call('DELETE', `/vehicles/${one}/service-events/${foreign}`, { token })).status).toBe(404);
    expect((await call('DELETE', `/vehicles/${one}/service-events/${eventId}`, { token })).status).toBe(204);
  });

  test('one that the portal tells is told again by the next sync: 409', async () => {
    const owner = await tenant();
    const vehicleId = await truck(owner);
    const { token } = await person(owner, 'fleet_admin');
    const eventId = await serviceEvent(owner, vehicleId, { source: 'portal' });
    const refused = await call('DELETE', `/vehicles/${vehicleId}/service-events/${eventId}`, { token });
    expect(refused.body.error).toMatchObject({ code: 'CONFLICT', details: { source: 'portal' } });
    expect((await listed(token, vehicleId)).meta.total).toBe(1);
    const imported = await serviceEvent(owner, vehicleId, { source: 'import' });
    expect((await call('DELETE', `/vehicles/${vehicleId}/service-events/${imported}`, { token })).status).toBe(204);
  });
});
