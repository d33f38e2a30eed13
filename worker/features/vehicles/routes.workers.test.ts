import { describe, expect, test } from 'vitest';
import { fleetExportSchema, vehicleSchema } from '#contracts/vehicles';
import { commonRouteTests } from '#test/workers/common-route-tests';
import { call, fault, link, person, tenant, truck } from '#test/workers/harness';

const one = { method: 'GET', permission: 'vehicles:read', takesBody: false } as const;
commonRouteTests('GET /vehicles', { ...one, path: () => '/vehicles', namesThing: false });
commonRouteTests('GET /vehicles/:id', {
  ...one,
  path: async (owner) => `/vehicles/${await truck(owner)}`,
  namesThing: true,
});
commonRouteTests('GET /vehicles/:id/fault-codes', {
  ...one,
  path: async (owner) => `/vehicles/${await truck(owner)}/fault-codes`,
  namesThing: true,
});
commonRouteTests('GET /vehicles/:id/predictions', {
  ...one,
  path: async (owner) => `/vehicles/${await truck(owner)}/predictions`,
  namesThing: true,
});
commonRouteTests('GET /exports/fleet', {
  ...one,
  permission: 'reports:export',
  path: () => '/exports/fleet',
  namesThing: false,
});

const units = (answer: Awaited<ReturnType<typeof call>>) =>
  (answer.body.data as { unitNumber: string }[]).map((vehicle) => vehicle.unitNumber);

describe('GET /vehicles', () => {
  test('sorts worst first, unknown last, and pages with a total', async () => {
    const fleet = await tenant();
    const { token } = await person(fleet, 'viewer');
    await truck(fleet, { unitNumber: 'low', riskScore: 5, riskLevel: 'low' });
    await truck(fleet, { unitNumber: 'unknown' });
    await truck(fleet, { unitNumber: 'bad', riskScore: 90, riskLevel: 'critical' });
    const first = await call('GET', '/vehicles?pageSize=2', { token });
    expect(units(first)).toEqual(['bad', 'low']);
    expect(first.body.meta).toEqual({ total: 3, page: 1, pageSize: 2 });
    expect(units(await call('GET', '/vehicles?pageSize=2&page=2', { token }))).toEqual(['unknown']);
    expect(units(await call('GET', '/vehicles?sort=riskScore', { token }))).toEqual(['low', 'bad', 'unknown']);
    for (const vehicle of first.body.data as unknown[]) vehicleSchema.parse(vehicle);
  });

  test('a search takes % and _ as themselves', async () => {
    const fleet = await tenant();
    const { token } = await person(fleet, 'viewer');
    await truck(fleet, { unitNumber: '100%' });
    await truck(fleet, { unitNumber: '1000' });
    expect(units(await call('GET', '/vehicles?q=100%25', { token }))).toEqual(['100%']);
    await truck(fleet, { unitNumber: 'Ümläut-Truck' });
    expect(units(await call('GET', `/vehicles?q=${encodeURIComponent('-tRUCK')}`, { token }))).toEqual([
      'Ümläut-Truck',
    ]);
    for (const long of ['x'.repeat(100), '%'.repeat(100), 'ü'.repeat(100)]) {
      expect((await call('GET', `/vehicles?q=${encodeURIComponent(long)}`, { token })).status).toBe(200);
    }
  });

  test.each(['pageSize=101', 'pageSize=0', 'page=0', 'sort=vin', 'unknown=1', 'riskLevel=bad', 'page=1e3', 'status='])(
    '?%s is 400',
    async (query) => {
      const { token } = await person(await tenant(), 'viewer');
      const answer = await call('GET', `/vehicles?${query}`, { token });
      expect(answer.body.error.code).toBe('VALIDATION_FAILED');
      expect(answer.status).toBe(400);
    },
  );

  test('a dealer sees linked customers, narrowed by tenantId, and nobody else', async () => {
    const [dealer, customer, stranger] = [await tenant('dealer'), await tenant(), await tenant()];
    await link(dealer, customer);
    await truck(customer, { unitNumber: 'ours' });
    await truck(stranger, { unitNumber: 'theirs' });
    const { token } = await person(dealer, 'dealer_admin');
    expect(units(await call('GET', '/vehicles', { token }))).toEqual(['ours']);
    expect(units(await call('GET', `/vehicles?tenantId=${customer.id}`, { token }))).toEqual(['ours']);
    expect((await call('GET', `/vehicles?tenantId=${stranger.id}`, { token })).status).toBe(404);
  });

  test('a driver sees only the assigned truck', async () => {
    const fleet = await tenant();
    const driver = await person(fleet, 'driver');
    await truck(fleet, { unitNumber: 'mine', assignedDriverId: driver.userId });
    const other = await truck(fleet, { unitNumber: 'not mine' });
    expect(units(await call('GET', '/vehicles', { token: driver.token }))).toEqual(['mine']);
    expect((await call('GET', `/vehicles/${other}`, { token: driver.token })).status).toBe(404);
  });

  test('a super admin sees every tenant and can narrow to one', async () => {
    const [one, two] = [await tenant(), await tenant()];
    await truck(one, { unitNumber: 'one' });
    await truck(two, { unitNumber: 'two' });
    const { token } = await person(null, 'super_admin');
    expect(units(await call('GET', `/vehicles?tenantId=${one.id}`, { token }))).toEqual(['one']);
    expect(units(await call('GET', '/vehicles?pageSize=100', { token }))).toEqual(
      expect.arrayContaining(['one', 'two']),
    );
  });
});

describe('one vehicle', () => {
  test('answers 304 to its own ETag', async () => {
    const fleet = await tenant();
    const { token } = await person(fleet, 'viewer');
    const path = `/vehicles/${await truck(fleet)}`;
    const first = await call('GET', path, { token });
    const etag = first.headers.get('etag') ?? '';
    expect(etag).not.toBe('');
    const second = await call('GET', path, { token, headers: { 'if-none-match': etag } });
    expect(second.status).toBe(304);
  });

  test('an active fault was last seen when the whole list was last read', async () => {
    const fleet = await tenant();
    const { token } = await person(fleet, 'technician');
    const vehicleId = await truck(fleet, { faultsReadAt: '2026-11-01T12:00:00.000Z' });
    const seen = { firstSeenAt: '2026-10-01T00:00:00.000Z', lastSeenAt: '2026-10-01T00:00:00.000Z' };
    await fault(fleet, vehicleId, { spn: 110, ...seen });
    await fault(fleet, vehicleId, { spn: 111, ...seen, isActive: false, clearedAt: '2026-10-02T00:00:00.000Z' });
    const all = await call('GET', `/vehicles/${vehicleId}/fault-codes`, { token });
    const faults = all.body.data as { spn: number; lastSeenAt: string }[];
    expect(faults.map(({ spn, lastSeenAt }) => [spn, lastSeenAt])).toEqual([
      [110, '2026-11-01T12:00:00.000Z'],
      [111, '2026-10-01T00:00:00.000Z'],
    ]);
    const active = await call('GET', `/vehicles/${vehicleId}/fault-codes?active=true`, { token });
    expect(active.body.meta).toMatchObject({ total: 1 });
  });

  test('the export holds the own tenant whole, and a dealer’s holds no customer', async () => {
    const [dealer, fleet] = [await tenant('dealer'), await tenant()];
    await link(dealer, fleet);
    const vehicleId = await truck(fleet);
    await fault(fleet, vehicleId);
    const own = await call('GET', '/exports/fleet', { token: (await person(fleet, 'fleet_admin')).token });
    const data = fleetExportSchema.parse(own.body.data);
    expect(data.vehicleCount).toBe(1);
    expect(data.vehicles[0]?.faults).toHaveLength(1);
    const dealers = await call('GET', '/exports/fleet', { token: (await person(dealer, 'dealer_admin')).token });
    expect(dealers.body.data).toMatchObject({ vehicleCount: 0 });
  });
});
