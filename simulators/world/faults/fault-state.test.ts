import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { demoRoster, type RosterTruck } from '../roster.ts';
import { episodesBetween, severeCaseCount, worldEpochMs } from './episodes.ts';
import { caseNumberOf } from './case-number.ts';
import {
  faultChangesBetween,
  faultKey,
  faultsAt,
  faultsWithin,
  rememberClearedMs,
  type WorldFault,
} from './fault-state.ts';
import { shopEventsBetween } from './shop-events.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const startMs = Date.UTC(2026, 10, 20);
const trucksOf = (seed: number) => demoRoster(seed).flatMap((fleet) => [...fleet.trucks]);
const trucks = trucksOf(2026);
const truckAt = (index: number): RosterTruck => {
  const truck = trucks[index % trucks.length];
  if (truck === undefined) throw new Error('no truck');
  return truck;
};

describe('faults of the world', () => {
  it('has none before it began', () => {
    for (const truck of trucks) {
      expect(faultsAt(truck, worldEpochMs - dayMs).filter((fault) => fault.firstSeenMs < worldEpochMs - dayMs)).toEqual(
        [],
      );
    }
  });

  it('gives the same faults for the same seed and time, in whatever order they are asked for', () => {
    fc.assert(
      fc.property(fc.nat(79), fc.integer({ min: 0, max: 900 * 24 }), (index, hour) => {
        const fresh = trucksOf(2026)[index];
        if (fresh === undefined) throw new Error('no truck');
        expect(faultsAt(fresh, startMs + hour * hourMs)).toEqual(faultsAt(truckAt(index), startMs + hour * hourMs));
      }),
      { numRuns: 40 },
    );
    expect(trucksOf(3).map((truck) => faultsAt(truck, startMs))).not.toEqual(
      trucks.map((truck) => faultsAt(truck, startMs)),
    );
  });

  it('keeps every fault plausible at every moment', () => {
    fc.assert(
      fc.property(fc.nat(79), fc.integer({ min: 0, max: 400 * 24 * 60 }), (index, minute) => {
        const atMs = startMs + minute * 60_000;
        const faults = faultsAt(truckAt(index), atMs);
        expect(new Set(faults.map(faultKey)).size).toBe(faults.length);
        for (const fault of faults) {
          expect(fault.firstSeenMs).toBeLessThanOrEqual(fault.lastSeenMs);
          expect(fault.lastSeenMs).toBeLessThanOrEqual(atMs);
          expect(fault.occurrenceCount).toBeGreaterThanOrEqual(1);
          expect(fault.occurrenceCount).toBeLessThanOrEqual(126);
          if (fault.isActive) expect(fault.lastSeenMs).toBe(atMs);
          else {
            expect(atMs - fault.lastSeenMs).toBeLessThanOrEqual(rememberClearedMs);
            expect(Object.values(fault.lamps).some(Boolean)).toBe(false);
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it('counts up while a fault lasts, lets some come and go, and replaces the milder code by the severe one', () => {
    let flips = 0;
    let escalations = 0;
    for (const truck of trucks) {
      let before = new Map<string, WorldFault>();
      const faultsOf = faultsWithin(truck, startMs, startMs + 20 * dayMs);
      for (let hour = 0; hour < 20 * 24; hour += 2) {
        const now = new Map(faultsOf(startMs + hour * hourMs).map((fault) => [faultKey(fault), fault]));
        for (const [key, fault] of now) {
          const known = before.get(key);
          if (known === undefined || known.firstSeenMs !== fault.firstSeenMs) continue;
          expect(fault.occurrenceCount).toBeGreaterThanOrEqual(known.occurrenceCount);
          if (!known.isActive && fault.isActive) flips += 1;
        }
        for (const [mild, severe] of [
          ['0/3251/16', '0/3251/0'],
          ['0/111/18', '0/111/1'],
          ['0/168/17', '0/168/1'],
        ]) {
          if (before.get(mild ?? '')?.isActive && now.get(severe ?? '')?.isActive && !before.get(severe ?? '')) {
            escalations += 1;
          }
        }
        before = now;
      }
    }
    expect(flips).toBeGreaterThan(50);
    expect(escalations).toBeGreaterThan(0);
  });

  it('tells every instant at which something changes, and many instants as it tells one', () => {
    const activeOf = (faults: readonly WorldFault[]) =>
      faults
        .filter((fault) => fault.isActive)
        .map(faultKey)
        .sort()
        .join(' ');
    fc.assert(
      fc.property(fc.nat(79), fc.integer({ min: 0, max: 300 }), (index, day) => {
        const truck = truckAt(index);
        const [fromMs, toMs] = [startMs + day * dayMs, startMs + (day + 4) * dayMs];
        const within = faultsWithin(truck, fromMs, toMs);
        const changes = faultChangesBetween(truck, fromMs, toMs);
        expect(changes).toEqual([...changes].sort((a, b) => a - b));
        let next = 0;
        let before = activeOf(faultsAt(truck, fromMs));
        for (let ms = fromMs; ms < toMs; ms += 600_000) {
          const faults = faultsAt(truck, ms);
          expect(within(ms)).toEqual(faults);
          const isAnnounced = (changes[next] ?? Infinity) <= ms;
          while ((changes[next] ?? Infinity) <= ms) next += 1;
          if (!isAnnounced) expect(activeOf(faults)).toBe(before);
          before = activeOf(faults);
        }
      }),
      { numRuns: 25 },
    );
  });

  it('clears an episode for good when it is repaired', () => {
    for (const truck of trucks) {
      const episodes = episodesBetween(truck, startMs - 30 * dayMs, startMs + 30 * dayMs);
      for (const episode of episodes) {
        const atMs = episode.repairedMs + 60_000;
        const others = episodesBetween(truck, atMs, atMs);
        if (others.length > 0) continue;
        expect(faultsAt(truck, atMs).filter((fault) => fault.isActive)).toEqual([]);
      }
    }
  });

  it.each([1, 7, 2026])('shows a world worth looking at with seed %i', (seed) => {
    const fleets = demoRoster(seed).filter((fleet) => fleet.trucks.length > 0);
    const all = fleets.flatMap((fleet) => [...fleet.trucks]);
    let share = 0;
    const samples = 120;
    let quiet = 0;
    let before = '';
    for (let sample = 0; sample < samples; sample += 1) {
      // Two world hours are two minutes at speed 60.
      const atMs = startMs + sample * 2 * hourMs;
      const state = new Map(all.map((truck) => [truck.vin, faultsAt(truck, atMs)]));
      const active = all.filter((truck) => state.get(truck.vin)?.some((fault) => fault.isActive)).length / all.length;
      expect(active).toBeGreaterThan(0.12);
      expect(active).toBeLessThan(0.5);
      share += active / samples;
      for (const fleet of fleets) {
        const critical = fleet.trucks.filter((truck) =>
          state.get(truck.vin)?.some((fault) => fault.isActive && fault.lamps.redStop),
        ).length;
        expect(critical).toBeGreaterThanOrEqual(severeCaseCount(fleet.trucks.length));
      }
      const now = JSON.stringify(
        [...state].map(([, faults]) => faults.map((fault) => [faultKey(fault), fault.isActive])),
      );
      if (now === before) quiet += 1;
      before = now;
    }
    expect(share).toBeGreaterThan(0.24);
    expect(share).toBeLessThan(0.36);
    expect(quiet).toBeLessThan(samples / 20);
  });
});

describe('shop events', () => {
  it('have a case number of their own that stays theirs', () => {
    const numbersOf = () =>
      trucks.flatMap((truck) =>
        shopEventsBetween(truck, startMs, startMs + 90 * dayMs).map((event) => caseNumberOf(truck.vin, event)),
      );
    const numbers = numbersOf();
    expect(numbers.length).toBeGreaterThan(200);
    expect(new Set(numbers).size).toBe(numbers.length);
    for (const number of numbers) expect(number).toMatch(/^C-2[67]\d\d-\d{8}$/);
    expect(numbersOf()).toEqual(numbers);
  });

  it('are no work of the shop where a driver can help', () => {
    const events = trucks.flatMap((truck) => shopEventsBetween(truck, startMs, startMs + 365 * dayMs));
    expect(events.filter(({ description }) => /Washer fluid|Water drained/.test(description))).toEqual([]);
    // A tank that ran empty is: the limit on the engine has to be taken back.
    const tanks = events.filter(({ description }) => description.startsWith('DEF tank filled'));
    expect(tanks.length).toBeGreaterThan(0);
    expect(new Set(tanks.map(({ spn, fmi }) => `${spn}/${fmi}`))).toEqual(new Set(['1761/1']));
  });

  it('are the same whichever way the time is cut, and inside it', () => {
    fc.assert(
      fc.property(fc.nat(79), fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 200 }), (index, a, b) => {
        const truck = truckAt(index);
        const [from, middle, to] = [startMs, startMs + a * dayMs, startMs + (a + b) * dayMs];
        const whole = shopEventsBetween(truck, from, to);
        expect([...shopEventsBetween(truck, from, middle), ...shopEventsBetween(truck, middle, to)]).toEqual(whole);
        for (const event of whole) {
          expect(event.atMs).toBeGreaterThanOrEqual(from);
          expect(event.atMs).toBeLessThan(to);
        }
      }),
      { numRuns: 40 },
    );
  });

  it('report breakdowns before their repair, and more repairs than breakdowns', () => {
    const events = trucks.flatMap((truck) => shopEventsBetween(truck, startMs, startMs + 180 * dayMs));
    const count = (kind: string) => events.filter((event) => event.kind === kind).length;
    expect(count('breakdown')).toBeGreaterThan(10);
    expect(count('repair')).toBeGreaterThan(count('breakdown') * 3);
    // About every hundred days.
    expect(count('preventive')).toBeGreaterThan(trucks.length * 1.5);
    for (const truck of trucks) {
      const own = shopEventsBetween(truck, startMs, startMs + 180 * dayMs);
      for (const event of own.filter(({ kind, atMs }) => kind === 'breakdown' && atMs < startMs + 150 * dayMs)) {
        const isItsRepair = (other: (typeof own)[number]) =>
          other.kind === 'repair' && other.spn === event.spn && other.atMs > event.atMs;
        expect(own.some(isItsRepair)).toBe(true);
      }
    }
  });
});
