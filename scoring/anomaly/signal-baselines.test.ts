/** Baselines of signals: refusals and edges first, then what they find, then what must not change them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { signalNames, type SignalName } from '#contracts/telemetry';
import { bulkRoster } from '#simulators/world/roster';
import { dailySignals } from '#simulators/world/signals';
import { randomSource } from '../trees/random.ts';
import { oddities, signalStates, type SignalDayMean } from './signal-baselines.ts';

const dayMs = 86_400_000;
const lastDayMs = Date.UTC(2026, 10, 20);
/** `back` days before the newest. */
const dayAt = (back: number): string => new Date(lastDayMs - back * dayMs).toISOString().slice(0, 10);
const row = (name: SignalName, back: number, mean: number, readings = 500): SignalDayMean => ({
  ...{ name, day: dayAt(back), mean, readings },
  lastAt: `${dayAt(back)}T21:30:00.000Z`,
});

/** Normal deviates, the same every time. */
function deviates(seed: number): () => number {
  const { next: random } = randomSource(seed);
  return () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** `count` days of one signal ending today; `meanOf` is told how many days back. */
const history = (name: SignalName, count: number, meanOf: (back: number) => number): SignalDayMean[] =>
  Array.from({ length: count }, (_, at) => row(name, count - 1 - at, meanOf(count - 1 - at)));

const only = (days: readonly SignalDayMean[], name: SignalName) => {
  const found = signalStates(days).find((state) => state.name === name);
  if (found === undefined) throw new Error(`no ${name}`);
  return found;
};

describe('too little or wrong data', () => {
  it('says nothing of nothing, and keeps no baseline of too few days', () => {
    expect(signalStates([])).toEqual([]);
    expect(only([row('coolantTempF', 0, 190)], 'coolantTempF')).toEqual({
      ...{ name: 'coolantTempF', value: 190, at: `${dayAt(0)}T21:30:00.000Z` },
      ...{ baselineMedian: null, baselineMad: null, n: 0, drift: null },
    });
    expect(
      only(
        history('coolantTempF', 6, () => 190),
        'coolantTempF',
      ),
    ).toMatchObject({ n: 3, baselineMedian: null });
    expect(
      only(
        history('coolantTempF', 8, () => 190),
        'coolantTempF',
      ),
    ).toMatchObject({ n: 5, baselineMedian: 190 });
  });

  it('leaves out what is no number, no time, no known signal or outside of what a sensor shows', () => {
    const good = history('batteryVolts', 40, () => 14);
    const bad = [
      { ...row('batteryVolts', 0, 14), mean: Number.NaN },
      row('batteryVolts', 1, Infinity),
      row('batteryVolts', 2, 1e9),
      row('batteryVolts', 3, 14, 0),
      { ...row('batteryVolts', 0, 14), day: 'yesterday' },
      { ...row('batteryVolts', 0, 14), lastAt: '' },
      { ...row('batteryVolts', 0, 14), name: 'somethingElse' },
    ];
    expect(signalStates([...good, ...bad])).toEqual(signalStates(good));
  });

  it('never divides by a spread of 0: a sensor that always said the same', () => {
    const days = history('batteryVolts', 60, (back) => (back === 0 ? 12.4 : 14));
    const { baselineMad, value, baselineMedian } = only(days, 'batteryVolts');
    expect([value, baselineMedian]).toEqual([12.4, 14]);
    expect(baselineMad).toBeGreaterThan(0);
    expect(oddities(signalStates(days))).toBe('batteryVolts-');
  });

  it('does not take a day that has only begun for a day', () => {
    const days = history('coolantTempF', 40, (back) => (back === 0 ? 80 : 190)).map((day, at) =>
      at === 39 ? { ...day, readings: 10 } : day,
    );
    expect(only(days, 'coolantTempF')).toMatchObject({ value: 190, at: `${dayAt(1)}T21:30:00.000Z` });
  });
});

describe('what has no baseline', () => {
  it('a tank that is filled up, and what the truck was asked to do', () => {
    const days = (['defLevelPercent', 'engineLoadPercent', 'ambientTempF', 'engineRpm'] as const).flatMap((name) =>
      history(name, 60, (back) => (back === 0 ? 5 : 60)),
    );
    for (const state of signalStates(days)) {
      expect(state).toMatchObject({ value: 5, baselineMedian: null, baselineMad: null, drift: null });
    }
    expect(oddities(signalStates(days))).toBe('');
  });

  it('less soot than usual is as it should be', () => {
    const clean = history('dpfSootPercent', 60, (back) => (back < 10 ? 8 : 45 + (back % 5)));
    expect(only(clean, 'dpfSootPercent')).toMatchObject({ value: 8, baselineMedian: 8, drift: null });
    const full = history('dpfSootPercent', 60, (back) => (back < 10 ? 90 : 45 + (back % 5)));
    expect(only(full, 'dpfSootPercent')).toMatchObject({ baselineMedian: 47, drift: { direction: 'up' } });
  });
});

describe('seasons and loads', () => {
  const noise = deviates(1);
  /** From summer into winter, loads that differ from day to day; `extra` comes on top of the coolant. */
  const autumn = (extra: (back: number) => number): SignalDayMean[] =>
    Array.from({ length: 90 }, (_, at) => {
      const back = 89 - at;
      const ambient = 20 + back * 0.8 + 4 * noise();
      const load = 52 + 6 * noise();
      const coolant = 190 + 0.08 * (ambient - 60) + 0.1 * (load - 52) + 0.6 * noise() + extra(back);
      return [
        row('ambientTempF', back, ambient),
        row('engineLoadPercent', back, load),
        row('coolantTempF', back, coolant),
      ];
    }).flat();

  it('expects what today’s air and load ask for', () => {
    const { baselineMedian, baselineMad, value, drift } = only(
      autumn(() => 0),
      'coolantTempF',
    );
    expect(Math.abs(value - (baselineMedian ?? 0))).toBeLessThan(3);
    expect(baselineMad).toBeLessThan(0.9);
    expect(drift).toBeNull();
  });

  it('a warm truck on a cold day stands out, though it was warmer in summer', () => {
    const states = signalStates(autumn((back) => (back < 2 ? 7 : 0)));
    expect(oddities(states)).toContain('coolantTempF+');
  });

  it('without a thermometer a season is no drift', () => {
    const days = autumn(() => 0).filter(({ name }) => name !== 'ambientTempF');
    expect(only(days, 'coolantTempF').drift).toBeNull();
  });
});

describe('drift', () => {
  const noise = deviates(2);
  const volts = (from: number, shift: (back: number) => number) => {
    const days = history('batteryVolts', 90, (back) => 14 + 0.05 * noise() + (back < from ? shift(back) : 0));
    return [...days, ...history('ambientTempF', 90, () => 60 + 8 * noise())];
  };

  it('finds a small lasting shift and about when it began', () => {
    const { drift } = only(
      volts(12, () => -0.13),
      'batteryVolts',
    );
    expect(drift?.direction).toBe('down');
    const since = (lastDayMs - Date.parse(drift?.since ?? '')) / dayMs;
    expect(since).toBeGreaterThanOrEqual(9);
    expect(since).toBeLessThanOrEqual(21);
  });

  it('a slow slide over three weeks does not become its own normal', () => {
    expect(
      only(
        volts(21, (back) => -0.012 * (21 - back)),
        'batteryVolts',
      ).drift?.direction,
    ).toBe('down');
  });

  it('a single odd day is none, and one that was repaired a week ago is over', () => {
    expect(
      only(
        volts(1, () => -3),
        'batteryVolts',
      ).drift,
    ).toBeNull();
    expect(
      only(
        volts(20, (back) => (back < 7 ? 0 : -0.3)),
        'batteryVolts',
      ).drift,
    ).toBeNull();
  });

  it('cries wolf for at most 5 in 100 trucks that have nothing, and for outliers likewise', () => {
    const trucks = bulkRoster(160, 5, { signalStrength: 0 });
    let drifting = 0;
    let odd = 0;
    trucks.forEach((truck, index) => {
      const endMs = lastDayMs - (index % 12) * 30 * dayMs;
      const days = Array.from({ length: 90 }, (_, back) => {
        const startMs = endMs - back * dayMs;
        const day = new Date(startMs).toISOString().slice(0, 10);
        const lastAt = `${day}T20:00:00.000Z`;
        return Object.entries(dailySignals(truck, startMs)).map(([name, mean]) => ({
          name,
          day,
          mean,
          readings: 500,
          lastAt,
        }));
      }).flat();
      const states = signalStates(days);
      if (states.some(({ drift }) => drift !== null)) drifting++;
      if (/[+-]/.test(oddities(states))) odd++;
    });
    expect(drifting).toBeLessThanOrEqual(8);
    expect(odd).toBeLessThanOrEqual(8);
  });
});

describe('properties', () => {
  const reading = fc.record({
    name: fc.constantFrom(...signalNames),
    back: fc.integer({ min: 0, max: 120 }),
    mean: fc.oneof(fc.double({ min: -100, max: 400 }), fc.double()),
    readings: fc.integer({ min: 0, max: 1440 }),
  });
  const days = fc
    .array(reading, { maxLength: 300 })
    .map((list) => list.map((one) => row(one.name, one.back, one.mean, one.readings)));

  it('no number that is none, no negative spread, for any days', () => {
    fc.assert(
      fc.property(days, (list) => {
        for (const state of signalStates(list)) {
          const numbers = [state.value, state.n, state.baselineMedian ?? 0, state.baselineMad ?? 1];
          expect(numbers.every(Number.isFinite)).toBe(true);
          expect(state.baselineMad ?? 1).toBeGreaterThan(0);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('the order of the days changes nothing, to the bit', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e9 }), fc.integer({ min: 8, max: 90 }), (seed, count) => {
        const noise = deviates(seed);
        const list = (['coolantTempF', 'engineLoadPercent', 'ambientTempF'] as const).flatMap((name) =>
          history(name, count, () => 60 + 5 * noise()),
        );
        const shuffled = list
          .map((day) => ({ day, by: noise() }))
          .sort((a, b) => a.by - b.by)
          .map(({ day }) => day);
        expect(signalStates(shuffled)).toEqual(signalStates(list));
      }),
      { numRuns: 25 },
    );
  });

  it('another zero or another unit of a signal moves its baseline along and no judgement', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1e9 }),
        fc.double({ min: 1, max: 1.5, noNaN: true }),
        fc.double({ min: -40, max: 40, noNaN: true }),
        (seed, scale, shift) => {
          const noise = deviates(seed);
          const conditions = (['engineLoadPercent', 'ambientTempF'] as const).flatMap((name) =>
            history(name, 90, () => 60 + 5 * noise()),
          );
          const oil = history('oilTempF', 90, (back) => 200 + 6 * noise() + (back < 6 ? 9 : 0));
          const plain = only([...conditions, ...oil], 'oilTempF');
          const moved = only(
            [...conditions, ...oil.map((day) => ({ ...day, mean: day.mean * scale + shift }))],
            'oilTempF',
          );
          expect(moved.baselineMedian).toBeCloseTo((plain.baselineMedian ?? 0) * scale + shift, 6);
          expect(moved.baselineMad).toBeCloseTo((plain.baselineMad ?? 0) * scale, 6);
          expect([moved.drift, moved.n]).toEqual([plain.drift, plain.n]);
        },
      ),
      { numRuns: 25 },
    );
  });
});
