import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { alertSeverities, alertStatuses, alertTypes } from './alerts.ts';
import { liveLimits, type DeltaMessage, type LiveAlert, type LiveVehicle, type SnapshotMessage } from './live.ts';
import { PackedReader, packedHeaderBytes, readPackedHeader } from './live-packed.ts';
import { packDelta, packSnapshot } from './live-packed-writer.ts';
import { fromSteps } from './reading-scales.ts';
import { recommendedActions, riskLevels } from './risk.ts';
import { vehicleStatuses } from './vehicles.ts';

const bufferOf = (bytes: Uint8Array | null): ArrayBuffer => {
  if (bytes === null) throw new Error('no frame');
  return bytes.buffer as ArrayBuffer;
};
/** As JSON would carry it: there is one zero. */
const asJson = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

const text = fc.oneof(fc.string({ maxLength: 12 }), fc.constantFrom('Kenworth', 'T680', 'Ünit 7 — “β”', '\u0000"\\'));
const id = fc.oneof({ weight: 9, arbitrary: fc.uuid() }, { weight: 1, arbitrary: text });
/** Readings as they are kept, and some that never were rounded. */
const scaled = (field: 'lat' | 'lon' | 'heading' | 'speedMph', most: number, least = 0) =>
  fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: least, max: most }).map((steps) => fromSteps(field, steps)) },
    { weight: 1, arbitrary: fc.double({ min: -200, max: 1e9, noNaN: true }) },
    { weight: 1, arbitrary: fc.constant(null) },
  );
const nowMs = Date.parse('2026-11-20T09:00:00.000Z');
const time = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: -60_000, max: 0 }).map((ms) => new Date(nowMs + ms).toISOString()) },
  { weight: 2, arbitrary: fc.date({ noInvalidDate: true }).map((at) => at.toISOString()) },
  { weight: 1, arbitrary: fc.constantFrom('2026-11-20T09:00:00Z', '2026-11-20T09:00:00.1Z', 'never') },
);
const score = fc.option(fc.oneof(fc.integer({ min: 0, max: 100 }), fc.double({ min: 0, max: 100, noNaN: true })));
const count = fc.oneof(fc.nat({ max: 9 }), fc.constantFrom(65_535, 65_536, 1.5, -1));

const vehicle: fc.Arbitrary<LiveVehicle> = fc.record({
  id,
  tenantId: id,
  unitNumber: text,
  make: fc.option(text),
  model: fc.option(text),
  status: fc.constantFrom(...vehicleStatuses),
  lat: scaled('lat', 900_000_000, -900_000_000),
  lon: scaled('lon', 1_800_000_000, -1_800_000_000),
  heading: scaled('heading', 36_000),
  speedMph: scaled('speedMph', 65_535),
  at: fc.option(time),
  healthScore: score,
  riskScore: score,
  riskLevel: fc.option(fc.constantFrom(...riskLevels)),
  recommendedAction: fc.option(fc.constantFrom(...recommendedActions)),
  activeFaultCount: count,
  openAlertCount: count,
});
const alert: fc.Arbitrary<LiveAlert> = fc.record({
  id,
  tenantId: id,
  vehicleId: fc.option(id),
  type: fc.constantFrom(...alertTypes),
  severity: fc.constantFrom(...alertSeverities),
  status: fc.constantFrom(...alertStatuses),
  title: text,
  openedAt: time,
  occurrenceCount: fc.nat(),
  dueAt: fc.option(time),
});

/** Numbers as the room gives them. */
function numbering() {
  const numbers = new Map<string, number>();
  return (vehicleId: string) => {
    const number = numbers.get(vehicleId) ?? numbers.size + 1;
    numbers.set(vehicleId, number);
    return number;
  };
}
const readAll = (reader: PackedReader, parts: Uint8Array[]) =>
  parts.map((part) => reader.read(bufferOf(part)) as SnapshotMessage);

describe('packed frames', () => {
  it('give back exactly what the JSON would have said, whatever it is', () => {
    const world = fc.record({
      vehicles: fc.uniqueArray(vehicle, { selector: (one) => one.id, maxLength: 12 }),
      alerts: fc.array(alert, { maxLength: 4 }),
      changes: fc.array(fc.tuple(fc.nat(), vehicle, fc.subarray(Object.keys(vehicleKeys) as (keyof LiveVehicle)[]))),
      come: fc.array(vehicle, { maxLength: 3 }),
      lists: fc.record({
        removed: fc.array(id),
        alerts: fc.array(alert, { maxLength: 3 }),
        alertsClosed: fc.array(id),
      }),
      seq: fc.nat(),
      ahead: fc.nat({ max: 20_000 }),
    });
    fc.assert(
      fc.property(world, ({ vehicles, alerts, changes, come, lists, seq, ahead }) => {
        const numberOf = numbering();
        const reader = new PackedReader();
        const parts = readAll(reader, packSnapshot({ epoch: 'e.v.p', seq }, { vehicles, alerts }, numberOf));
        expect(asJson(parts)).toEqual(
          asJson([{ type: 'snapshot', epoch: 'e.v.p', seq, part: 1, parts: 1, vehicles, alerts }]),
        );
        const changed = vehicles.length === 0 ? [] : changes;
        const delta: Omit<DeltaMessage, 'type'> = {
          seq: seq + ahead,
          prev: seq,
          vehicles: [
            ...changed.map(([at, patch, fields]) => ({
              ...Object.fromEntries(fields.map((field) => [field, patch[field]])),
              id: vehicles[at % vehicles.length]?.id ?? '',
            })),
            ...come,
          ],
          ...lists,
        };
        const frame = bufferOf(packDelta(delta, numberOf));
        expect(asJson(reader.read(frame))).toEqual(asJson({ type: 'delta', ...delta }));
        expect(readPackedHeader(frame.slice(0, packedHeaderBytes))).toEqual({
          kind: 'delta',
          seq: delta.seq,
          prev: seq,
          part: 1,
          parts: 1,
          counts: {
            vehicles: delta.vehicles.length,
            removed: lists.removed.length,
            alerts: lists.alerts.length,
            alertsClosed: lists.alertsClosed.length,
          },
        });
      }),
      { numRuns: 1_000 },
    );
  });

  it('a reader made of another’s numbers goes on where that one was', () => {
    const one = liveVehicle(1);
    const numberOf = numbering();
    const first = new PackedReader();
    readAll(first, packSnapshot({ epoch: 'e', seq: 1 }, { vehicles: [one], alerts: [] }, numberOf));
    const frame = bufferOf(
      packDelta(
        { seq: 2, prev: 1, vehicles: [{ id: one.id, lat: 1 }], removed: [], alerts: [], alertsClosed: [] },
        numberOf,
      ),
    );
    expect(new PackedReader(first.numbers).read(frame)).toMatchObject({ vehicles: [{ id: one.id, lat: 1 }] });
    expect(() => new PackedReader().read(frame)).toThrow('never introduced');
  });

  it('a moving vehicle takes a quarter of its JSON, alone in a frame or one of a thousand', () => {
    for (const count of [1, 1_000]) {
      const vehicles = Array.from({ length: count }, (_, n) => {
        const { id: vehicleId, lat, lon, heading, speedMph, at } = liveVehicle(n);
        return { id: vehicleId, lat, lon, heading, speedMph, at };
      });
      const delta = { seq: 1_000, prev: 999, vehicles, removed: [], alerts: [], alertsClosed: [] };
      const packed = packDelta(delta, numbering())?.length ?? 0;
      expect(packed).toBe(36 + 20 * count);
      expect(packed).toBeLessThan(JSON.stringify({ type: 'delta', ...delta }).length / 4);
    }
  });

  it('a large picture comes in frames of at most a megabyte, with all its alerts at the end', () => {
    const vehicles = Array.from({ length: 1_200 }, (_, n) => liveVehicle(n, { unitNumber: `U${n}`.padEnd(400, 'ö') }));
    const alerts = Array.from({ length: 6_000 }, (_, n) => liveAlert(n));
    const parts = packSnapshot({ epoch: 'e', seq: 5 }, { vehicles, alerts }, numbering());
    expect(Math.max(...parts.map(({ length }) => length))).toBeLessThanOrEqual(liveLimits.maxPackedFrameBytes);
    const read = readAll(new PackedReader(), parts);
    expect(read.map(({ part }) => part)).toEqual(parts.map((_, at) => at + 1));
    expect(read.flatMap((part) => part.vehicles)).toEqual(vehicles);
    expect(read.at(-1)?.alerts).toEqual(alerts);
    expect(read.slice(0, -1).flatMap((part) => part.alerts)).toEqual([]);
  });

  it('names longer than ever seen make smaller parts; a delta too large for a frame is none', () => {
    const vehicles = Array.from({ length: 500 }, (_, n) => liveVehicle(n, { unitNumber: `${n}`.padEnd(4_000, 'x') }));
    const parts = packSnapshot({ epoch: 'e', seq: 5 }, { vehicles, alerts: [] }, numbering());
    expect(parts.length).toBe(4);
    expect(readAll(new PackedReader(), parts).flatMap((part) => part.vehicles)).toEqual(vehicles);
    expect(packDelta({ seq: 2, prev: 1, vehicles, removed: [], alerts: [], alertsClosed: [] }, numbering())).toBeNull();
  });

  it('are refused when broken, never half believed', () => {
    const frame = bufferOf(
      packSnapshot({ epoch: 'e', seq: 1 }, { vehicles: [liveVehicle(1)], alerts: [] }, numbering())[0] ?? null,
    );
    expect(() => readPackedHeader(new ArrayBuffer(4))).toThrow(TypeError);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat({ max: frame.byteLength - 1 }), fc.nat({ max: 255 }))),
        fc.nat(),
        (hits, cut) => {
          const bytes = new Uint8Array(frame.slice(0));
          for (const [at, byte] of hits) bytes[at] = byte;
          const broken = bytes.buffer.slice(0, cut % (frame.byteLength + 1));
          try {
            expect(new PackedReader().read(broken).vehicles).toBeInstanceOf(Array);
          } catch (cause) {
            expect(cause).toBeInstanceOf(Error);
          }
        },
      ),
    );
  });
});

describe('the example in docs/live-protocol.md', () => {
  const page = readFileSync(join(import.meta.dirname, '../docs/live-protocol.md'), 'utf8');
  const examples = [...page.matchAll(/```hex\n([\s\S]*?)```\n\n```json\n([\s\S]*?)```/g)].map(([, hex, json]) => ({
    bytes: Uint8Array.from(
      (hex ?? '')
        .split('\n')
        .flatMap((line) => (line.split('|')[0] ?? '').trim().split(/\s+/))
        .filter((pair) => pair !== ''),
      (pair) => Number.parseInt(pair, 16),
    ),
    message: JSON.parse(json ?? '') as SnapshotMessage | DeltaMessage,
  }));

  it('is what the code reads and writes', () => {
    expect(examples.map(({ message }) => message.type)).toEqual(['snapshot', 'delta']);
    const reader = new PackedReader();
    const numberOf = () => 7;
    for (const { bytes, message } of examples) {
      expect(reader.read(bufferOf(bytes))).toEqual(message);
      const written =
        message.type === 'snapshot' ? packSnapshot(message, message, numberOf)[0] : packDelta(message, numberOf);
      expect(written).toEqual(bytes);
    }
  });
});

const vehicleKeys = liveVehicle(0);

function liveVehicle(n: number, patch: Partial<LiveVehicle> = {}): LiveVehicle {
  return {
    id: `01940000-0000-7000-8000-${String(n).padStart(12, '0')}`,
    tenantId: '01940000-0000-7000-8000-ffffffffffff',
    unitNumber: `U${n}`,
    make: 'Kenworth',
    model: 'T680',
    status: 'moving',
    lat: fromSteps('lat', 397_000_000 + n * 1_237),
    lon: fromSteps('lon', -1_049_000_000 - n * 1_733),
    heading: (n % 359) + 0.25,
    speedMph: 55.5,
    at: new Date(nowMs - n * 40).toISOString(),
    healthScore: 90,
    riskScore: 10,
    riskLevel: 'low',
    recommendedAction: 'keep_driving',
    activeFaultCount: 0,
    openAlertCount: 0,
    ...patch,
  };
}

function liveAlert(n: number): LiveAlert {
  return {
    id: `01940000-0000-7000-9000-${String(n).padStart(12, '0')}`,
    tenantId: '01940000-0000-7000-8000-ffffffffffff',
    vehicleId: null,
    type: 'fault',
    severity: 'major',
    status: 'open',
    title: 'DPF soot load high',
    openedAt: '2026-11-20T08:00:00.000Z',
    occurrenceCount: 1,
    dueAt: null,
  };
}
