/** The main job: a fault appears on the portal's page, and after one sync it stands on every open screen. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Alert } from '#contracts/alerts';
import type { Fault } from '#contracts/faults';
import type { Prediction } from '#contracts/risk';
import type { FleetExport, Vehicle } from '#contracts/vehicles';
import { closeBrowser, control, signIn, signedInPage, type Client } from './platform.ts';

let client: Client;

beforeAll(async () => {
  client = await signIn('admin@highplains.example');
  await control('PUT', '/clock', { frozen: true });
  await client.sync();
});
afterEach(() => control('DELETE', '/faults'));
afterAll(async () => {
  await control('PUT', '/clock', { frozen: false });
  await closeBrowser();
});

/** A truck with nothing wrong, so that a new fault is the only news. */
async function healthyTruck(): Promise<Vehicle> {
  const { data } = (await client.get<Vehicle[]>('/vehicles?sort=riskScore&pageSize=50')).body;
  const found = data.find((vehicle) => vehicle.activeFaultCount === 0 && vehicle.riskLevel === 'low');
  if (found === undefined) throw new Error('every truck has a fault');
  return found;
}

const oilPressure = { spn: 100, fmi: 1, sourceAddress: 0, description: 'Engine Oil Pressure', isActive: true };

describe('a fault on the portal’s page', () => {
  test('is stored, scored, alerted and shown live on dashboard and display, and clears again', async () => {
    const truck = await healthyTruck();
    const alertsPage = await signedInPage('admin@highplains.example', '/alerts');
    const display = await signedInPage('admin@highplains.example', '/display', { width: 1920, height: 1080 });
    await expect.poll(() => alertsPage.getByText('Live').first().isVisible(), { timeout: 15_000 }).toBe(true);
    expect(await display.getByText(truck.unitNumber, { exact: true }).count()).toBe(0);

    await control('POST', '/faults', { vin: truck.vin, ...oilPressure, occurrenceCount: 3 });
    const run = await client.sync();
    const finishedAt = Date.now();
    expect(run).toMatchObject({ status: 'succeeded', error: null, counts: { faultsOpened: 1, vehiclesSeen: 25 } });
    expect(run.counts.alertsOpened).toBeGreaterThanOrEqual(1);

    await expect
      .poll(() => display.getByText(truck.unitNumber, { exact: true }).count(), { timeout: 5000 })
      .toBeGreaterThan(0);
    await expect.poll(() => alertsPage.getByText(truck.unitNumber).count(), { timeout: 5000 }).toBeGreaterThan(0);
    // Polling has its own steps; a second on top of the run is what a person would accept.
    expect(Date.now() - finishedAt).toBeLessThan(2500);

    const faults = (await client.get<Fault[]>(`/vehicles/${truck.id}/fault-codes?active=true`)).body.data;
    expect(faults).toMatchObject([{ spn: 100, fmi: 1, severity: 'critical', system: 'engine', occurrenceCount: 3 }]);
    const [prediction] = (await client.get<Prediction[]>(`/vehicles/${truck.id}/predictions`)).body.data;
    expect(prediction).toMatchObject({
      riskLevel: 'critical',
      recommendedAction: 'pull_over',
      // The demo fleets have been watched since January: there is a forecast, and nearer is never likelier.
      failureProbability: { days7: expect.any(Number), days30: expect.any(Number), days90: expect.any(Number) },
      dataStatus: 'ok',
    });
    const { days7 = 1, days30 = 0, days90 = 0 } = prediction?.failureProbability ?? {};
    expect(days7 <= days30 && days30 <= days90).toBe(true);
    const alerts = (await client.get<Alert[]>(`/alerts?vehicleId=${truck.id}&status=open`)).body.data;
    expect(alerts.map((alert) => alert.type).sort()).toEqual(['fault', 'risk']);

    await control('DELETE', '/faults');
    expect(await client.sync()).toMatchObject({ status: 'succeeded', counts: { faultsCleared: 1 } });
    expect((await client.get<Alert[]>(`/alerts?vehicleId=${truck.id}&status=open`)).body.data).toEqual([]);
    await expect.poll(() => alertsPage.getByText(truck.unitNumber).count(), { timeout: 5000 }).toBe(0);
    await alertsPage.context().close();
    await display.context().close();
  });

  test('a dealer linked to the fleet sees it too, an unlinked fleet does not', async () => {
    const truck = await healthyTruck();
    await control('POST', '/faults', { vin: truck.vin, ...oilPressure, occurrenceCount: 1 });
    await client.sync();
    const dealer = await signIn('service@summit.example');
    expect((await dealer.get<Vehicle>(`/vehicles/${truck.id}`)).body.data.riskLevel).toBe('critical');
    expect((await dealer.get<Alert[]>(`/alerts?vehicleId=${truck.id}`)).body.meta?.total).toBeGreaterThan(0);
    const stranger = await signIn('admin@cascade.example');
    expect((await stranger.get(`/vehicles/${truck.id}`)).status).toBe(404);
    expect((await stranger.get<Alert[]>(`/alerts?vehicleId=${truck.id}`)).body.meta?.total).toBe(0);
  });

  test('running again without news changes nothing', async () => {
    await client.sync();
    const before = (await client.get<FleetExport>('/exports/fleet')).body.data;
    const run = await client.sync();
    expect(run.counts).toMatchObject({
      vehiclesCreated: 0,
      vehiclesChanged: 0,
      faultsOpened: 0,
      faultsCleared: 0,
      alertsOpened: 0,
    });
    const after = (await client.get<FleetExport>('/exports/fleet')).body.data;
    const lasting = (fleet: FleetExport) =>
      fleet.vehicles.map((vehicle) => ({
        vin: vehicle.vin,
        updatedAt: vehicle.updatedAt,
        riskScore: vehicle.riskScore,
        faults: vehicle.faults.map(({ lastSeenAt: _lastSeenAt, ...fault }) => fault),
      }));
    expect(lasting(after)).toEqual(lasting(before));
  });
});
