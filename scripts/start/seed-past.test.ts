import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { featureNames, scoreVehicle } from '#scoring';
import { createClock } from '#simulators/world/clock';
import { deliveredMs } from '#simulators/world/driving';
import { caseNumberOf } from '#simulators/world/faults/case-number';
import { faultsAt } from '#simulators/world/faults/fault-state';
import { demoRoster, type RosterTruck } from '#simulators/world/roster';
import { createWorld } from '#simulators/world/world';
import { faultWords } from '#worker/features/sync/fault-words';
import { diffSync, type KnownFault } from '#worker/features/sync/rules';
import { pastModels } from './past-models.ts';
import { lastSyncMs, nextSyncMs, pastFaults, syncEveryMs } from './seed-faults.ts';
import { bornAt, demoVehicleId, worldSeed } from './seed-ids.ts';
import { landmarksUntil, pastOfTruck, type TruckPast } from './seed-past.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const bornMs = Date.parse(bornAt);
const anchorMs = Date.UTC(2026, 4, 20, 15, 40);
const trucks = demoRoster(worldSeed).flatMap((fleet) => [...fleet.trucks]);
const truckAt = (index: number): RosterTruck => {
  const truck = trucks[index];
  if (truck === undefined) throw new Error('no truck');
  return truck;
};
const keyOf = ({ sourceAddress, spn, fmi }: KnownFault): string => `${sourceAddress}/${spn}/${fmi}`;

/** The product's comparison at every reading of the portal, one by one. */
function replayed(truck: RosterTruck, fromMs: number, untilMs: number): KnownFault[] {
  const { vin, unitNumber, year, make, model, engineMake, engineModel } = truck;
  const facts = { vin, unitNumber, year, make, model, engineMake, engineModel, odometerMiles: null, engineHours: null };
  const known = new Map<string, KnownFault>();
  for (let ms = nextSyncMs(fromMs); ms <= untilMs; ms += syncEveryMs) {
    const faultsReadAt = new Date(ms - syncEveryMs).toISOString();
    const diff = diffSync(
      { vehicles: [{ ...facts, id: 'truck', faultsReadAt }], faults: [...known.values()] },
      [{ ...facts, position: null, faults: faultsAt(truck, ms) }],
      new Date(ms).toISOString(),
      { describe: faultWords, mayClear: true },
    );
    for (const { vin: _vin, ...fault } of diff.faultInserts) {
      const key = `${fault.sourceAddress}/${fault.spn}/${fault.fmi}`;
      known.set(key, { ...fault, id: key, vehicleId: 'truck', isTelemetryActive: false });
    }
    for (const write of [...diff.faultUpdates, ...diff.faultClears, ...diff.reopened]) {
      const before = known.get(write.id);
      if (before !== undefined) known.set(write.id, { ...before, ...write });
    }
  }
  return [...known.values()];
}

describe('codes of the past', () => {
  it('are what the product would hold had it read the portal every quarter of an hour', () => {
    let compared = 0;
    for (const index of [0, 23, 44, 77]) {
      const truck = truckAt(index);
      const [fromMs, untilMs] = [bornMs + 30 * dayMs, bornMs + 52 * dayMs + 7 * 60_000];
      const options = { fromMs, untilMs, printsSourceAddress: true, landmarksMs: [] };
      const shortly = new Map(
        pastFaults(truck, options)
          .at(-1)
          ?.faults.map((fault) => [keyOf(fault), fault]),
      );
      const slowly = replayed(truck, fromMs, untilMs);
      expect([...shortly.keys()].sort()).toEqual(slowly.map(keyOf).sort());
      for (const { id: _id, vehicleId: _vehicleId, occurrenceCount, lastSeenAt, ...fault } of slowly) {
        const short = shortly.get(keyOf(fault as KnownFault));
        expect(short).toMatchObject(fault);
        if (!fault.isActive) expect(short?.lastSeenAt).toBe(lastSeenAt);
        // Counts are read every few hours only.
        expect(Math.abs((short?.occurrenceCount ?? 0) - occurrenceCount)).toBeLessThanOrEqual(2);
        compared += 1;
      }
    }
    expect(compared).toBeGreaterThan(8);
  });

  it('know at a landmark nothing that came after it', () => {
    const landmarksMs = landmarksUntil(anchorMs);
    for (const truck of trucks.slice(0, 5)) {
      const options = { fromMs: bornMs, untilMs: anchorMs, printsSourceAddress: true, landmarksMs };
      const states = pastFaults(truck, options);
      expect(states.map(({ atMs }) => atMs)).toEqual([...landmarksMs, anchorMs]);
      for (const { atMs, faults } of states) {
        const at = new Date(atMs).toISOString();
        for (const { firstSeenAt, lastSeenAt, clearedAt } of faults) {
          expect([firstSeenAt, lastSeenAt, clearedAt ?? ''].every((time) => time <= at)).toBe(true);
        }
      }
    }
  });

  it('are all the engine’s where the portal prints no addresses', () => {
    const options = { fromMs: bornMs, untilMs: anchorMs, landmarksMs: [] };
    const addressesOf = (printsSourceAddress: boolean) =>
      new Set(
        trucks
          .slice(72)
          .flatMap((truck) => pastFaults(truck, { ...options, printsSourceAddress }).at(-1)?.faults ?? [])
          .map((fault) => fault.sourceAddress),
      );
    expect(addressesOf(true).size).toBeGreaterThan(1);
    expect(addressesOf(false)).toEqual(new Set([0]));
  });
});

const { models } = pastModels();
const pasts = new Map<number, TruckPast>();
const pastAt = (index: number): TruckPast => {
  const past = pasts.get(index) ?? pastOfTruck(truckAt(index), anchorMs, models);
  pasts.set(index, past);
  return past;
};

describe('a truck’s past', () => {
  it('is the same whenever it is worked out', () => {
    expect(pastOfTruck(truckAt(3), anchorMs, models)).toEqual(pastAt(3));
  });

  it('tells the cases of the portal under the portal’s numbers, dates and meters', () => {
    const clock = createClock({ anchorMs, speed: 60, now: () => anchorMs + 5 * 60_000 });
    const world = createWorld({ seed: worldSeed, clock });
    for (const index of [0, 41, 79]) {
      const { events } = pastAt(index);
      const truck = truckAt(index);
      const shown = world.shopEvents(truck, anchorMs - 365 * dayMs, anchorMs).map((event) => ({
        externalId: caseNumberOf(truck.vin, event),
        at: new Date(event.reportedMs).toISOString(),
        kind: event.kind,
        odometerMiles: event.odometerMiles,
      }));
      expect(shown.length).toBeGreaterThan(5);
      expect(events.slice(-shown.length)).toMatchObject(shown);
      for (const { at, heardAt } of events) expect(heardAt >= at).toBe(true);
    }
  });

  it('scores every week what was known then, by the product’s own code', () => {
    fc.assert(
      fc.property(fc.constantFrom(0, 3, 19, 41, 63, 79), fc.nat(30), (index, nth) => {
        const { predictions, events } = pastAt(index);
        const prediction = predictions[nth % predictions.length];
        if (prediction === undefined) throw new Error('no prediction');
        const { atMs, features, score, vector } = prediction;
        const at = new Date(atMs).toISOString();
        expect(score).toEqual(scoreVehicle(features, models, new Date(atMs)));
        expect(score.scoredAt).toBe(at);
        expect(vector).toHaveLength(featureNames.length);
        expect(features.signals.every((signal) => signal.at <= at)).toBe(true);
        expect(features.faults.every((fault) => fault.firstSeenAt <= at && fault.lastSeenAt <= at)).toBe(true);
        const heard = events.filter((event) => event.heardAt <= at);
        const yearAgo = new Date(atMs - 365 * dayMs).toISOString();
        const failures = heard.filter(({ kind, at: on }) => /repair|breakdown/.test(kind) && on >= yearAgo);
        expect(features.service.repairs365Days).toBe(failures.length);
      }),
      { numRuns: 40 },
    );
  });

  it('ends at the anchor: with the codes, meters and signals the first sync will find', () => {
    for (const index of [0, 41]) {
      const past = pastAt(index);
      const truck = truckAt(index);
      expect(past.odometerMiles).toBe(truck.baseOdometerMiles);
      expect(past.lastSyncAt).toBe(new Date(lastSyncMs(anchorMs)).toISOString());
      const active = faultsAt(truck, lastSyncMs(anchorMs)).filter((fault) => fault.isActive);
      expect(past.faults.filter((fault) => fault.isActive)).toHaveLength(active.length);
      const days = [...new Set(past.signalDays.map(({ day }) => day))];
      expect(days).toEqual([...days].sort());
      expect(days.length).toBeGreaterThanOrEqual(60);
      expect(days.at(-1)).toBe('2026-05-20');
      expect(past.signals.some(({ baselineMedian }) => baselineMedian !== null)).toBe(true);
      for (const { mean, min, max, lastValue } of past.signalDays) {
        expect(min <= mean && mean <= max && min <= lastValue && lastValue <= max).toBe(true);
      }
    }
  });

  it('begins with its delivery where that was later than the fleet’s beginning', () => {
    const lateMs = Date.UTC(2026, 10, 20);
    const young = trucks.find((truck) => deliveredMs(truck, lateMs) > bornMs + 60 * dayMs);
    if (young === undefined) throw new Error('no truck was delivered this year');
    const deliveredAt = new Date(deliveredMs(young, lateMs)).toISOString();
    const past = pastOfTruck(young, lateMs, models);
    expect(past.vehicleId).toBe(demoVehicleId(young.vin));
    expect(past.predictions.length).toBeGreaterThan(3);
    expect(past.predictions.length).toBeLessThan(40);
    expect(past.firstSeenAt >= deliveredAt).toBe(true);
    const times = [
      ...past.events.map(({ at }) => at),
      ...past.faults.map(({ firstSeenAt }) => firstSeenAt),
      ...past.predictions.map(({ score }) => score.scoredAt),
      ...past.signalDays.map(({ lastAt }) => lastAt),
    ];
    expect(times.every((at) => at.slice(0, 10) >= deliveredAt.slice(0, 10))).toBe(true);
    expect(past.events.every(({ odometerMiles }) => (odometerMiles ?? 0) >= 99)).toBe(true);
  });
});
