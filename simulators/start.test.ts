import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { startSimulators, type SimulatorOptions } from './start.ts';

const options = (more: Partial<SimulatorOptions> = {}): SimulatorOptions => ({
  portalPort: 0,
  apiBaseUrl: 'http://127.0.0.1:9',
  seed: 2026,
  anchorMs: Date.UTC(2026, 10, 20),
  speed: 60,
  gateway: false,
  log: () => undefined,
  ...more,
});

describe('starting the simulators', () => {
  it('says which port is taken', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    await expect(startSimulators(options({ portalPort: port }))).rejects.toThrow(`port ${port} is already in use`);
    await new Promise((resolve) => other.close(resolve));
  });

  it('refuses a speed that makes no sense', async () => {
    await expect(startSimulators(options({ speed: -1 }))).rejects.toThrow(RangeError);
  });

  it('serves the portal and its control on this machine, and stops with a request still hanging', async () => {
    const simulators = await startSimulators(options());
    const { portalUrl } = simulators;
    expect(await (await fetch(`${portalUrl}/login`)).text()).toContain('auth_key');
    const persona = await fetch(`${portalUrl}/_control/accounts/blueridge`, {
      method: 'PUT',
      body: JSON.stringify({ persona: 'hang_login' }),
    });
    expect(persona.status).toBe(200);
    const page = await fetch(`${portalUrl}/login`);
    const token = /_csrf"\s+value="([^"]+)/.exec(await page.text())?.[1] ?? '';
    const cookie = page.headers
      .getSetCookie()
      .map((line) => line.split(';')[0])
      .join('; ');
    const hanging = fetch(`${portalUrl}/login`, {
      method: 'POST',
      headers: { Cookie: cookie },
      body: new URLSearchParams({ _csrf: token, auth_key: 'blueridge', password: 'x' }),
    }).then(
      () => 'answered',
      () => 'cut',
    );
    await expect.poll(() => simulators.stats().portal.concurrentNow).toBe(1);
    await simulators.stop();
    expect(['answered', 'cut']).toContain(await hanging);
    await expect(fetch(`${portalUrl}/login`)).rejects.toThrow();
  });

  it('is the same world after a restart with the same anchor', async () => {
    const now = () => Date.UTC(2026, 10, 25);
    const seen: unknown[] = [];
    for (let run = 0; run < 2; run += 1) {
      const simulators = await startSimulators(options({ now }));
      const trucks = simulators.world.trucksOf('Cascade Carriers');
      seen.push(trucks.map((truck) => [simulators.world.position(truck), simulators.world.faults(truck)]));
      await simulators.stop();
    }
    expect(seen[0]).toEqual(seen[1]);
  });

  it('dates what the shop did in real time, never in the future', async () => {
    const nowMs = Date.UTC(2026, 10, 21);
    const simulators = await startSimulators(options({ now: () => nowMs }));
    const { world } = simulators;
    const events = world
      .trucksOf('Blue Ridge Freight')
      .flatMap((truck) => world.shopEvents(truck, nowMs - 86_400_000, nowMs));
    await simulators.stop();
    // One real day at speed 60 is two months of wear.
    expect(events.length).toBeGreaterThan(40);
    for (const event of events) {
      expect(event.reportedMs).toBeLessThanOrEqual(nowMs);
      expect(event.reportedMs).toBeGreaterThanOrEqual(nowMs - 86_400_001);
      expect(event.odometerMiles).toBeGreaterThan(0);
    }
  });
});
