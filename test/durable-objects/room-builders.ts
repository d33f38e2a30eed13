/** For tests inside workerd: rooms, people, trucks and feeds with just the fields a test is about. */
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import type { FleetRoom } from '#durable-objects/fleet-room/fleet-room';
import { roomOf } from '#durable-objects/stubs';
import type {
  RoomChange,
  RoomPrincipal,
  RoomSeed,
  VehicleFacts,
  VehicleReading,
} from '#durable-objects/fleet-room/feed';
import { factsOf } from './random-world.ts';

let number = 0;
/** Ids as the contract wants them in filters. */
export const uuid = (n: number) => `01940000-0000-7000-8000-${String(n).padStart(12, '0')}`;

/** A room of its own per test: storage is shared within a file. */
export function newRoom() {
  number += 1;
  const tenantId = uuid(number * 1_000);
  const stub = env.FLEET_ROOM.get(env.FLEET_ROOM.idFromName(tenantId));
  return { tenantId, room: roomOf(env.FLEET_ROOM, tenantId), stub };
}

export const who = (tenantIds: string[], patch: Partial<RoomPrincipal> = {}): RoomPrincipal => ({
  kind: 'user',
  mayWatch: true,
  mayStream: false,
  userId: 'user-1',
  sessionId: 'session-1',
  role: 'fleet_manager',
  tenantIds,
  onlyAssignedTo: null,
  accessAsOf: null,
  ...patch,
});

export const truck = (tenantId: string, n: number, patch: Partial<VehicleFacts> = {}): VehicleFacts =>
  factsOf(tenantId, n, { id: uuid(n), ...patch });

export const seedOf = (tenantId: string, vehicles: VehicleFacts[], patch: Partial<RoomSeed> = {}): RoomSeed => ({
  sourceTenantId: tenantId,
  counter: 10,
  vehicles,
  alerts: [],
  readings: [],
  ...patch,
});

export const changeOf = (tenantId: string, counter: number, patch: Partial<RoomChange>): RoomChange => ({
  sourceTenantId: tenantId,
  counters: [counter],
  vehicles: [],
  removedVehicleIds: [],
  alerts: [],
  ...patch,
});

export const readingOf = (vehicleId: string, atMs: number, patch: Partial<VehicleReading> = {}): VehicleReading => ({
  vehicleId,
  at: new Date(atMs).toISOString(),
  lat: 39.7,
  lon: -105,
  speedMph: 55,
  heading: 90,
  odometerMiles: 1_000,
  engineHours: 20,
  fuelPercent: 50,
  ignition: true,
  ...patch,
});

/** Has the room write what it would on falling quiet, and end its timer, so that it can be evicted as by hibernation. */
export async function fallQuiet(stub: DurableObjectStub): Promise<void> {
  // What clients have just sent is on its way.
  await scheduler.wait(30);
  await runInDurableObject(stub, (instance: FleetRoom) => {
    const room = instance['room'];
    if (room !== null) instance['keep'](room);
    instance['ticker'].stop();
  });
}

/** The room loses its memory at once, with all that it had not written; its sockets live on. */
export const loseMemory = (stub: DurableObjectStub): Promise<void> =>
  runInDurableObject(stub, (instance: FleetRoom) => {
    instance['ticker'].stop();
    Object.assign(instance, { room: null, armedAtMs: null });
  });
