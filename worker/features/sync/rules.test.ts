/** Opening, seeing again, clearing and reopening of faults; meters; and that a second look at the same changes nothing. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ObservedFault, ObservedVehicle } from '#contracts/sync';
import {
  diffSync,
  isSuspicious,
  nextMeter,
  type DescribeFault,
  type KnownFault,
  type KnownVehicle,
  type SyncDiff,
} from './rules.ts';

const vin = '1XKYD49X0NJ100001';
const t1 = '2026-11-20T09:00:00.000Z';
const t2 = '2026-11-20T09:15:00.000Z';
const t3 = '2026-11-20T09:30:00.000Z';

const words: DescribeFault = (spn) =>
  spn === 110
    ? { description: 'Coolant temperature critically high', system: 'cooling', severity: 'critical' }
    : { description: null, system: 'other', severity: 'unknown' };
const options = { describe: words, mayClear: true };

const fault = (changes: Partial<ObservedFault> = {}): ObservedFault => ({
  spn: 110,
  fmi: 0,
  sourceAddress: 0,
  description: 'portal words',
  isActive: true,
  occurrenceCount: 3,
  lamps: null,
  ...changes,
});
const vehicle = (faults: ObservedFault[] | null, changes: Partial<ObservedVehicle> = {}): ObservedVehicle => ({
  vin,
  unitNumber: 'T-1',
  year: 2023,
  make: 'Kenworth',
  model: 'T680',
  engineMake: 'PACCAR',
  engineModel: 'MX-13',
  odometerMiles: 100_000,
  engineHours: 3_000,
  position: null,
  faults,
  ...changes,
});

interface World {
  vehicles: KnownVehicle[];
  faults: KnownFault[];
}
const nothing: World = { vehicles: [], faults: [] };

/** D1 in a few lines: what the store does with a diff. */
function applied(world: World, diff: SyncDiff, observed: ObservedVehicle[], at: string): World {
  const vehicles = world.vehicles.map((known) => ({
    ...known,
    ...diff.updates.find((update) => update.id === known.id),
  }));
  for (const insert of diff.inserts) vehicles.push({ id: `v-${insert.vin}`, faultsReadAt: null, ...insert });
  const writes = new Map(
    [...diff.faultUpdates, ...diff.faultClears, ...diff.reopened].map((write) => [write.id, write]),
  );
  const faults = world.faults.map((known) => ({ ...known, ...writes.get(known.id) }));
  for (const { vin: ofVin, ...insert } of diff.faultInserts) {
    const vehicleId = vehicles.find((known) => known.vin === ofVin)?.id ?? '?';
    const id = `${vehicleId}/${insert.sourceAddress}/${insert.spn}/${insert.fmi}`;
    faults.push({ id, vehicleId, isTelemetryActive: false, ...insert });
  }
  const read = new Set(observed.filter((seen) => seen.faults !== null).map((seen) => seen.vin));
  return { vehicles: vehicles.map((known) => (read.has(known.vin) ? { ...known, faultsReadAt: at } : known)), faults };
}
const sync = (world: World, observed: ObservedVehicle[], at: string, mayClear = true) => {
  const diff = diffSync(world, observed, at, { ...options, mayClear });
  return { diff, world: applied(world, diff, observed, at) };
};
const writes = (diff: SyncDiff) =>
  diff.inserts.length +
  diff.updates.length +
  diff.faultInserts.length +
  diff.faultUpdates.length +
  diff.faultClears.length +
  diff.reopened.length;

describe('a fault', () => {
  it('opens with our words, or with the portal’s when ours are only a number', () => {
    const { diff } = sync(nothing, [vehicle([fault(), fault({ spn: 520_200, occurrenceCount: null })])], t1);
    expect(diff.counts).toEqual({ vehiclesCreated: 1, vehiclesChanged: 0, faultsOpened: 2, faultsCleared: 0 });
    expect(diff.faultInserts[0]).toMatchObject({
      description: 'Coolant temperature critically high',
      severity: 'critical',
      firstSeenAt: t1,
      occurrenceCount: 3,
    });
    expect(diff.faultInserts[1]).toMatchObject({
      description: 'portal words',
      severity: 'unknown',
      occurrenceCount: 1,
    });
  });

  it('seen again without news writes nothing; with a higher count, one row', () => {
    const first = sync(nothing, [vehicle([fault()])], t1).world;
    expect(writes(sync(first, [vehicle([fault()])], t2).diff)).toBe(0);
    expect(writes(sync(first, [vehicle([fault({ occurrenceCount: null })])], t2).diff)).toBe(0);
    expect(writes(sync(first, [vehicle([fault({ occurrenceCount: 1 })])], t2).diff)).toBe(0);
    const { diff } = sync(first, [vehicle([fault({ occurrenceCount: 5 })])], t2);
    expect(diff.faultUpdates).toHaveLength(1);
    expect(diff.faultUpdates[0]).toMatchObject({ occurrenceCount: 5, lastSeenAt: t2, isActive: true });
    expect(diff.changedVehicleIds).toEqual([`v-${vin}`]);
  });

  it('clears when the list was read and it is gone or inactive, keeping when it was last seen', () => {
    const first = sync(nothing, [vehicle([fault()])], t1).world;
    const seenAgain = sync(first, [vehicle([fault()])], t2).world;
    for (const list of [[], [fault({ isActive: false })]]) {
      const { diff } = sync(seenAgain, [vehicle(list)], t3);
      expect(diff.faultClears).toHaveLength(1);
      expect(diff.faultClears[0]).toMatchObject({ isActive: false, clearedAt: t3, lastSeenAt: t2 });
      expect(diff.counts.faultsCleared).toBe(1);
    }
  });

  it('does not clear when the list was not read, or the run is suspicious, or the vehicle was not listed', () => {
    const first = sync(nothing, [vehicle([fault()])], t1).world;
    expect(writes(sync(first, [vehicle(null)], t2).diff)).toBe(0);
    expect(writes(sync(first, [vehicle([])], t2, false).diff)).toBe(0);
    expect(writes(sync(first, [], t2).diff)).toBe(0);
  });

  it('reopens its old row with the first sighting kept', () => {
    let world = sync(nothing, [vehicle([fault()])], t1).world;
    world = sync(world, [vehicle([])], t2).world;
    const { diff, world: after } = sync(world, [vehicle([fault({ occurrenceCount: 1 })])], t3);
    expect(diff.reopened).toHaveLength(1);
    expect(diff.faultInserts).toEqual([]);
    expect(after.faults[0]).toMatchObject({
      isActive: true,
      clearedAt: null,
      reopenCount: 1,
      firstSeenAt: t1,
      lastSeenAt: t3,
      occurrenceCount: 4,
    });
    expect(diff.counts.faultsOpened).toBe(1);
  });

  it('is not the portal’s to clear while telemetry reports it', () => {
    const first = sync(nothing, [vehicle([fault()])], t1).world;
    const both = { ...first, faults: first.faults.map((known) => ({ ...known, isTelemetryActive: true })) };
    const { diff, world } = sync(both, [vehicle([])], t2);
    expect(diff.faultClears).toEqual([]);
    expect(diff.counts.faultsCleared).toBe(0);
    expect(world.faults[0]).toMatchObject({ isActive: true, isPortalActive: false, clearedAt: null });
    expect(writes(sync(world, [vehicle([])], t3).diff)).toBe(0);
  });

  it('that telemetry met first becomes the portal’s too once the portal lists it', () => {
    const first = sync(nothing, [vehicle([fault()])], t1).world;
    const telemetrys = first.faults.map((known) => ({ ...known, isPortalActive: false, isTelemetryActive: true }));
    const { diff, world } = sync({ ...first, faults: telemetrys }, [vehicle([fault()])], t2);
    expect(diff.reopened).toEqual([]);
    expect(world.faults[0]).toMatchObject({ isActive: true, isPortalActive: true, reopenCount: 0 });
    expect(writes(sync(world, [vehicle([fault()])], t3).diff)).toBe(0);
  });

  it('is one fault per controller', () => {
    const { diff } = sync(nothing, [vehicle([fault({ sourceAddress: 0 }), fault({ sourceAddress: 61 })])], t1);
    expect(diff.faultInserts).toHaveLength(2);
  });

  it('met as history is kept as history', () => {
    const { diff, world } = sync(nothing, [vehicle([fault({ isActive: false })])], t1);
    expect(diff.faultInserts[0]).toMatchObject({ isActive: false, clearedAt: t1 });
    expect(diff.counts.faultsOpened).toBe(0);
    expect(writes(sync(world, [vehicle([fault({ isActive: false })])], t2).diff)).toBe(0);
  });

  it('is left alone when another source spoke of it after the page was read', () => {
    const world = sync(nothing, [vehicle([fault()])], t3).world;
    expect(writes(sync(world, [vehicle([])], t2).diff)).toBe(0);
    const cleared = sync(sync(nothing, [vehicle([fault()])], t1).world, [vehicle([])], t3).world;
    expect(writes(sync(cleared, [vehicle([fault()])], t2).diff)).toBe(0);
  });

  it('keeps known lamps when the page says nothing of lamps', () => {
    const lamps = { malfunction: true, redStop: false, amberWarning: false, protect: false };
    const first = sync(nothing, [vehicle([fault({ lamps })])], t1).world;
    expect(writes(sync(first, [vehicle([fault({ lamps: null })])], t2).diff)).toBe(0);
    expect(writes(sync(first, [vehicle([fault({ lamps: { ...lamps, redStop: true } })])], t2).diff)).toBe(1);
  });
});

describe('the vehicle itself', () => {
  it('unknown never overwrites known', () => {
    const first = sync(nothing, [vehicle([])], t1).world;
    const vague = vehicle([], {
      unitNumber: '',
      year: null,
      make: null,
      model: null,
      engineMake: null,
      engineModel: null,
      odometerMiles: null,
      engineHours: null,
    });
    expect(writes(sync(first, [vague], t2).diff)).toBe(0);
    expect(sync(nothing, [vague], t1).diff.inserts[0]?.unitNumber).toBe('NJ100001');
  });

  it('meters rise, survive misreads and follow a replaced unit', () => {
    expect(nextMeter(null, 5)).toBe(5);
    expect(nextMeter(100, null)).toBe(100);
    expect(nextMeter(100, 101)).toBe(101);
    expect(nextMeter(100, 99)).toBe(100);
    expect(nextMeter(100, 50)).toBe(100);
    expect(nextMeter(100, 49)).toBe(49);
  });

  it('listed twice is one vehicle', () => {
    expect(sync(nothing, [vehicle([fault()]), vehicle([fault()])], t1).diff.inserts).toHaveLength(1);
  });
});

it('fewer than half of last time is suspicious, half is not', () => {
  expect([isSuspicious(49, 100), isSuspicious(50, 100), isSuspicious(0, 1), isSuspicious(0, 0)]).toEqual([
    true,
    false,
    true,
    false,
  ]);
});

describe('whatever is read', () => {
  const someFault = fc.record({
    spn: fc.constantFrom(110, 3251, 190),
    fmi: fc.constantFrom(0, 4),
    sourceAddress: fc.constantFrom(0, 61),
    description: fc.constantFrom(null, 'words'),
    isActive: fc.boolean(),
    occurrenceCount: fc.option(fc.nat(9)),
    lamps: fc.constant(null),
  });
  const reading = fc.uniqueArray(
    fc.record({
      n: fc.nat(2),
      faults: fc.option(fc.array(someFault, { maxLength: 5 })),
      odometerMiles: fc.option(fc.nat(1000)),
    }),
    { selector: (row) => row.n },
  );

  it('a second run on the same pages writes nothing, and the active set is what the pages say', () => {
    fc.assert(
      fc.property(fc.array(reading, { minLength: 1, maxLength: 6 }), (readings) => {
        let world = nothing;
        readings.forEach((rows, index) => {
          const at = new Date(Date.parse(t1) + index * 900_000).toISOString();
          const observed = rows.map(({ n, ...rest }) => vehicle(null, { vin: `1XKYD49X0NJ10000${n}`, ...rest }));
          const before = world;
          const step = sync(world, observed, at);
          world = step.world;
          expect(writes(diffSync(world, observed, at, options))).toBe(0);
          const later = new Date(Date.parse(at) + 1000).toISOString();
          expect(writes(diffSync(world, observed, later, options))).toBe(0);
          for (const seen of observed) {
            const ofVehicle = world.faults.filter((known) => known.vehicleId === `v-${seen.vin}`);
            const activeNow = ofVehicle
              .filter((known) => known.isActive)
              .map((known) => `${known.sourceAddress}/${known.spn}/${known.fmi}`);
            if (seen.faults === null) {
              expect(ofVehicle).toEqual(before.faults.filter((known) => known.vehicleId === `v-${seen.vin}`));
            } else {
              const onPage = new Set(
                seen.faults.filter((f) => f.isActive).map((f) => `${f.sourceAddress}/${f.spn}/${f.fmi}`),
              );
              expect(new Set(activeNow)).toEqual(onPage);
            }
          }
          for (const known of world.faults) expect(known.isActive).toBe(known.clearedAt === null);
        });
      }),
      { numRuns: 300 },
    );
  });
});
