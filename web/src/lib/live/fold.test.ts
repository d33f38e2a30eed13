import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DeltaMessage, LiveAlert, LiveVehicle, ServerMessage, VehicleDelta } from '#contracts/live';
import { idOf, liveAlert, liveVehicle } from '../../../test/builders.ts';
import { emptyFolding, fold, type Folding } from './fold.ts';

interface Room {
  vehicles: Map<string, LiveVehicle>;
  alerts: Map<string, LiveAlert>;
}

const welcome = (epoch: string, seq: number): ServerMessage => ({
  type: 'welcome',
  protocol: 1,
  epoch,
  seq,
  tickMs: 250,
  serverTime: '2026-11-20T09:00:00.000Z',
});

/** A snapshot in parts of `size` vehicles, as the room sends it. */
function snapshots(room: Room, epoch: string, seq: number, size: number): ServerMessage[] {
  const vehicles = [...room.vehicles.values()];
  const parts = Math.max(1, Math.ceil(vehicles.length / size));
  return Array.from({ length: parts }, (_, index) => ({
    type: 'snapshot' as const,
    epoch,
    seq,
    part: index + 1,
    parts,
    vehicles: vehicles.slice(index * size, (index + 1) * size),
    alerts: index === parts - 1 ? [...room.alerts.values()] : [],
  }));
}

const changedFields = (from: LiveVehicle, to: LiveVehicle): VehicleDelta =>
  Object.fromEntries(
    Object.entries(to).filter(([key, value]) => key === 'id' || from[key as keyof LiveVehicle] !== value),
  ) as VehicleDelta;

/** The delta between two states of a room: what changed, whole when new. */
function delta(from: Room, to: Room, prev: number, seq: number): DeltaMessage {
  const vehicles: VehicleDelta[] = [];
  for (const [id, next] of to.vehicles) {
    const before = from.vehicles.get(id);
    const change = before === undefined ? next : changedFields(before, next);
    if (Object.keys(change).length > 1) vehicles.push(change);
  }
  return {
    type: 'delta',
    prev,
    seq,
    vehicles,
    removed: [...from.vehicles.keys()].filter((id) => !to.vehicles.has(id)),
    alerts: [...to.alerts.values()].filter((alert) => from.alerts.get(alert.id) !== alert),
    alertsClosed: [...from.alerts.keys()].filter((id) => !to.alerts.has(id)),
  };
}

function foldAll(start: Folding, messages: ServerMessage[]): Folding {
  return messages.reduce((folding, message) => fold(folding, message).folding, start);
}

const vehicleArbitrary = fc.record({
  n: fc.integer({ min: 1, max: 8 }),
  riskScore: fc.option(fc.integer({ min: 0, max: 100 })),
  status: fc.constantFrom('moving' as const, 'idle' as const, 'stale' as const),
  lat: fc.option(fc.integer({ min: -90, max: 90 })),
  make: fc.option(fc.constantFrom('Kenworth', 'Peterbilt')),
});
const alertArbitrary = fc.record({
  n: fc.integer({ min: 1, max: 6 }),
  severity: fc.constantFrom('critical' as const, 'minor' as const),
  occurrenceCount: fc.integer({ min: 1, max: 5 }),
});
const roomArbitrary: fc.Arbitrary<Room> = fc
  .record({
    vehicles: fc.array(vehicleArbitrary, { maxLength: 10 }),
    alerts: fc.array(alertArbitrary, { maxLength: 6 }),
  })
  .map(({ vehicles, alerts }) => ({
    vehicles: new Map(vehicles.map(({ n, ...rest }) => [idOf(n), liveVehicle(n, rest)])),
    alerts: new Map(alerts.map(({ n, ...rest }) => [liveAlert(n).id, liveAlert(n, rest)])),
  }));

const sorted = <T extends { id: string }>(items: Iterable<T>): T[] =>
  [...items].sort((a, b) => a.id.localeCompare(b.id));

describe('fold', () => {
  it('refuses a delta before any snapshot', () => {
    const room: Room = { vehicles: new Map(), alerts: new Map() };
    const outcome = fold(foldAll(emptyFolding, [welcome('e', 0)]), delta(room, room, 0, 1));
    expect(outcome.kind).toBe('out_of_step');
  });

  it('refuses a delta whose prev is not what is held, and keeps the picture', () => {
    const room: Room = { vehicles: new Map([[idOf(1), liveVehicle(1)]]), alerts: new Map() };
    const held = foldAll(emptyFolding, [welcome('e', 7), ...snapshots(room, 'e', 7, 500)]);
    const outcome = fold(held, delta(room, { vehicles: new Map(), alerts: new Map() }, 8, 9));
    expect(outcome.kind).toBe('out_of_step');
    expect(outcome.folding.picture.vehicles.size).toBe(1);
    expect(outcome.folding.picture.seq).toBe(7);
  });

  it('refuses half of a vehicle that it has never seen', () => {
    const held = foldAll(emptyFolding, [
      welcome('e', 1),
      ...snapshots({ vehicles: new Map(), alerts: new Map() }, 'e', 1, 500),
    ]);
    const message: DeltaMessage = {
      type: 'delta',
      prev: 1,
      seq: 2,
      vehicles: [{ id: idOf(5), riskScore: 80 }],
      removed: [],
      alerts: [],
      alertsClosed: [],
    };
    expect(fold(held, message).kind).toBe('out_of_step');
  });

  it('refuses a delta of another epoch until a snapshot has come', () => {
    const room: Room = { vehicles: new Map([[idOf(1), liveVehicle(1)]]), alerts: new Map() };
    const held = foldAll(emptyFolding, [welcome('old', 3), ...snapshots(room, 'old', 3, 500), welcome('new', 3)]);
    expect(fold(held, delta(room, room, 3, 4)).kind).toBe('out_of_step');
    expect(held.picture.epoch).toBe('old');
  });

  it('refuses a snapshot whose parts do not follow each other', () => {
    const room: Room = {
      vehicles: new Map([1, 2, 3].map((n) => [idOf(n), liveVehicle(n)])),
      alerts: new Map(),
    };
    const [first, , third] = snapshots(room, 'e', 1, 1);
    if (first === undefined || third === undefined) throw new Error('three parts expected');
    const afterFirst = fold(foldAll(emptyFolding, [welcome('e', 1)]), first);
    expect(afterFirst.kind).toBe('waiting');
    expect(fold(afterFirst.folding, third).kind).toBe('out_of_step');
  });

  it('shows nothing of a snapshot before its last part', () => {
    const room: Room = { vehicles: new Map([1, 2].map((n) => [idOf(n), liveVehicle(n)])), alerts: new Map() };
    const [first] = snapshots(room, 'e', 1, 1);
    if (first === undefined) throw new Error('two parts expected');
    expect(foldAll(emptyFolding, [welcome('e', 1), first]).picture.vehicles.size).toBe(0);
  });

  it('folding a snapshot and every delta gives what a fresh snapshot gives', () => {
    fc.assert(
      fc.property(
        fc.array(roomArbitrary, { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 1, max: 4 }),
        (rooms, size) => {
          const first = rooms[0];
          if (first === undefined) return;
          let folding = foldAll(emptyFolding, [welcome('e', 0), ...snapshots(first, 'e', 0, size)]);
          rooms.forEach((room, seq) => {
            const before = rooms[seq - 1];
            if (before === undefined) return;
            const outcome = fold(folding, delta(before, room, seq - 1, seq));
            expect(outcome.kind).toBe('applied');
            folding = outcome.folding;
          });
          const last = rooms.at(-1) ?? first;
          const fresh = foldAll(emptyFolding, [
            welcome('e', rooms.length - 1),
            ...snapshots(last, 'e', rooms.length - 1, size),
          ]);
          expect(folding.picture.seq).toBe(fresh.picture.seq);
          expect(sorted(folding.picture.vehicles.values())).toEqual(sorted(fresh.picture.vehicles.values()));
          expect(sorted(folding.picture.alerts.values())).toEqual(sorted(fresh.picture.alerts.values()));
        },
      ),
    );
  });

  it('one merged delta after a resume equals the deltas it merges', () => {
    fc.assert(
      fc.property(roomArbitrary, roomArbitrary, roomArbitrary, (a, b, c) => {
        const start = foldAll(emptyFolding, [welcome('e', 0), ...snapshots(a, 'e', 0, 500)]);
        const stepwise = foldAll(start, [delta(a, b, 0, 1), delta(b, c, 1, 2)]);
        const merged = foldAll(start, [welcome('e', 2), delta(a, c, 0, 2)]);
        expect(sorted(merged.picture.vehicles.values())).toEqual(sorted(stepwise.picture.vehicles.values()));
        expect(sorted(merged.picture.alerts.values())).toEqual(sorted(stepwise.picture.alerts.values()));
      }),
    );
  });

  it('never changes the picture it was given', () => {
    fc.assert(
      fc.property(roomArbitrary, roomArbitrary, (a, b) => {
        const start = foldAll(emptyFolding, [welcome('e', 0), ...snapshots(a, 'e', 0, 500)]);
        const before = structuredClone([...start.picture.vehicles.values()]);
        fold(start, delta(a, b, 0, 1));
        expect([...start.picture.vehicles.values()]).toEqual(before);
      }),
    );
  });
});
