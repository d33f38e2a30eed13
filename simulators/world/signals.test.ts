import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { signalInputSchema, signalNames, type SignalName } from '#contracts/telemetry';
import { positionAt } from './driving.ts';
import { courses } from './faults/courses.ts';
import { episodesBetween, type Episode } from './faults/episodes.ts';
import { driftOf, driftShare, warnings } from './faults/warnings.ts';
import { bulkRoster, demoRoster, type RosterTruck } from './roster.ts';
import { dailySignals, signalsAt } from './signals.ts';

const dayMs = 86_400_000;
const hourMs = 3_600_000;
const startMs = Date.UTC(2026, 10, 20);
const trucks = demoRoster(2026).flatMap((fleet) => [...fleet.trucks]);
const truckAt = (index: number, of: readonly RosterTruck[] = trucks): RosterTruck => {
  const truck = of[index % of.length];
  if (truck === undefined) throw new Error('no truck');
  return truck;
};
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const deviation = (values: readonly number[]): number =>
  Math.sqrt(mean(values.map((value) => (value - mean(values)) ** 2)));

describe('signals of the world', () => {
  it('says nothing while the ignition is off', () => {
    for (const truck of trucks) expect(signalsAt(truck, startMs, { ignition: false, speedMph: 0 })).toEqual({});
  });

  it('is the same for the same truck and instant, in whatever order it is asked for', () => {
    fc.assert(
      fc.property(fc.nat(79), fc.integer({ min: 0, max: 700 * 24 * 60 }), (index, minute) => {
        const atMs = startMs - 400 * dayMs + minute * 60_000;
        const fresh = truckAt(
          index,
          demoRoster(2026).flatMap((fleet) => [...fleet.trucks]),
        );
        const known = truckAt(index);
        const motion = { ignition: true, speedMph: 60 };
        expect(signalsAt(fresh, atMs, motion)).toEqual(signalsAt(known, atMs, motion));
        expect(dailySignals(fresh, atMs)).toEqual(dailySignals(known, atMs));
        expect(dailySignals(fresh, Math.floor(atMs / dayMs) * dayMs)).toEqual(dailySignals(fresh, atMs));
      }),
      { numRuns: 100 },
    );
  });

  it('never shows what a sensor cannot show', () => {
    fc.assert(
      fc.property(fc.nat(79), fc.integer({ min: 0, max: 700 * 24 * 60 }), fc.nat(75), (index, minute, speedMph) => {
        const truck = truckAt(index);
        const atMs = startMs - 400 * dayMs + minute * 60_000;
        const at = new Date(atMs).toISOString();
        for (const values of [dailySignals(truck, atMs), signalsAt(truck, atMs, { ignition: true, speedMph })]) {
          expect(Object.keys(values).length).toBeGreaterThan(6);
          for (const [name, value] of Object.entries(values)) {
            expect(signalInputSchema.safeParse({ vin: truck.vin, at, name, value }).success).toBe(true);
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it('shows every signal somewhere; a truck that lacks a sensor lacks it always', () => {
    const lacks = (truck: RosterTruck, day: number) => {
      const values = dailySignals(truck, startMs + day * dayMs);
      return signalNames.filter((name) => values[name] === undefined);
    };
    for (const truck of trucks) {
      expect(lacks(truck, 0)).toEqual(lacks(truck, 200));
      expect(lacks(truck, 0).length).toBeLessThan(5);
    }
    expect(new Set(trucks.flatMap((truck) => Object.keys(dailySignals(truck, startMs)))).size).toBe(11);
    expect(trucks.filter((truck) => lacks(truck, 0).length === 0).length).toBeGreaterThan(trucks.length / 2);
  });

  it('has readings whose means over a day are the day’s', () => {
    const errors = new Map<string, number[]>();
    for (const truck of trucks.slice(0, 20)) {
      const sums = new Map<string, number[]>();
      for (let ms = startMs; ms < startMs + dayMs; ms += 3 * 60_000) {
        for (const [name, value] of Object.entries(signalsAt(truck, ms, positionAt(truck, startMs, ms)))) {
          sums.set(name, [...(sums.get(name) ?? []), value]);
        }
      }
      const day: Record<string, number> = dailySignals(truck, startMs);
      for (const [name, values] of sums) {
        if (values.length < 200) continue;
        errors.set(name, [...(errors.get(name) ?? []), mean(values) - (day[name] ?? NaN)]);
      }
    }
    const limits: Record<SignalName, number> = {
      coolantTempF: 0.8,
      oilTempF: 1.2,
      oilPressurePsi: 0.8,
      defLevelPercent: 7,
      dpfSootPercent: 4,
      batteryVolts: 0.05,
      engineLoadPercent: 2,
      boostPsi: 1,
      fuelRateGph: 0.35,
      ambientTempF: 2.5,
      engineRpm: 25,
    };
    for (const name of signalNames) expect(Math.abs(mean(errors.get(name) ?? [NaN])), name).toBeLessThan(limits[name]);
  });

  it('is warmer in July than in January, warmer by day than at night, colder in cold homes', () => {
    const air = (of: readonly RosterTruck[], dayStartMs: number) =>
      mean(of.flatMap((truck) => dailySignals(truck, dayStartMs).ambientTempF ?? []));
    expect(air(trucks, Date.UTC(2026, 6, 20)) - air(trucks, Date.UTC(2026, 0, 17))).toBeGreaterThan(20);
    const hour = (utcHour: number) =>
      mean(
        trucks.flatMap(
          (truck) => signalsAt(truck, startMs + utcHour * hourMs, { ignition: true, speedMph: 55 }).ambientTempF ?? [],
        ),
      );
    expect(hour(21) - hour(9)).toBeGreaterThan(8);
  });

  it('falls from fill-up to fill-up in the DEF tank', () => {
    let rises = 0;
    for (const truck of trucks) {
      const levels = Array.from({ length: 60 }, (_, day) => dailySignals(truck, startMs + day * dayMs).defLevelPercent);
      levels.forEach((level, day) => {
        const before = levels[day - 1];
        if (level !== undefined && before !== undefined && level > before + 2) rises += 1;
      });
    }
    expect(rises / trucks.length).toBeGreaterThan(5);
    expect(rises / trucks.length).toBeLessThan(16);
  });
});

/** A world without warnings: what is left of the difference is nothing but them. */
const loud = bulkRoster(250, 11, {});
const silent = bulkRoster(250, 11, { signalStrength: 0 });

describe('troubles that are coming', () => {
  it('move their signals before the first code, each trouble with a lead of its own, and not at all where none is listed', () => {
    const leads: number[] = [];
    const untold = new Map<string, number>();
    for (const truck of loud) {
      for (const episode of episodesBetween(truck, startMs, startMs + 120 * dayMs)) {
        const drift = driftOf(episode);
        const [onsetMs = 0] = episode.stageStartsMs;
        if (drift === null) untold.set(episode.course.key, (untold.get(episode.course.key) ?? 0) + 1);
        else leads.push((onsetMs - drift.fromMs) / dayMs);
      }
    }
    expect(Math.min(...leads)).toBeGreaterThanOrEqual(3);
    expect(Math.max(...leads)).toBeLessThanOrEqual(20);
    expect(deviation(leads)).toBeGreaterThan(2);
    const listed = Object.keys(warnings);
    for (const key of listed) expect(courses.map((course) => course.key)).toContain(key);
    for (const course of courses) if (!listed.includes(course.key)) expect(untold.get(course.key)).toBeGreaterThan(0);
    // Some of the listed strike without a word as well.
    expect(untold.get('dpf-plugging')).toBeGreaterThan(0);
  });

  it('rise to the onset, stay until the repair and are gone after it', () => {
    fc.assert(
      fc.property(fc.nat(249), fc.nat(200), (index, day) => {
        const truck = truckAt(index, loud);
        for (const episode of episodesBetween(truck, startMs + day * dayMs, startMs + (day + 30) * dayMs)) {
          const drift = driftOf(episode);
          if (drift === null) continue;
          const span = drift.untilMs - drift.fromMs;
          let before = 0;
          for (let step = 0; step <= 20; step += 1) {
            const share = driftShare(drift, drift.fromMs + (span * step) / 20);
            if (step === 20) expect(share).toBe(0);
            else expect(share).toBeGreaterThanOrEqual(before);
            before = share;
          }
          expect(driftShare(drift, drift.onsetMs)).toBeCloseTo(1, 6);
          expect(driftShare(drift, drift.fromMs - 1)).toBe(0);
          expect(driftShare(drift, drift.untilMs + 1)).toBe(0);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('show in the day means exactly as far as they are told to, and nowhere else', () => {
    let moved = 0;
    for (const [index, truck] of loud.slice(0, 60).entries()) {
      const quiet = truckAt(index, silent);
      for (let day = 0; day < 60; day += 1) {
        const dayStartMs = startMs + day * dayMs;
        const noonMs = dayStartMs + dayMs / 2;
        const expected = new Map<string, number>();
        for (const episode of episodesBetween(truck, dayStartMs, dayStartMs + 30 * dayMs)) {
          const drift = driftOf(episode);
          if (drift === null) continue;
          for (const [signal, move] of drift.moves) {
            expected.set(signal, (expected.get(signal) ?? 0) + move * driftShare(drift, noonMs));
          }
        }
        const values = dailySignals(truck, dayStartMs);
        const without = dailySignals(quiet, dayStartMs);
        for (const name of signalNames) {
          const difference = (values[name] ?? 0) - (without[name] ?? 0);
          if (values[name] === undefined) continue;
          const step = name === 'engineRpm' ? 1 : name === 'batteryVolts' || name === 'fuelRateGph' ? 0.01 : 0.1;
          expect(Math.abs(difference - (expected.get(name) ?? 0)), `${name} on day ${day}`).toBeLessThanOrEqual(
            step * 1.01,
          );
          if (Math.abs(difference) > 5 * step) moved += 1;
        }
      }
    }
    expect(moved).toBeGreaterThan(500);
  });

  it('empty the DEF tank before its first code, and the shop fills it', () => {
    const all: { truck: RosterTruck; episode: Episode }[] = trucks.flatMap((truck) =>
      episodesBetween(truck, startMs, startMs + 300 * dayMs)
        .filter(({ course }) => course.key === 'def-runs-low')
        .map((episode) => ({ truck, episode })),
    );
    expect(all.length).toBeGreaterThan(20);
    const motion = { ignition: true, speedMph: 55 };
    const levels = (ms: (episode: Episode) => number) =>
      all.flatMap(({ truck, episode }) => signalsAt(truck, ms(episode), motion).defLevelPercent ?? []);
    const atOnset = levels(({ stageStartsMs }) => stageStartsMs[0] ?? 0);
    expect(Math.max(...atOnset)).toBeLessThan(16);
    expect(mean(levels(({ stageStartsMs }) => (stageStartsMs[0] ?? 0) - 3 * dayMs))).toBeGreaterThan(
      mean(atOnset) + 15,
    );
    expect(mean(levels(({ repairedMs }) => repairedMs + 3 * hourMs))).toBeGreaterThan(85);
    const emptied = all.filter(({ episode }) => episode.stageStartsMs.length === 3);
    for (const { truck, episode } of emptied) {
      expect(signalsAt(truck, episode.repairedMs - hourMs, motion).defLevelPercent ?? 0).toBeLessThan(4);
    }
  });
});
