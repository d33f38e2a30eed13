/** Geofences through the real Worker: what may be drawn, by whom, and where it is seen. */
import { env } from 'cloudflare:workers';
import { eq } from 'drizzle-orm';
import { describe, expect, test } from 'vitest';
import type { Geofence } from '#contracts/geofences';
import { tracksOf } from '#durable-objects/stubs';
import { geofences, tenants } from '#worker/db/schema/index';
import { newId } from '#worker/ids';
import { commonRouteTests } from '#test/workers/common-route-tests';
import { geofence, squareShape } from '#test/workers/fence-builders';
import { apiKey, auditEntriesOf, call, db, link, person, tenant, type TestTenant } from '#test/workers/harness';

const atFence = async (owner: TestTenant): Promise<string> => `/geofences/${await geofence(owner)}`;
commonRouteTests('GET /geofences', {
  ...{ method: 'GET', path: () => '/geofences', permission: 'vehicles:read' },
  ...{ namesThing: false, takesBody: false },
});
commonRouteTests('POST /geofences', {
  ...{ method: 'POST', path: () => '/geofences', permission: 'geofences:write' },
  ...{ namesThing: false, takesBody: true },
});
commonRouteTests('GET /geofences/{id}', {
  ...{ method: 'GET', path: atFence, permission: 'vehicles:read', namesThing: true, takesBody: false },
});
commonRouteTests('PUT /geofences/{id}', {
  ...{ method: 'PUT', path: atFence, permission: 'geofences:write', namesThing: true, takesBody: true },
});
commonRouteTests('DELETE /geofences/{id}', {
  ...{ method: 'DELETE', path: atFence, permission: 'geofences:write', namesThing: true, takesBody: false },
});
commonRouteTests('GET /geofences/{id}/events', {
  ...{ method: 'GET', path: async (owner: TestTenant) => `${await atFence(owner)}/events` },
  ...{ permission: 'vehicles:read', namesThing: true, takesBody: false },
});

const yard = (changes = {}) => ({ name: 'Yard', shape: squareShape(), ...changes });
const draw = async (token: string, body: unknown = yard(), query = ''): Promise<Geofence> => {
  const answer = await call('POST', `/geofences${query}`, { token, body });
  expect(answer.status, answer.text).toBe(201);
  return answer.body.data as Geofence;
};
const listed = async (token: string, query = '') =>
  (await call('GET', `/geofences${query}`, { token })).body as unknown as { data: Geofence[]; meta: { total: number } };
const watched = (of: TestTenant) => tracksOf(env.FLEET_TRACKS, of.id).status();
const versions = async (of: TestTenant) => {
  const [row] = await db.select().from(tenants).where(eq(tenants.id, of.id));
  return [row?.geofenceVersion, row?.geofenceVersionTold];
};

describe('drawing', () => {
  test('keeps what is sent, fills in the rest, and tells the tracks', async () => {
    const owner = await tenant();
    const { token, userId } = await person(owner, 'dispatcher');
    const fence = await draw(token);
    expect(fence).toEqual({
      ...{ id: fence.id, tenantId: owner.id, name: 'Yard', shape: squareShape() },
      ...{ alertOnEntry: false, alertOnExit: false, dwellMinutes: null, speedLimitMph: null, groupId: null },
      ...{ createdAt: fence.createdAt, updatedAt: fence.createdAt },
    });
    expect((await call('GET', `/geofences/${fence.id}`, { token })).body.data).toEqual(fence);
    expect(await watched(owner)).toMatchObject({ fences: 1, fenceVersion: 1 });
    expect(await versions(owner)).toEqual([1, 1]);
    const [entry] = await auditEntriesOf(owner.id);
    expect(entry).toMatchObject({ action: 'geofence.create', resourceId: fence.id, actorId: userId });
    expect(entry?.after).toContain('"corners":5');
  });

  test('takes holes, several polygons, circles, and every rule', async () => {
    const { token } = await person(await tenant(), 'fleet_admin');
    const [outer] = squareShape().type === 'Polygon' ? [[...squareCorners(-105, 40, 0.01)]] : [];
    const hole = squareCorners(-104.997, 40.003, 0.002);
    const rules = { alertOnEntry: true, alertOnExit: true, dwellMinutes: 30, speedLimitMph: 12.5, groupId: null };
    for (const shape of [
      { type: 'Polygon', coordinates: [outer, hole] },
      { type: 'MultiPolygon', coordinates: [[outer, hole], [squareCorners(-100, 35, 1)]] },
      { type: 'Circle', center: [-105, 40], radiusMeters: 250 },
    ]) {
      expect(await draw(token, yard({ shape, ...rules }))).toMatchObject({ shape, ...rules });
    }
  });

  test('is refused for what it lacks or cannot be, in words, and nothing is written', async () => {
    const owner = await tenant();
    const { token } = await person(owner, 'fleet_admin');
    const circle = { type: 'Circle', center: [-105, 40], radiusMeters: 100 };
    const bowTie = [
      [0, 0],
      [2, 2],
      [2, 0],
      [0, 2],
      [0, 0],
    ];
    for (const [body, path, words] of [
      [{ name: 'Yard' }, 'shape', ''],
      [yard({ name: ' ' }), 'name', ''],
      [yard({ name: 'two\nlines' }), 'name', ''],
      [yard({ shape: { type: 'Point', coordinates: [0, 0] } }), 'shape.type', ''],
      [yard({ shape: { type: 'Polygon', coordinates: [] } }), 'shape.coordinates', ''],
      [
        yard({
          shape: {
            type: 'Polygon',
            coordinates: [
              [
                [0, 0],
                [1, 0],
                [0, 0],
              ],
            ],
          },
        }),
        'shape.coordinates.0',
        '',
      ],
      [
        yard({
          shape: {
            type: 'Polygon',
            coordinates: [
              [
                [0, 0, 5],
                [1, 0],
                [1, 1],
                [0, 0],
              ],
            ],
          },
        }),
        'shape.coordinates.0.0',
        '',
      ],
      [
        yard({
          shape: {
            type: 'Polygon',
            coordinates: [
              [
                [0, 91],
                [1, 0],
                [1, 1],
                [0, 91],
              ],
            ],
          },
        }),
        'shape.coordinates.0.0.1',
        '',
      ],
      [yard({ shape: { type: 'Polygon', coordinates: [bowTie] } }), 'shape.coordinates.0', 'crosses itself at [1, 1]'],
      [
        yard({ shape: { type: 'MultiPolygon', coordinates: [[squareCorners(0, 0, 1)], [bowTie]] } }),
        'shape.coordinates.1.0',
        'polygon 2',
      ],
      [
        yard({ shape: { type: 'Polygon', coordinates: [squareCorners(0, 0, 1).slice(0, 4)] } }),
        'shape.coordinates.0',
        'end where it began',
      ],
      [yard({ shape: { ...circle, radiusMeters: 9 } }), 'shape.radiusMeters', ''],
      [yard({ shape: { ...circle, radiusMeters: 200_001 } }), 'shape.radiusMeters', ''],
      [yard({ dwellMinutes: 0 }), 'dwellMinutes', ''],
      [yard({ speedLimitMph: 151 }), 'speedLimitMph', ''],
      [yard({ groupId: newId() }), 'groupId', 'names no group'],
      [yard({ colour: 'red' }), '', 'colour'],
    ] as const) {
      const answer = await call('POST', '/geofences', { token, body });
      expect(answer.status, answer.text).toBe(400);
      expect(answer.body.error.code).toBe('VALIDATION_FAILED');
      const { issues } = answer.body.error.details as unknown as { issues: { path: string; message: string }[] };
      expect(issues[0]?.path).toBe(path);
      expect(answer.body.error.message).toContain(words);
    }
    expect((await listed(token)).meta.total).toBe(0);
    expect(await auditEntriesOf(owner.id)).toEqual([]);
    expect(await versions(owner)).toEqual([0, 0]);
  });

  test('with an Idempotency-Key makes one fence', async () => {
    const { token } = await person(await tenant(), 'fleet_admin');
    const headers = { 'idempotency-key': newId() };
    const first = await call('POST', '/geofences', { token, body: yard(), headers });
    const again = await call('POST', '/geofences', { token, body: yard(), headers });
    expect([first.status, again.status, again.text]).toEqual([201, 201, first.text]);
    expect((await call('POST', '/geofences', { token, body: yard({ name: 'B' }), headers })).status).toBe(422);
    expect((await listed(token)).meta.total).toBe(1);
  });

  test('ends at five thousand fences, and at half a million corners', async () => {
    const owner = await tenant();
    const { token } = await person(owner, 'fleet_admin');
    const large = await geofence(owner, { cornerCount: 499_996 });
    const refused = await call('POST', '/geofences', { token, body: yard() });
    expect([refused.status, refused.body.error.code]).toEqual([409, 'CONFLICT']);
    const circle = { type: 'Circle', center: [-105, 40], radiusMeters: 100 };
    const { id } = await draw(token, yard({ shape: circle }));
    expect((await call('PUT', `/geofences/${id}`, { token, body: { shape: squareShape() } })).status).toBe(409);
    expect((await call('PUT', `/geofences/${id}`, { token, body: { name: 'Small' } })).status).toBe(200);
    await call('DELETE', `/geofences/${large}`, { token });
    await db.run(`INSERT INTO geofences (id, tenant_id, name, corner_count, shape, alert_on_entry, alert_on_exit, created_at, updated_at)
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4999)
      SELECT '${newId().slice(0, 24)}' || printf('%012x', i), '${owner.id}', 'F' || i, 1, '{}', 0, 0, '', '' FROM n`);
    expect((await call('POST', '/geofences', { token, body: yard() })).status).toBe(409);
  });
});

function squareCorners(lon: number, lat: number, size: number): [number, number][] {
  return [
    [lon, lat],
    [lon + size, lat],
    [lon + size, lat + size],
    [lon, lat + size],
    [lon, lat],
  ];
}

describe('changing', () => {
  test('keeps what is not mentioned; the same again changes nothing', async () => {
    const owner = await tenant();
    const { token } = await person(owner, 'fleet_admin');
    const fence = await draw(token, yard({ dwellMinutes: 30, alertOnEntry: true }));
    const put = (body: unknown, headers = {}) => call('PUT', `/geofences/${fence.id}`, { token, body, headers });
    const renamed = await put({ name: 'Depot' });
    expect(renamed.body.data).toEqual({
      ...fence,
      name: 'Depot',
      updatedAt: (renamed.body.data as Geofence).updatedAt,
    });
    expect((renamed.body.data as Geofence).updatedAt > fence.updatedAt).toBe(true);
    expect((await put({ name: 'Depot' })).body.data).toEqual(renamed.body.data);
    expect(await versions(owner)).toEqual([2, 2]);
    expect((await put({ dwellMinutes: null })).body.data).toMatchObject({ dwellMinutes: null, alertOnEntry: true });
    expect((await put({ groupId: newId() })).status).toBe(400);
    expect((await put({ shape: { type: 'Circle', center: [0, 0], radiusMeters: 5 } })).status).toBe(400);
    expect((await auditEntriesOf(owner.id)).map(({ action }) => action)).toEqual([
      'geofence.create',
      'geofence.update',
      'geofence.update',
    ]);
  });

  test('honours the state that the client names', async () => {
    const { token } = await person(await tenant(), 'fleet_admin');
    const { id } = await draw(token);
    const tagged = await call('GET', `/geofences/${id}`, { token });
    const etag = tagged.headers.get('etag') ?? '';
    expect((await call('GET', `/geofences/${id}`, { token, headers: { 'if-none-match': etag } })).status).toBe(304);
    const put = (name: string) =>
      call('PUT', `/geofences/${id}`, { token, body: { name }, headers: { 'if-match': etag } });
    expect((await put('First')).status).toBe(200);
    expect((await put('Second')).body.error.code).toBe('PRECONDITION_FAILED');
    const gone = await call('DELETE', `/geofences/${id}`, { token, headers: { 'if-match': etag } });
    expect(gone.status).toBe(412);
  });

  test('two at once: one of them is told', async () => {
    const { token } = await person(await tenant(), 'fleet_admin');
    const { id } = await draw(token);
    const answers = await Promise.all(
      ['A', 'B', 'C'].map((name) => call('PUT', `/geofences/${id}`, { token, body: { name } })),
    );
    for (const { status } of answers) expect([200, 409]).toContain(status);
    expect(answers.some(({ status }) => status === 200)).toBe(true);
  });

  test('deleted, it is gone, and its name is free', async () => {
    const owner = await tenant();
    const { token } = await person(owner, 'fleet_admin');
    const { id } = await draw(token);
    expect((await call('DELETE', `/geofences/${id}`, { token })).status).toBe(204);
    for (const path of [`/geofences/${id}`, `/geofences/${id}/events`]) {
      expect((await call('GET', path, { token })).status).toBe(404);
    }
    expect((await call('DELETE', `/geofences/${id}`, { token })).status).toBe(404);
    expect((await listed(token)).data).toEqual([]);
    expect(await watched(owner)).toMatchObject({ fences: 0, fenceVersion: 2 });
    await draw(token);
  });
});

describe('reading', () => {
  test('is a page by name, narrowed by words', async () => {
    const { token } = await person(await tenant(), 'viewer');
    const { token: writer } = await person(await tenant(), 'fleet_admin');
    expect(await listed(token)).toEqual({ data: [], meta: { total: 0, page: 1, pageSize: 20 } });
    for (const name of ['Denver yard', 'Aurora', '100% fuel', 'Cheyenne yard']) await draw(writer, yard({ name }));
    const names = async (query: string) => (await listed(writer, query)).data.map(({ name }) => name);
    expect(await names('')).toEqual(['100% fuel', 'Aurora', 'Cheyenne yard', 'Denver yard']);
    expect(await names('?q=YARD')).toEqual(['Cheyenne yard', 'Denver yard']);
    expect(await names('?q=%25')).toEqual(['100% fuel']);
    expect(await names('?pageSize=1&page=2')).toEqual(['Aurora']);
    for (const query of ['?page=0', '?pageSize=101', '?sort=name', '?q=']) {
      expect((await call('GET', `/geofences${query}`, { token: writer })).status).toBe(400);
    }
  });

  test('a dealer reads and draws in linked customers’ tenants, and nowhere else', async () => {
    const [dealer, fleet, stranger] = [await tenant('dealer'), await tenant(), await tenant()];
    await link(dealer, fleet);
    const { token } = await person(dealer, 'dealer_admin');
    const { token: theirs } = await person(fleet, 'fleet_admin');
    const { token: foreign } = await person(stranger, 'fleet_admin');
    const own = await draw(token, yard({ name: 'Own' }));
    const drawn = await draw(token, yard({ name: 'For them' }), `?tenantId=${fleet.id}`);
    const other = await draw(foreign, yard({ name: 'Strange' }));
    expect([own.tenantId, drawn.tenantId]).toEqual([dealer.id, fleet.id]);
    expect((await listed(token)).data.map(({ id }) => id)).toEqual([drawn.id, own.id]);
    expect((await listed(token, `?tenantId=${fleet.id}`)).data.map(({ id }) => id)).toEqual([drawn.id]);
    expect((await listed(theirs)).data.map(({ id }) => id)).toEqual([drawn.id]);
    expect((await call('PUT', `/geofences/${drawn.id}`, { token, body: { name: 'Renamed' } })).status).toBe(200);
    for (const [method, path] of [
      ['GET', `/geofences/${other.id}`],
      ['PUT', `/geofences/${other.id}`],
      ['DELETE', `/geofences/${other.id}`],
      ['GET', `/geofences/${other.id}/events`],
      ['GET', `/geofences?tenantId=${stranger.id}`],
      ['POST', `/geofences?tenantId=${stranger.id}`],
    ] as const) {
      const answer = await call(method, path, {
        token,
        ...(method === 'POST' ? { body: yard() } : {}),
        ...(method === 'PUT' ? { body: { name: 'x' } } : {}),
      });
      expect(answer.status, `${method} ${path}`).toBe(404);
    }
    expect((await call('GET', `/geofences/${own.id}`, { token: theirs })).status).toBe(404);
    expect(await watched(fleet)).toMatchObject({ fences: 1, fenceVersion: 2 });
    const audited = await auditEntriesOf(fleet.id);
    expect(audited.map(({ action }) => action)).toEqual(['geofence.create', 'geofence.update']);
  });

  test('the operator names the tenant to draw in; a key may draw too', async () => {
    const owner = await tenant();
    const { token } = await person(null, 'super_admin');
    expect((await call('POST', '/geofences', { token, body: yard() })).status).toBe(400);
    expect((await draw(token, yard(), `?tenantId=${owner.id}`)).tenantId).toBe(owner.id);
    const { key } = await apiKey(owner, ['geofences:write', 'vehicles:read']);
    const { id } = await draw(key);
    expect(await db.select().from(geofences).where(eq(geofences.id, id))).toMatchObject([{ createdBy: null }]);
  });
});
