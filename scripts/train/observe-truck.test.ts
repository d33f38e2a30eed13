/** Watching the simulated world: what a tenant could know, nothing of what comes later, the same every time. */
import { describe, expect, it } from 'vitest';
import { featureList, featureNames } from '#scoring';
import { bulkRoster } from '#simulators/world/roster';
import { observeTruck, type Watching } from './observe-truck.ts';
import { joined, observeWorld, testWorlds, trainingWorlds, tenantWorlds, validationWorld } from './worlds.ts';

const dayMs = 86_400_000;
const untilMs = Date.UTC(2026, 6, 1);
const watching: Watching = {
  fromMs: untilMs - 200 * dayMs,
  untilMs,
  everyDays: 7,
  signalShare: 1,
  recordsShare: 1,
  joinShare: 0,
};
const trucks = bulkRoster(40, 7).slice(0, 4);
const column = (name: string): number => featureNames.findIndex((feature) => feature === name);

describe('observeTruck', () => {
  it('gives landmarks in order, before the end, with every feature', () => {
    for (const truck of trucks) {
      const { landmarks, events } = observeTruck(truck, watching);
      expect(landmarks.length).toBeGreaterThan(25);
      const times = landmarks.map(({ at }) => at);
      expect([...times].sort()).toEqual(times);
      expect((times.at(-1) ?? '') < new Date(untilMs).toISOString()).toBe(true);
      for (const { x } of landmarks) expect(x).toHaveLength(featureNames.length);
      expect(events.every(({ at }) => Date.parse(at) < untilMs)).toBe(true);
      expect(events.some(({ kind }) => kind === 'repair')).toBe(true);
    }
  });

  it('knows nothing of the time after: a shorter watch has the same beginning', () => {
    for (const truck of trucks) {
      const whole = observeTruck(truck, watching);
      const earlierMs = untilMs - 60 * dayMs;
      const short = observeTruck(truck, { ...watching, untilMs: earlierMs });
      // Meters count from the odometer at the end of the watch, which is another day.
      const meters = featureList.flatMap(({ group, name }, at) =>
        group === 'usage' || name === 'milesSinceService' ? [at] : [],
      );
      const withoutMeters = (x: readonly (number | null)[]) => x.filter((_, at) => !meters.includes(at));
      expect(short.landmarks.length).toBeGreaterThan(15);
      short.landmarks.forEach((landmark, place) => {
        expect(landmark.at).toBe(whole.landmarks[place]?.at);
        expect(withoutMeters(landmark.x)).toEqual(withoutMeters(whole.landmarks[place]?.x ?? []));
      });
    }
  });

  it('leaves unknown what the tenant has not connected', () => {
    const [truck] = trucks;
    if (truck === undefined) throw new Error('no truck');
    const bare = observeTruck(truck, { ...watching, signalShare: 0, recordsShare: 0 });
    for (const { x } of bare.landmarks) {
      for (const name of ['dpfSootPercent', 'largestZ', 'daysSinceService', 'repairs365Days']) {
        expect(x[column(name)]).toBeNull();
      }
    }
    expect(bare.vehicle.signals).toEqual([]);
    const full = observeTruck(truck, watching);
    expect(full.vehicle.signals.length).toBeGreaterThan(5);
    expect(full.landmarks.at(-1)?.x[column('daysSinceService')]).not.toBeNull();
  });
});

describe('worlds', () => {
  it('share no seed, so no truck', () => {
    const seeds = [...trainingWorlds, validationWorld, ...testWorlds, ...tenantWorlds].map(({ seed }) => seed);
    expect(new Set(seeds).size).toBe(seeds.length);
    expect(
      testWorlds.filter(({ shift }) => shift !== undefined && Object.keys(shift).length > 0).length,
    ).toBeGreaterThanOrEqual(8);
  });

  it('are the same every time, and other worlds are others', () => {
    const world = { name: 'small', seed: 5, trucks: 2, watching: { ...watching, fromMs: untilMs - 100 * dayMs } };
    const once = observeWorld(world);
    expect(JSON.stringify(observeWorld(world))).toBe(JSON.stringify(once));
    expect(JSON.stringify(observeWorld({ ...world, shift: { rate: 3 } }))).not.toBe(JSON.stringify(once));
    const both = joined([once, observeWorld({ ...world, seed: 6 })]);
    expect(new Set(both.landmarks.map(({ vehicleId }) => vehicleId)).size).toBe(4);
    expect(() => joined([])).toThrow(RangeError);
  });
});
