import { describe, expect, it } from 'vitest';
import { episodesBetween } from './faults/episodes.ts';
import { faultsAt } from './faults/fault-state.ts';
import { shopEventsBetween } from './faults/shop-events.ts';
import { truthOf } from './faults/truths.ts';
import { longestLeadDays } from './faults/warnings.ts';
import { bulkRoster, type RosterTruck } from './roster.ts';
import type { WorldShift } from './shift.ts';
import { dailySignals } from './signals.ts';

const dayMs = 86_400_000;
const startMs = Date.UTC(2026, 2, 1);
const endMs = startMs + 365 * dayMs;
const world = (shift?: WorldShift): RosterTruck[] => bulkRoster(80, 5, shift);
const eventsOf = (trucks: readonly RosterTruck[]) =>
  trucks.flatMap((truck) => shopEventsBetween(truck, startMs, endMs));
const episodesOf = (trucks: readonly RosterTruck[]) =>
  trucks.flatMap((truck) => episodesBetween(truck, startMs, endMs));
const count = (trucks: readonly RosterTruck[], kind: string) =>
  eventsOf(trucks).filter((event) => event.kind === kind).length;
const untimed: WorldShift = { hasSevereTimetable: false };

describe('shifted worlds', () => {
  it('are the default world when nothing is shifted', () => {
    const plain = world();
    const whole = world({});
    plain.forEach((truck, index) => {
      const twin = whole[index];
      if (twin === undefined) throw new Error('no truck');
      for (let day = 0; day < 365; day += 11) {
        expect(faultsAt(twin, startMs + day * dayMs)).toEqual(faultsAt(truck, startMs + day * dayMs));
        expect(dailySignals(twin, startMs + day * dayMs)).toEqual(dailySignals(truck, startMs + day * dayMs));
      }
    });
    expect(eventsOf(whole)).toEqual(eventsOf(plain));
    expect(plain[0]).not.toHaveProperty('shift');
  });

  it('have as many more troubles as they are told to, of all parts or of one', () => {
    const usual = episodesOf(world(untimed)).length;
    const twice = episodesOf(world({ ...untimed, rate: 2 })).length;
    expect(twice / usual).toBeGreaterThan(1.6);
    expect(twice / usual).toBeLessThan(2.2);
    const byPart = (trucks: readonly RosterTruck[], part: string) =>
      episodesOf(trucks).filter(({ course }) => course.part === part).length;
    const worse = world({ ...untimed, partRates: { dpf: 3 } });
    expect(byPart(worse, 'dpf')).toBeGreaterThan(2 * byPart(world(untimed), 'dpf'));
    expect(byPart(worse, 'egr')).toBe(byPart(world(untimed), 'egr'));
    expect(episodesOf(world({ rate: 0.000001, hasSevereTimetable: false })).length).toBeLessThan(usual / 50);
  });

  it('keep the timetable of severe cases or do without it', () => {
    const timed = (trucks: readonly RosterTruck[]) => episodesOf(trucks).filter(({ keys }) => keys.includes('window'));
    expect(timed(world()).length).toBeGreaterThan(100);
    expect(timed(world(untimed))).toEqual([]);
    // Three times as long each, so a third as many.
    expect(timed(world()).length / timed(world({ severeWindow: 3 })).length).toBeCloseTo(3, 0);
  });

  it('hide codes, stop trucks on the road and make shops wait', () => {
    const mute = world({ codeless: 1 });
    expect(mute.flatMap((truck) => faultsAt(truck, startMs + 100 * dayMs))).toEqual([]);
    expect(count(mute, 'repair')).toBe(count(world(), 'repair'));
    expect(eventsOf(mute).every(({ spn, fmi }) => spn === null && fmi === null)).toBe(true);
    const half = episodesOf(world({ codeless: 0.5 })).filter(({ isCodeless }) => isCodeless).length;
    expect(half / episodesOf(world()).length).toBeCloseTo(0.5, 1);
    expect(count(world({ breakdown: 0 }), 'breakdown')).toBe(0);
    expect(count(world({ breakdown: 1.8 }), 'breakdown')).toBeGreaterThan(1.5 * count(world(), 'breakdown'));
    const waits = (trucks: readonly RosterTruck[]) =>
      episodesOf(trucks).reduce(
        (sum, { stageStartsMs, repairedMs }) => sum + repairedMs - (stageStartsMs.at(-1) ?? 0),
        0,
      ) / episodesOf(trucks).length;
    expect(waits(world({ ...untimed, repairDelay: 2 })) / waits(world(untimed))).toBeCloseTo(2, 0);
  });

  it('make trucks, drivers and climates alike, or more different', () => {
    const wearOf = (shift?: WorldShift) => world(shift).map((truck) => Math.log(truthOf(truck).wear.egr));
    const spread = (values: readonly number[]) => {
      const middle = values.reduce((sum, value) => sum + value, 0) / values.length;
      return Math.sqrt(values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / values.length);
    };
    expect(spread(wearOf({ wearSpread: 2 }))).toBeGreaterThan(1.5 * spread(wearOf()));
    expect(spread(wearOf({ wearSpread: 0 }))).toBeLessThan(spread(wearOf()));
    const perTruck = (shift: WorldShift, driver: string) => {
      const trucks = world({ ...untimed, ...shift }).filter((truck) => truthOf(truck).driver === driver);
      return episodesOf(trucks).filter(({ course }) => (course.driverWeight ?? 0) >= 0.5).length / trucks.length;
    };
    expect(perTruck({ driverEffect: 3 }, 'rough')).toBeGreaterThan(1.5 * perTruck({ driverEffect: 0 }, 'rough'));
  });

  it('warn earlier, more loudly or not at all', () => {
    const changed = (shift: WorldShift, daysBefore: number) => {
      const [loud, mute] = [world({ ...untimed, ...shift }), world({ ...untimed, signalStrength: 0 })];
      let days = 0;
      loud.slice(0, 60).forEach((truck, index) => {
        const twin = mute[index];
        if (twin === undefined) return;
        for (const { stageStartsMs } of episodesBetween(truck, startMs, startMs + 90 * dayMs)) {
          const dayMsBefore = (stageStartsMs[0] ?? 0) - daysBefore * dayMs;
          if (JSON.stringify(dailySignals(truck, dayMsBefore)) !== JSON.stringify(dailySignals(twin, dayMsBefore))) {
            days += 1;
          }
        }
      });
      return days;
    };
    expect(changed({ signalStrength: 0 }, 1)).toBe(0);
    expect(changed({ signalLead: 2 }, 20)).toBeGreaterThan(1.4 * changed({}, 20));
    expect(longestLeadDays).toBe(20);
  });
});
