import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DeltaMessage, SnapshotMessage } from '#contracts/live';
import { PackedReader } from '#contracts/live-packed';
import { packDelta, packSnapshot } from '#contracts/live-packed-writer';
import type { RoomChange, RoomSeed, VehicleFacts } from './feed.ts';
import { changesSince, deltaFor, isEmptyDelta, snapshotFor, viewerOf, type Viewer } from './live-view.ts';
import {
  alertOf,
  factsOf,
  FoldingClient,
  operation,
  startMs,
  tenantIds,
  Truth,
  viewerRights,
} from '#test/durable-objects/random-world';
import type { Operation } from '#test/durable-objects/random-world';
import { applyChange, applySeed, closeTick, dropSource, pruneLog, recordReadings } from './room-feeds.ts';
import { ageStatuses } from './room-readings.ts';
import { emptyRoom, noOpenTick, type RoomState } from './room-state.ts';

const byId = <T extends { id: string }>(rows: Iterable<T>) => new Map([...rows].map((row) => [row.id, row]));

const asSeen = ({ unitNumber, make, model }: VehicleFacts) => ({ unitNumber, make, model });

type Rights = typeof viewerRights extends fc.Arbitrary<infer T> ? T : never;

interface Served {
  viewer: Viewer;
  client: FoldingClient;
  /** The same viewer in the other encoding. */
  packed: FoldingClient;
  reader: PackedReader;
  heldThrough: number;
}

interface World {
  room: RoomState;
  nowMs: number;
  truths: Map<string, Truth>;
  feeds: RoomChange[];
  heldSeed: RoomSeed | null;
  clients: Served[];
}

/** The room's numbers of vehicles: by id, for good, whatever becomes of the vehicle. */
const numbers = new Map<string, number>();
function numberOf(id: string): number {
  const number = numbers.get(id) ?? numbers.size + 1;
  numbers.set(id, number);
  return number;
}

/** Gives both clients of a viewer the whole picture, each in its encoding. */
function takeWhole(room: RoomState, { viewer, client, packed, reader }: Omit<Served, 'heldThrough'>): void {
  const picture = snapshotFor(room, viewer);
  client.take(room.seq, picture);
  const parts = packSnapshot({ epoch: 'epoch.p', seq: room.seq }, picture, numberOf);
  const messages = parts.map((part) => reader.read(part.buffer as ArrayBuffer) as SnapshotMessage);
  packed.take(room.seq, {
    vehicles: messages.flatMap(({ vehicles }) => vehicles),
    alerts: messages.flatMap(({ alerts }) => alerts),
  });
}

/** Serves one client as sockets do: a delta from what it holds, or a snapshot when that lies before the window. */
function serve(room: RoomState, served: Served, changes: ReturnType<typeof changesSince> | null): void {
  const { viewer, client, packed, reader } = served;
  if (client.seq < room.resumeFloor) takeWhole(room, served);
  else {
    const delta = deltaFor(room, viewer, changes ?? changesSince(room, client.seq, null));
    for (const row of [...delta.vehicles, ...delta.alerts]) {
      if (row.tenantId !== undefined) expect(viewer.tenantIds.has(row.tenantId)).toBe(true);
    }
    for (const id of [...delta.removed, ...delta.alertsClosed]) {
      expect([...viewer.tenantIds].some((tenantId) => id.startsWith(`${tenantId}/`))).toBe(true);
    }
    // Nothing for this viewer: nothing is sent, and its sequence number stays behind the room's.
    if (!isEmptyDelta(delta)) {
      const frame = packDelta({ prev: client.seq, seq: room.seq, ...delta }, numberOf);
      const message = reader.read(frame?.buffer as ArrayBuffer) as DeltaMessage;
      expect(message).toEqual({ type: 'delta', prev: client.seq, seq: room.seq, ...delta });
      client.fold(client.seq, room.seq, delta);
      packed.fold(message.prev, message.seq, message);
    }
  }
  served.heldThrough = room.seq;
  const fresh = snapshotFor(room, viewer);
  expect(client.vehicles).toEqual(byId(fresh.vehicles));
  expect(client.alerts).toEqual(byId(fresh.alerts));
  expect(packed).toEqual(client);
}

function step(world: World, operation: Operation): void {
  const { room, truths, feeds } = world;
  const truthOf = (tenantId: string) => truths.get(tenantId) ?? new Truth(tenantId);
  switch (operation.op) {
    case 'vehicle': {
      const { tenant, vehicle, facts } = operation;
      feeds.push(truthOf(tenant).commit({ vehicles: [factsOf(tenant, vehicle, facts)] }));
      break;
    }
    case 'remove':
      feeds.push(
        truthOf(operation.tenant).commit({ removedVehicleIds: [`${operation.tenant}/v${operation.vehicle}`] }),
      );
      break;
    case 'alert': {
      const { tenant, vehicle, status, of } = operation;
      const vehicleId = of === null ? null : `${tenant}/v${of}`;
      feeds.push(truthOf(tenant).commit({ alerts: [alertOf(tenant, vehicle, { status, vehicleId })] }));
      break;
    }
    case 'deliver': {
      if (feeds.length === 0) break;
      const at = operation.at % feeds.length;
      const [feed] = operation.isRepeated ? feeds.slice(at, at + 1) : feeds.splice(at, 1);
      if (feed) applyChange(room, feed);
      break;
    }
    case 'lose':
      if (feeds.length > 0) feeds.splice(operation.at % feeds.length, 1);
      break;
    case 'seed':
      applySeed(room, truthOf(operation.tenant).seed(), world.nowMs);
      break;
    case 'holdSeed':
      // A seed read now and delivered later, when others have overtaken it.
      if (world.heldSeed) applySeed(room, world.heldSeed, world.nowMs);
      world.heldSeed = truthOf(operation.tenant).seed();
      break;
    case 'drop':
      dropSource(room, operation.tenant);
      break;
    case 'reading': {
      const { tenant, vehicle, ageMinutes, speedMph, ignition } = operation;
      const at = new Date(world.nowMs - ageMinutes * 60_000).toISOString();
      const reading = { at, lat: vehicle, lon: ageMinutes, speedMph, heading: null, ignition };
      const rest = { odometerMiles: null, engineHours: null, fuelPercent: null };
      const readings = [{ vehicleId: `${tenant}/v${vehicle}`, ...reading, ...rest }];
      recordReadings(room, { sourceTenantId: tenant, readings }, world.nowMs);
      break;
    }
    case 'wait':
      world.nowMs += operation.minutes * 60_000;
      ageStatuses(room, world.nowMs);
      break;
    case 'tick': {
      const tick = closeTick(room);
      const exact = tick && room.seq - 1 >= room.resumeFloor ? changesSince(room, room.seq - 1, tick) : null;
      world.clients.forEach((served, at) => {
        if (operation.served[at]) serve(room, served, served.heldThrough === room.seq - 1 ? exact : null);
      });
      break;
    }
    case 'evict':
      room.tick = noOpenTick(false);
      for (const entry of world.clients) entry.heldThrough = entry.client.seq;
      break;
    case 'prune':
      pruneLog(room, operation.window);
      break;
  }
}

function newWorld(rights: readonly Rights[]): World {
  const room = emptyRoom('own', 'epoch');
  return {
    room,
    nowMs: startMs,
    truths: new Map(tenantIds.map((tenantId) => [tenantId, new Truth(tenantId)])),
    feeds: [],
    heldSeed: null,
    clients: rights.map(({ filter, ...principal }) => {
      const viewer = viewerOf(principal, filter);
      const clients = { client: new FoldingClient(), packed: new FoldingClient(), reader: new PackedReader() };
      const served = { viewer, ...clients, heldThrough: room.seq };
      takeWhole(room, served);
      return served;
    }),
  };
}

describe('folding snapshot and deltas', () => {
  it('gives every viewer what a fresh snapshot would, in both encodings, whatever happened and whatever was merged', () => {
    fc.assert(
      fc.property(
        fc.array(viewerRights, { minLength: 1, maxLength: 8, size: 'max' }),
        fc.array(operation, { minLength: 1, maxLength: 120, size: 'max' }),
        (rights, operations) => {
          const world = newWorld(rights);
          for (const truth of world.truths.values()) applySeed(world.room, truth.seed(), world.nowMs);
          for (const next of operations) step(world, next);
          step(world, { op: 'tick', served: Array.from({ length: 8 }, () => true) });
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('a wall', () => {
  it('shows no full VIN and no phone number, whichever word of a vehicle holds one', () => {
    const vin = '1XKYDP9X0RJ000001';
    const room = emptyRoom('own', 'epoch');
    const facts = (riskScore: number) =>
      factsOf('own', 1, { unitNumber: vin, make: `Kenworth ${vin}`, model: 'ask (303) 555-0142', riskScore });
    applySeed(room, { sourceTenantId: 'own', counter: 1, vehicles: [facts(1)], alerts: [], readings: [] }, startMs);
    closeTick(room);
    const prev = room.seq;
    const change = { sourceTenantId: 'own', counters: [2], removedVehicleIds: [], alerts: [] };
    applyChange(room, { ...change, vehicles: [facts(2)] });
    closeTick(room);
    const rights = { tenantIds: ['own'], onlyAssignedTo: null };
    const wall = viewerOf({ ...rights, kind: 'display' });
    const masked = { unitNumber: '…RJ000001', make: 'Kenworth …RJ000001', model: 'ask [phone]', riskScore: 2 };
    expect(snapshotFor(room, wall).vehicles).toMatchObject([masked]);
    expect(deltaFor(room, wall, changesSince(room, prev, null)).vehicles).toMatchObject([masked]);
    expect(snapshotFor(room, viewerOf({ ...rights, kind: 'user' })).vehicles).toMatchObject([facts(2)].map(asSeen));
  });
});

describe('feeds in any order', () => {
  it('end in the committed truth once all have come, or a seed has', () => {
    fc.assert(
      fc.property(
        fc.array(operation, { minLength: 1, maxLength: 120, size: 'max' }),
        fc.boolean(),
        (operations, mayLose) => {
          const world = newWorld([]);
          for (const truth of world.truths.values()) applySeed(world.room, truth.seed(), world.nowMs);
          let isLossless = true;
          for (const next of operations) {
            if (!mayLose && (next.op === 'lose' || next.op === 'drop')) continue;
            if (next.op === 'lose' || next.op === 'drop') isLossless = false;
            step(world, next);
          }
          for (const feed of world.feeds.toReversed()) applyChange(world.room, feed);
          for (const [tenantId, truth] of world.truths) {
            if (!isLossless) applySeed(world.room, truth.seed(), world.nowMs);
            const facts = [...world.room.vehicles.values()].map((entry) => entry.facts);
            const alerts = [...world.room.alerts.values()].map((entry) => entry.alert);
            expect(byId(facts.filter((row) => row.tenantId === tenantId))).toEqual(truth.vehicles);
            expect(byId(alerts.filter((row) => row.tenantId === tenantId))).toEqual(truth.alerts);
            expect(world.room.sources.get(tenantId)).toEqual({ heardThrough: truth.counter, ahead: new Set() });
          }
          expect(world.room.tombstones.size).toBe(0);
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
