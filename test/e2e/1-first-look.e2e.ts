/** What a newcomer meets after `npm start`: every demo person, the fleets, health, the documents. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { demoPeople, demoTenants } from '#simulators/world/demo';
import type { Vehicle } from '#contracts/vehicles';
import { closeBrowser, demoPassword, send, signIn, signedInPage, sleep, url } from './platform.ts';

afterAll(closeBrowser);

describe('after npm start', () => {
  test('health, OpenAPI, docs, keys and the dashboard answer', async () => {
    const health = (await (await fetch(`${url}/api/health`)).json()) as { data: { status: string } };
    expect(health.data.status).toBe('ok');
    const document = (await (await fetch(`${url}/api/openapi.json`)).json()) as { openapi: string };
    expect(document.openapi).toMatch(/^3\.1/);
    expect((await fetch(`${url}/api/docs`)).headers.get('content-type')).toMatch(/html/);
    const keys = (await (await fetch(`${url}/.well-known/jwks.json`)).json()) as { keys: { d?: string }[] };
    expect(keys.keys).toHaveLength(1);
    expect(keys.keys[0]).not.toHaveProperty('d');
    for (const path of ['/', '/vehicles', '/display']) {
      const page = await fetch(`${url}${path}`);
      expect(page.status).toBe(200);
      expect(page.headers.get('content-type')).toMatch(/html/);
    }
  });

  test.each(demoPeople)('$email signs in as $role and sees the right trucks', async ({ email, role, tenantName }) => {
    const client = await signIn(email);
    const me = await client.get<{ role: string; tenantName: string | null }>('/auth/me');
    expect(me.body.data).toMatchObject({ role, tenantName });
    const all = demoTenants.reduce((sum, tenant) => sum + tenant.truckCount, 0);
    const own = demoTenants.find((tenant) => tenant.name === tenantName);
    const linked = demoTenants.filter((tenant) => tenant.linkedDealers.includes(tenantName ?? ''));
    const expected =
      role === 'super_admin'
        ? all
        : role === 'driver'
          ? 1
          : (own?.truckCount ?? 0) + linked.reduce((sum, tenant) => sum + tenant.truckCount, 0);
    expect((await client.get<Vehicle[]>('/vehicles?pageSize=1')).body.meta?.total).toBe(expected);
  });

  test.each([
    [
      'admin@blueridge.example',
      ['organisation', 'people', 'api-keys', 'displays', 'links', 'single-sign-on', 'risk', 'model', 'audit'],
      'settings',
    ],
    ['super@demo.example', ['organisations', 'sync', 'access', 'audit'], 'admin'],
  ])('on a phone no page that %s sets things up on is wider than the screen', async (email, sections, folder) => {
    const page = await signedInPage(email, '/', { width: 390, height: 844 });
    for (const section of sections) {
      await page.goto(`${url}/${folder}/${section}`);
      const open = page.getByRole('navigation', { name: 'Settings' }).locator('[aria-current="page"]');
      await page.locator('main h1').waitFor();
      await sleep(500);
      const width = await page.evaluate('Math.max(document.documentElement.scrollWidth, document.body.scrollWidth)');
      expect([section, width]).toEqual([section, 390]);
      const box = await open.boundingBox();
      expect(box?.x).toBeGreaterThanOrEqual(0);
      expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(390);
    }
    await page.context().close();
  });

  test('trucks report and move', async () => {
    const client = await signIn('admin@blueridge.example');
    const read = async () =>
      (await client.get<Vehicle[]>('/vehicles?pageSize=100&sort=unitNumber')).body.data.filter(
        (vehicle) => vehicle.status === 'moving',
      );
    for (let attempt = 0; attempt < 60 && (await read()).length === 0; attempt += 1) await sleep(500);
    const before = await read();
    expect(before.length).toBeGreaterThan(0);
    for (let attempt = 0; attempt < 60; attempt += 1) {
      await sleep(500);
      const after = await read();
      const moved = after.some((vehicle) => {
        const was = before.find((other) => other.id === vehicle.id)?.lastPosition;
        return was && vehicle.lastPosition && was.lat !== vehicle.lastPosition.lat && vehicle.lastPosition.at > was.at;
      });
      if (moved) return;
    }
    throw new Error('no truck moved within 30 s');
  });

  test.each(['live-client.mjs', 'packed-client.mjs'])(
    '%s, as documented, holds the fleet and hears trucks move',
    async (file) => {
      const client = join(import.meta.dirname, '../../docs/clients', file);
      const child = spawn(process.execPath, [client, url, 'admin@highplains.example', demoPassword]);
      let output = '';
      child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
      try {
        await expect.poll(() => output, { timeout: 30_000 }).toMatch(/"vehicles":25.*"changed":"everything"/);
        await expect.poll(() => output, { timeout: 30_000 }).toMatch(/"vehicles":25.*"changed":\["/);
      } finally {
        child.kill();
      }
    },
  );

  test('a wrong password and an invented address answer alike', async () => {
    const wrong = await send('POST', '/auth/login', { email: 'tech@blueridge.example', password: 'Wrong-1!' });
    const nobody = await send('POST', '/auth/login', { email: 'nobody@blueridge.example', password: 'Wrong-1!' });
    expect(wrong.status).toBe(401);
    expect({ ...nobody.body.error, requestId: '' }).toEqual({ ...wrong.body.error, requestId: '' });
  });

  test('the sign-in form shows why it refused, and lets the right password in', async () => {
    const page = await signedInPage('viewer@blueridge.example');
    await expect.poll(() => page.getByText('Blue Ridge Freight').first().isVisible()).toBe(true);
    await page.context().close();
  });
});
