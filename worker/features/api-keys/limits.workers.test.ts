/** How many keys a tenant has, and how often each may ask. */
import { expect, test } from 'vitest';
import { apiKey, auditEntriesOf, call, person, tenant, type TestTenant } from '#test/workers/harness';

const make = (token: string) => call('POST', '/api-keys', { token, body: { name: 'DMS', scopes: ['vehicles:read'] } });

test('a gateway’s default holds for telemetry alone, and leaves the rest apart', async () => {
  const limits = async (owner: TestTenant, fields: { requestsPerMinute?: number } = {}) => {
    const { key } = await apiKey(owner, ['telemetry:write', 'vehicles:read'], fields);
    const report = await call('POST', '/telemetry/positions', { token: key, body: { positions: [] } });
    const read = await call('GET', '/tenant', { token: key });
    return [report, read].map(({ headers }) => {
      const [limit, remaining] = [headers.get('ratelimit-limit'), headers.get('ratelimit-remaining')];
      return `${remaining}/${limit}`;
    });
  };
  expect(await limits(await tenant())).toEqual(['5999/6000', '99/100']);
  // A number of its own is for everything together.
  expect(await limits(await tenant(), { requestsPerMinute: 500 })).toEqual(['499/500', '498/500']);
  // The operator's ceiling for the tenant is over both, outside of telemetry.
  const held = () => tenant('fleet', { requestsPerMinute: 40 });
  expect(await limits(await held(), { requestsPerMinute: 500 })).toEqual(['499/500', '39/40']);
  expect(await limits(await held(), { requestsPerMinute: 7 })).toEqual(['6/7', '5/7']);
  expect(await limits(await held())).toEqual(['5999/6000', '39/40']);
});

test('a tenant has fifty keys, however many are made at once; a revoked one makes room', async () => {
  const owner = await tenant();
  const { token } = await person(owner, 'fleet_admin');
  for (let n = 0; n < 48; n += 1) await apiKey(owner, ['vehicles:read']);
  await apiKey(owner, ['vehicles:read'], { revokedAt: new Date().toISOString() });
  const answers = await Promise.all([1, 2, 3, 4].map(() => make(token)));
  expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 201, 409, 409]);
  expect(answers.find(({ status }) => status === 409)?.body.error.code).toBe('CONFLICT');
  const made = answers.find(({ status }) => status === 201);
  expect((await auditEntriesOf(owner.id)).length).toBe(2);
  expect(
    (await call('DELETE', `/api-keys/${(made?.body as { data: { id: string } } | undefined)?.data.id}`, { token }))
      .status,
  ).toBe(204);
  expect((await make(token)).status).toBe(201);
});
