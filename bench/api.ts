/** Latency of the seven busiest routes at 50 requests a second, open loop: a late answer does not slow the next request. */
import type { Vehicle } from '#contracts/vehicles';
import { Client, sleep } from '../test/platform/client.ts';
import type { RunningPlatform } from '../test/platform/start.ts';
import { percentile, type Measurement } from './measurement.ts';

const requestsPerSecond = 50;
const seconds = 30;

export async function measureApi(platform: RunningPlatform): Promise<Measurement[]> {
  const client = await Client.signIn(platform, 'admin@blueridge.example');
  await client.idle();
  const { data: trucks } = (await client.get<Vehicle[]>('/vehicles?pageSize=40')).body;
  const truck = (turn: number): Vehicle => {
    const found = trucks[turn % trucks.length];
    if (found === undefined) throw new Error('the demo fleet is empty');
    return found;
  };
  const routes: [string, (turn: number) => Promise<{ status: number }>][] = [
    ['GET /vehicles', (turn) => client.get(`/vehicles?pageSize=50&sort=${turn % 2 ? '-riskScore' : 'unitNumber'}`)],
    ['GET /vehicles/:id', (turn) => client.get(`/vehicles/${truck(turn).id}`)],
    ['GET /vehicles/:id/fault-codes', (turn) => client.get(`/vehicles/${truck(turn).id}/fault-codes`)],
    ['GET /vehicles/:id/predictions', (turn) => client.get(`/vehicles/${truck(turn).id}/predictions`)],
    ['GET /alerts', () => client.get('/alerts?status=open&pageSize=50')],
    ['GET /sync/status', () => client.get('/sync/status')],
    [
      'POST /telemetry/positions',
      (turn) =>
        client.post('/telemetry/positions', {
          positions: trucks.map(({ vin }, index) => ({
            vin,
            at: new Date(Date.now() - index).toISOString(),
            lat: 36 + (turn % 100) / 100,
            lon: -79,
            speedMph: 55,
            ignition: true,
          })),
        }),
    ],
  ];
  const samples = new Map<string, number[]>(routes.map(([name]) => [name, []]));
  const failures: string[] = [];
  const pending: Promise<void>[] = [];
  const startedAt = performance.now();
  for (let turn = 0; turn < requestsPerSecond * seconds; turn += 1) {
    const dueAt = startedAt + (turn * 1000) / requestsPerSecond;
    await sleep(Math.max(0, dueAt - performance.now()));
    const [name, request] = routes[turn % routes.length] ?? [];
    if (name === undefined || request === undefined) continue;
    const sentAt = performance.now();
    pending.push(
      request(Math.floor(turn / routes.length)).then(({ status }) => {
        samples.get(name)?.push(performance.now() - sentAt);
        if (status >= 300) failures.push(`${name} ${status}`);
      }),
    );
  }
  await Promise.all(pending);
  if (failures.length > 0) throw new Error(`${failures.length} requests failed: ${[...new Set(failures)].join(', ')}`);
  const all = [...samples.values()].flat();
  const perRoute = [...samples].map(([name, times]): Measurement => ({
    name: `${name} p95`,
    value: percentile(times, 0.95),
    unit: 'ms',
    target: { relation: '<', value: 200 },
  }));
  return [
    { name: 'API p50, 50 requests/s', value: percentile(all, 0.5), unit: 'ms', target: null },
    { name: 'API p95, 50 requests/s', value: percentile(all, 0.95), unit: 'ms', target: { relation: '<', value: 200 } },
    { name: 'API p99, 50 requests/s', value: percentile(all, 0.99), unit: 'ms', target: null },
    ...perRoute,
  ];
}
