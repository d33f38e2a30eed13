/** From an accepted POST to the frame on a socket, with a fleet of 1,000 or more trucks in the room. */
import type { DeltaMessage, LiveTicket, ServerMessage } from '#contracts/live';
import type { Vehicle } from '#contracts/vehicles';
import { Client, control, sleep } from '../test/platform/client.ts';
import type { RunningPlatform } from '../test/platform/start.ts';
import { percentile, type Measurement } from './measurement.ts';

const wantedTrucks = 1000;
const rounds = 40;

/** Opens a socket, says hello, acknowledges everything, and hands each delta on. */
async function follow(client: Client, onDelta: (delta: DeltaMessage) => void): Promise<WebSocket> {
  const { url } = (await client.post<LiveTicket>('/live/tickets')).body.data;
  const socket = new WebSocket(url);
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener('error', () => reject(new Error('the live socket failed')));
    socket.addEventListener('open', () => socket.send(JSON.stringify({ type: 'hello', protocol: 1 })));
    socket.addEventListener('message', ({ data }) => {
      const message = JSON.parse(String(data)) as ServerMessage;
      if (message.type === 'snapshot' && message.part === message.parts) resolve();
      if (message.type === 'delta') onDelta(message);
      if (message.type === 'delta' || message.type === 'snapshot') {
        socket.send(JSON.stringify({ type: 'ack', seq: message.seq }));
      }
    });
  });
  return socket;
}

async function fleetOf(client: Client): Promise<Vehicle[]> {
  const vehicles: Vehicle[] = [];
  for (let page = 1; ; page += 1) {
    const { data } = (await client.get<Vehicle[]>(`/vehicles?pageSize=100&sort=unitNumber&page=${page}`)).body;
    vehicles.push(...data);
    if (data.length < 100) return vehicles;
  }
}

export async function measureLive(platform: RunningPlatform): Promise<Measurement[]> {
  const client = await Client.signIn(platform, 'admin@highplains.example');
  await client.idle();
  if ((await fleetOf(client)).length < wantedTrucks) {
    await control(platform, 'PUT', '/clock', { frozen: true });
    await client.useAccount('bulk-2000');
    const run = await client.sync(15 * 60_000);
    if (run.status !== 'succeeded') throw new Error(`the fleet could not be read: ${run.error?.message ?? run.status}`);
    await control(platform, 'PUT', '/clock', { frozen: false });
  }
  const trucks = (await fleetOf(client)).slice(-wantedTrucks);
  const awaited = new Map<string, (at: number) => void>();
  const socket = await follow(client, (delta) => {
    for (const { id, lat } of delta.vehicles) {
      if (lat !== undefined) awaited.get(`${id}:${lat}`)?.(performance.now());
    }
  });
  const delays: number[] = [];
  const fromSending: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const lat = 30 + round / 100;
    const last = trucks.at(-1);
    if (last === undefined) throw new Error('no trucks');
    const received = new Promise<number>((resolve) => awaited.set(`${last.id}:${lat}`, resolve));
    const at = new Date().toISOString();
    const sentAt = performance.now();
    const answer = await client.post('/telemetry/positions', {
      positions: trucks.map(({ id }) => ({ vehicleId: id, at, lat, lon: -100, speedMph: 60, ignition: true })),
    });
    const acceptedAt = performance.now();
    if (answer.status !== 202) throw new Error(JSON.stringify(answer.body));
    const receivedAt = await received;
    // The frame often comes before the answer: then nobody waited for it.
    delays.push(Math.max(0, receivedAt - acceptedAt));
    fromSending.push(receivedAt - sentAt);
    await sleep(500);
  }
  socket.close();
  return [
    { name: 'accepted POST of 1,000 → frame p50', value: percentile(delays, 0.5), unit: 'ms', target: null },
    {
      name: 'accepted POST of 1,000 → frame p99',
      value: percentile(delays, 0.99),
      unit: 'ms',
      target: { relation: '<', value: 1000 },
    },
    { name: 'sent POST of 1,000 → frame p50', value: percentile(fromSending, 0.5), unit: 'ms', target: null },
    { name: 'sent POST of 1,000 → frame p99', value: percentile(fromSending, 0.99), unit: 'ms', target: null },
  ];
}
