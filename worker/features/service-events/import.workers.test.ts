/** Files of service events through the real Worker: rows kept, rows named, and files that are none. */
import { eq } from 'drizzle-orm';
import { describe, expect, test } from 'vitest';
import type { ServiceImportResult } from '#contracts/service-events';
import { serviceEvents, vehicles } from '#worker/db/schema/index';
import { commonRouteTests } from '../../../test/workers/common-route-tests.ts';
import { auditEntriesOf, call, db, link, person, tenant, truck } from '../../../test/workers/harness.ts';

commonRouteTests('POST /service-events/import', {
  method: 'POST',
  path: () => '/service-events/import',
  permission: 'service:write',
  namesThing: false,
  takesBody: false,
});

const vehicleOf = async (id: string) => (await db.select().from(vehicles).where(eq(vehicles.id, id)))[0];

describe('a file', () => {
  const head = 'vin,unit,date,kind,description,order number';
  const send = (token: string, body: string, { query = '', headers = {} } = {}) =>
    call('POST', `/service-events/import${query}`, {
      token,
      body,
      headers: { 'content-type': 'text/csv', ...headers },
    });
  const vinOf = async (id: string) => (await vehicleOf(id))?.vin ?? '';
  const unitOf = async (id: string) => (await vehicleOf(id))?.unitNumber ?? '';

  test('good rows are kept and bad ones named; the same file again changes nothing', async () => {
    const owner = await tenant();
    const [one, two] = [await truck(owner), await truck(owner)];
    const foreign = await truck(await tenant());
    const { token, userId } = await person(owner, 'technician');
    const file = [
      head,
      `${await vinOf(one)},,2026-01-05,PM,"Oil, filters",`,
      `,${await unitOf(two)},2026-01-06T10:00:00Z,road call,Towed in,RO-1`,
      `,${await unitOf(two)},2026-01-06,repair,EGR valve replaced,RO-1`,
      `${await vinOf(foreign)},,2026-01-07,repair,x,`,
      ',U-nobody,2026-01-07,repair,x,',
      `${await vinOf(one)},,2026-01-08,lunch,x,`,
      `${await vinOf(one)},,2026-01-05,PM,"oil,  FILTERS",`,
    ].join('\r\n');
    const rejected = [
      { line: 5, code: 'UNKNOWN_VEHICLE', message: 'no vehicle has this VIN' },
      { line: 6, code: 'UNKNOWN_VEHICLE', message: 'no vehicle has this unit number' },
      { line: 7, code: 'INVALID_FIELD', message: expect.stringContaining('lunch') },
    ];
    const first = await send(token, file);
    expect(first.status, first.text).toBe(201);
    expect(first.body.data).toEqual({ created: 3, unchanged: 1, rejected });
    const state = async () => ({
      events: await db.select().from(serviceEvents).where(eq(serviceEvents.tenantId, owner.id)),
      vehicles: [await vehicleOf(one), await vehicleOf(two)],
      entries: (await auditEntriesOf(owner.id)).map(({ id }) => id),
    });
    const isScored = async () => (await state()).vehicles.every((row) => row?.isScoreDirty === false);
    await expect.poll(isScored, { timeout: 10_000 }).toBe(true);
    const before = await state();
    expect(before.events.map(({ source }) => source)).toEqual(['import', 'import', 'import']);
    const entries = await auditEntriesOf(owner.id);
    expect(entries).toMatchObject([{ action: 'service_events.import', actorId: userId, resourceId: null }]);
    expect(JSON.parse(entries[0]?.after ?? '')).toEqual({ rows: 3, vehicles: 2 });
    expect((await send(token, file)).body.data).toEqual({ created: 0, unchanged: 4, rejected });
    expect(await state()).toEqual(before);
  });

  test('a unit number of several trucks asks for the VIN', async () => {
    const owner = await tenant();
    for (let n = 0; n < 2; n++) await truck(owner, { unitNumber: '104' });
    const { token } = await person(owner, 'fleet_admin');
    const answer = await send(token, `${head}\n,104,2026-01-05,repair,x,`);
    expect(answer.body.data).toMatchObject({ created: 0, rejected: [{ line: 2, code: 'UNKNOWN_VEHICLE', message: expect.stringContaining('2 vehicles have this unit number') }] }); // prettier-ignore
  });

  test('a dealer’s file reaches the linked customers, each in its own log; ?tenantId= narrows it', async () => {
    const [dealer, customer, stranger] = [await tenant('dealer'), await tenant(), await tenant()];
    await link(dealer, customer);
    const [own, theirs] = [await truck(dealer), await truck(customer)];
    const vin = '1XKYDP9X0RJ999999';
    for (const of of [dealer, customer]) await truck(of, { vin });
    const { token } = await person(dealer, 'dealer_admin');
    const row = async (id: string) => `${await vinOf(id)},,2026-01-05,repair,x,`;
    const file = [head, await row(own), await row(theirs), `${vin},,2026-01-05,repair,x,`].join('\n');
    const all = await send(token, file);
    expect(all.body.data).toMatchObject({ created: 2, rejected: [{ line: 4, message: expect.stringContaining('2 organisations') }] }); // prettier-ignore
    for (const of of [dealer, customer]) expect(await auditEntriesOf(of.id)).toHaveLength(1);
    const narrowed = await send(token, file, { query: `?tenantId=${customer.id}` });
    expect(narrowed.body.data).toMatchObject({ created: 1, unchanged: 1, rejected: [{ line: 2 }] });
    expect((await send(token, file, { query: `?tenantId=${stranger.id}` })).status).toBe(404);
    const operator = await person(null, 'super_admin');
    expect((await send(operator.token, file)).body.error.code).toBe('VALIDATION_FAILED');
    const byOperator = await send(operator.token, file, { query: `?tenantId=${dealer.id}` });
    expect(byOperator.body.data).toMatchObject({ created: 1, unchanged: 1, rejected: [{ line: 3 }] });
  });

  test('what is no file of events is said clearly, never a 500', async () => {
    const { token } = await person(await tenant(), 'fleet_admin');
    const bytes = async (body: Uint8Array | string, headers = {}) => {
      const { exports } = await import('cloudflare:workers');
      const answer = await exports.default.fetch('http://truckiq.test/api/v1/service-events/import', {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'text/csv', ...headers },
        body,
      });
      const { error } = await answer.json<{ error: { code: string; message: string } }>();
      return `${answer.status} ${error.code} ${error.message}`;
    };
    const encoded = (text: string, encoding: 'utf16le' | 'latin1') => new Uint8Array(Buffer.from(text, encoding));
    expect(await bytes('')).toContain('400 VALIDATION_FAILED The file is empty.');
    expect(await bytes(encoded(`\ufeff${head}\n`, 'utf16le'))).toContain('400 VALIDATION_FAILED The file is UTF-16');
    expect(await bytes(encoded(`${head}\nx,,2026-01-05,repair,Kühler,`, 'latin1'))).toContain('400 VALIDATION_FAILED The file is not UTF-8'); // prettier-ignore
    expect(await bytes(`${head}\n\0`)).toContain(`NUL byte at position ${head.length + 2}`);
    expect(await bytes('PK\u0003\u0004zip')).toContain('a spreadsheet or an archive');
    expect(await bytes(`${head}\n"never closed`)).toContain('A quote that opens after line 1 is never closed');
    expect(await bytes('a,'.repeat(1_000_000))).toContain('400 VALIDATION_FAILED');
    expect(await bytes(`${head}\n${'x,,2026-01-05,repair,x,\n'.repeat(5_001)}`)).toContain('413 PAYLOAD_TOO_LARGE At most 5000 rows'); // prettier-ignore
    expect(await bytes('x'.repeat(4_000_001))).toContain('413 PAYLOAD_TOO_LARGE The file is larger than 4 MB');
    for (const type of ['application/json', 'text/plain', 'multipart/form-data; boundary=x', '']) {
      expect(await bytes(head, { 'content-type': type })).toContain('415 UNSUPPORTED_MEDIA_TYPE');
    }
  });

  test('packed files are unpacked; the largest import goes through in one piece', async () => {
    const owner = await tenant();
    const vehicleId = await truck(owner);
    const { token } = await person(owner, 'fleet_admin');
    const vin = await vinOf(vehicleId);
    // Three-byte characters: far past what D1 takes in one value.
    const words = '油'.repeat(250);
    const lines = Array.from(
      { length: 5_000 },
      (_, n) => `${vin},,2026-01-05,repair,${n} ${n % 2 === 0 ? 'x' : words},`,
    );
    const packed = new Response(new Blob([[head, ...lines].join('\n')]).stream().pipeThrough(new CompressionStream('gzip'))); // prettier-ignore
    const { exports } = await import('cloudflare:workers');
    const answer = await exports.default.fetch('http://truckiq.test/api/v1/service-events/import', {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'text/csv; charset=utf-8', 'content-encoding': 'gzip' },
      body: await packed.arrayBuffer(),
    }); // prettier-ignore
    const { data } = await answer.json<{ data: ServiceImportResult }>();
    expect(data).toEqual({ created: 5_000, unchanged: 0, rejected: [] });
  });

  test('vehicles named at any length are bad rows, and the longest that may be are looked up', async () => {
    const owner = await tenant();
    const { token } = await person(owner, 'fleet_admin');
    const vehicleId = await truck(owner, { unitNumber: '油'.repeat(100) });
    const lines = (vinAt: (n: number) => string, unitAt: (n: number) => string) =>
      [head, ...Array.from({ length: 5_000 }, (_, n) => `${vinAt(n)},${unitAt(n)},2026-01-05,repair,x,`)].join('\n');
    const long = await send(token, lines((n) => `${n} ${'V'.repeat(700)}`, () => '')); // prettier-ignore
    expect(long.status, long.text.slice(0, 300)).toBe(201);
    const { rejected } = long.body.data as ServiceImportResult;
    // Never looked up: D1 itself would refuse so long a list.
    expect(rejected.filter(({ code }) => code === 'INVALID_FIELD')).toHaveLength(5_000);
    const most = await send(token, lines(() => '', (n) => `${n === 0 ? '' : n}${'油'.repeat(100)}`.slice(0, 100))); // prettier-ignore
    expect(most.status, most.text.slice(0, 300)).toBe(201);
    expect(most.body.data).toMatchObject({ created: 1, unchanged: 0 });
    expect(await db.select().from(serviceEvents).where(eq(serviceEvents.vehicleId, vehicleId))).toHaveLength(1);
  });

  test('Idempotency-Key replays the answer', async () => {
    const owner = await tenant();
    const { token } = await person(owner, 'fleet_admin');
    const file = `${head}\n${await vinOf(await truck(owner))},,2026-01-05,repair,x,`;
    const headers = { 'idempotency-key': 'file-1' };
    const first = await send(token, file, { headers });
    expect(first.body.data).toMatchObject({ created: 1 });
    expect((await send(token, file, { headers })).text).toBe(first.text);
    expect((await send(token, `${file}\n`, { headers })).status).toBe(422);
  });
});
