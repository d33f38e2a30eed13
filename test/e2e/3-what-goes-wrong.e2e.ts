/** Everything a portal, a browser, a runtime and a client can do wrong: a clear word for it, and nothing lost. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import type { FleetExport } from '#contracts/vehicles';
import { control, portalUrl, send, setPersona, signIn, sleep, url, type Client } from './platform.ts';
import { e2ePort } from './start-platform.ts';
import { descendants } from '../platform/processes.ts';

const account = 'cascade';
let client: Client;

beforeAll(async () => {
  client = await signIn('admin@cascade.example');
  await control('PUT', '/clock', { frozen: true });
  await client.sync();
});
afterEach(() => setPersona(account, 'normal'));
afterAll(() => control('PUT', '/clock', { frozen: false }));

const fleet = async (of: Client = client): Promise<object[]> =>
  (await of.get<FleetExport>('/exports/fleet')).body.data.vehicles.map((vehicle) => ({
    vin: vehicle.vin,
    odometer: vehicle.currentOdometer === null ? null : Math.round(vehicle.currentOdometer),
    riskScore: vehicle.riskScore,
    faults: vehicle.faults
      .map(({ spn, fmi, sourceAddress, isActive, occurrenceCount }) => [
        spn,
        fmi,
        sourceAddress,
        isActive,
        occurrenceCount,
      ])
      .sort(),
  }));

describe('the portal', () => {
  test.each([
    ['markup_changed', 'MARKUP_CHANGED'],
    ['mfa', 'MFA_REQUIRED'],
  ])('persona %s: the run fails with %s and changes nothing', async (persona, code) => {
    const before = await fleet();
    await setPersona(account, persona);
    // A stored session would walk past the sign-in.
    await client.useAccount(account);
    const run = await client.sync();
    expect(run).toMatchObject({ status: 'failed', error: { code } });
    expect(run.error?.message.length).toBeGreaterThan(10);
    expect(await fleet()).toEqual(before);
    await setPersona(account, 'normal');
    expect(await client.sync()).toMatchObject({ status: 'succeeded', error: null });
  });

  test('a wrong password: LOGIN_FAILED in the portal’s own words, an alert that the next good run resolves', async () => {
    await client.useAccount(account, 'wrong-password');
    const run = await client.sync();
    expect(run).toMatchObject({ status: 'failed', error: { code: 'LOGIN_FAILED' } });
    const open = await client.get<{ cause: string }[]>('/alerts?type=sync&status=open');
    expect(open.body.data).toMatchObject([{ cause: 'sync:paccar' }]);
    const stored = await client.get<{ lastError: string | null }[]>('/sync/credentials');
    expect(JSON.stringify(stored.body)).not.toContain('wrong-password');
    await client.useAccount(account);
    expect(await client.sync()).toMatchObject({ status: 'succeeded' });
    expect((await client.get<unknown[]>('/alerts?type=sync&status=open')).body.data).toEqual([]);
  });

  test('a session that ends in the middle is signed in again', async () => {
    await setPersona(account, 'session_expires', { afterRequests: 6 });
    expect(await client.sync()).toMatchObject({ status: 'succeeded', counts: { vehiclesSeen: 15 } });
  });

  test('one running already: 409 with its id', async () => {
    const id = await client.startSync();
    const second = await client.post('/sync/runs', {});
    expect(second.status).toBe(409);
    expect(second.body.error).toMatchObject({ code: 'CONFLICT', details: { id } });
    await client.finished(id);
  });
});

/** Kills the first process that matches, as soon as there is one. */
async function killOne(pattern: RegExp, withinMs = 30_000): Promise<void> {
  const until = Date.now() + withinMs;
  for (;;) {
    const found = descendants(inject('startPid')).find(({ command }) => pattern.test(command));
    if (found !== undefined) return void process.kill(found.pid, 'SIGKILL');
    if (Date.now() > until) throw new Error(`no process matches ${pattern}`);
    await sleep(50);
  }
}

async function untilServing(): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    if ((await fetch(`${url}/api/health`).catch(() => null))?.ok) return;
    await sleep(200);
  }
  throw new Error('the Worker does not come back');
}

describe('processes that die', () => {
  test('kill -9 of the browser in the middle of a run: the run recovers', async () => {
    const id = await client.startSync();
    await killOne(/--remote-debugging/);
    expect(await client.finished(id)).toMatchObject({ status: 'succeeded', counts: { vehiclesSeen: 15 } });
  });

  test(
    'kill -9 of the runtime in the middle of a run: it resumes and ends with the rows of an undisturbed run',
    { timeout: 180_000 },
    async () => {
      const other = await signIn('admin@highplains.example');
      try {
        await Promise.all([client.useAccount('bulk-100'), other.useAccount('bulk-100')]);
        await other.sync();
        const id = await client.startSync();
        await sleep(3000);
        expect((await client.get<{ status: string }>(`/sync/runs/${id}`)).body.data.status).toBe('running');
        await killOne(/workerd/);
        await untilServing();
        expect(await client.finished(id)).toMatchObject({ status: 'succeeded', error: null });
        const bulkVins = new Set((await fleet(other)).slice(-100).map((vehicle) => (vehicle as { vin: string }).vin));
        const bulk = (vehicles: object[]) =>
          vehicles.filter((vehicle) => bulkVins.has((vehicle as { vin: string }).vin));
        expect(bulk(await fleet())).toEqual(bulk(await fleet(other)));
        expect(bulk(await fleet())).toHaveLength(100);
      } finally {
        await Promise.all([client.useAccount('cascade'), other.useAccount('highplains')]);
      }
    },
  );
});

describe('clients', () => {
  test('malformed JSON, a 10 MB body, a 16-character VIN, a latitude of 200: each a clear refusal', async () => {
    const malformed = await send('POST', '/telemetry/positions', '{"positions":', client.token);
    expect([malformed.status, malformed.body.error?.code]).toEqual([400, 'INVALID_JSON']);
    const huge = await send(
      'POST',
      '/telemetry/positions',
      JSON.stringify({ positions: ['x'.repeat(10_000_000)] }),
      client.token,
    );
    expect([huge.status, huge.body.error?.code]).toEqual([413, 'PAYLOAD_TOO_LARGE']);
    const rows = await client.post<{ accepted: number; rejected: { index: number; code: string }[] }>(
      '/telemetry/positions',
      {
        positions: [
          { vin: '1XKYDP9X0RJ12345', at: new Date().toISOString(), lat: 40, lon: -100 },
          { vin: '1XKYDP9X0RJ123456', at: new Date().toISOString(), lat: 200, lon: -100 },
          { vin: '1XKYDP9X0RJ123456', at: new Date().toISOString(), lat: 40, lon: -100 },
        ],
      },
    );
    expect(rows.status).toBe(202);
    expect(rows.body.data.rejected.map(({ index, code }) => [index, code])).toEqual([
      [0, 'INVALID_FIELD'],
      [1, 'INVALID_POSITION'],
      [2, 'UNKNOWN_VEHICLE'],
    ]);
    // The refused 10 MB must not have hurt the next request.
    expect((await fetch(`${url}/api/health`)).status).toBe(200);
  });

  test('a portal address that is not http(s) is refused with a sentence', async () => {
    const body = { baseUrl: 'ftp://portal.example', username: 'a', password: 'b', consent: true };
    const answer = await client.put('/sync/credentials/paccar', body);
    expect([answer.status, answer.body.error?.code]).toEqual([400, 'VALIDATION_FAILED']);
  });
});

describe('the start command', () => {
  const start = (...args: string[]) =>
    spawnSync(process.execPath, [join(import.meta.dirname, '../../scripts/start/start.ts'), ...args], {
      encoding: 'utf8',
      timeout: 60_000,
    });

  test('a taken port is one clear sentence and exit 1', () => {
    const { status, stderr } = start('--port', String(e2ePort), '--state', '.truckiq/e2e-refused');
    expect(status).toBe(1);
    expect(stderr.trim()).toMatch(new RegExp(`^Port ${e2ePort} .*in use`));
  });

  test('a state folder in use is refused, and --fresh does not touch it', async () => {
    const { status, stderr } = start('--port', '18997', '--state', '.truckiq/e2e', '--fresh');
    expect(status).toBe(1);
    expect(stderr).toMatch(/already runs on/);
    expect((await client.get('/vehicles')).status).toBe(200);
  });

  test.each([
    [['--port', 'abc'], /--port must be a whole number/],
    [['--speed', '0'], /--speed must be a number above 0/],
    [['--colour'], /Unknown option/],
    [['--state', '.'], /--state must be a folder of its own/],
  ])('%j is refused with a sentence', (args, sentence) => {
    const { status, stderr } = start(...args);
    expect(status).toBe(1);
    expect(stderr).toMatch(sentence);
  });

  test('no disk to write to is a sentence', () => {
    const { status, stderr } = start('--port', '18999', '--state', 'package.json/state');
    expect(status).toBe(1);
    expect(stderr).toMatch(/cannot be written/);
  });

  test('a browser that is not there is a sentence', () => {
    const { status, stderr } = spawnSync(
      process.execPath,
      [join(import.meta.dirname, '../../scripts/start/start.ts'), '--port', '18998', '--state', '.truckiq/e2e-refused'],
      { encoding: 'utf8', timeout: 60_000, env: { ...process.env, CHROME_PATH: '/nowhere/chrome' } },
    );
    expect(status).toBe(1);
    expect(stderr).toMatch(/CHROME_PATH names \/nowhere\/chrome/);
  });
});

test('the portal is where the tests think it is', async () => {
  expect((await fetch(`${portalUrl}/login`)).status).toBe(200);
});
