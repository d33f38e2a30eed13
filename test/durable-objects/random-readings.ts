/** For tests of a room's readings: one small fleet of its own, one of a linked customer, and what gateways say of them. */
import fc from 'fast-check';
import { asKept } from '#contracts/reading-scales';
import { liveForMs, type Reading } from '#contracts/telemetry';
import { reduce } from '#durable-objects/fleet-room/room-reducer';
import { emptyRoom, type RoomState } from '#durable-objects/fleet-room/room-state';
import { factsOf, startMs } from './random-world.ts';

export const uuid = (n: number) => `01940000-0000-7000-8000-${n.toString(16).padStart(12, '0')}`;
export const own = uuid(0xa001);
export const linked = uuid(0xa002);
export const minuteMs = 60_000;
export const fleet = 6;
export const ownId = (n: number) => uuid(0x10 + n);
export const linkedId = (n: number) => uuid(0x20 + n);
export const vinOf = (n: number) => `1XKYD49X0NJ0000${String(n).padStart(2, '0')}`;
export const ownTruck = (n: number) => factsOf(own, n, { id: ownId(n), vin: vinOf(n) });
export const linkedTruck = (n: number) => factsOf(linked, n, { id: linkedId(n), vin: vinOf(n) });

export const numbers = Array.from({ length: fleet }, (_, n) => n);
export function seededRoom(): RoomState {
  const room = emptyRoom(own, 'epoch');
  for (const [sourceTenantId, truck] of [
    [own, ownTruck],
    [linked, linkedTruck],
  ] as const) {
    const seed = { sourceTenantId, counter: 1, vehicles: numbers.map(truck), alerts: [], readings: [] };
    reduce(room, { kind: 'seed', seed }, startMs);
  }
  return room;
}

const some = <T>(values: fc.Arbitrary<T>) => fc.option(values, { nil: null });
const readingAt = (ageMinutes: fc.Arbitrary<number>): fc.Arbitrary<Reading> =>
  fc
    .record({
      ageMinutes,
      lat: fc.integer({ min: -90, max: 90 }),
      speedMph: some(fc.constantFrom(0, 55.5)),
      ignition: some(fc.boolean()),
      odometerMiles: some(fc.integer({ min: 0, max: 9 })),
      engineHours: some(fc.integer({ min: 0, max: 9 })),
    })
    .map(({ ageMinutes: age, ...rest }) =>
      asKept({
        at: new Date(startMs - age * minuteMs).toISOString(),
        ...{ lon: 1.5, heading: null, fuelPercent: null },
        ...rest,
      }),
    );

export interface Sent {
  vehicle: number;
  by: 'id' | 'vin' | 'both';
  reading: Reading;
}
export const sent: fc.Arbitrary<Sent> = fc.record({
  vehicle: fc.nat({ max: fleet - 1 }),
  by: fc.constantFrom('id', 'vin', 'both'),
  reading: readingAt(
    fc.oneof(
      fc.integer({ min: 0, max: 3_000 }),
      // Beyond what a live picture takes, however early it comes.
      fc.integer({ min: liveForMs / minuteMs + 1, max: liveForMs / minuteMs + 3_000 }),
    ),
  ),
});
export const named = ({ vehicle, by, reading }: Sent) => ({
  vehicleId: by === 'vin' ? null : ownId(vehicle),
  vin: by === 'id' ? null : vinOf(vehicle),
  reading,
});

export const still: Reading = {
  ...{ at: '', lat: 1, lon: 2, speedMph: 0, heading: null, ignition: null },
  ...{ odometerMiles: null, engineHours: null, fuelPercent: null },
};
export const at = (minutes: number, patch: Partial<Reading> = {}): Reading => ({
  ...still,
  at: new Date(startMs + minutes * minuteMs).toISOString(),
  ...patch,
});
