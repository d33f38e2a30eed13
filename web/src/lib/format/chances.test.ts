import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { signalNames } from '#contracts/telemetry';
import {
  chanceInTrucks,
  chanceWord,
  formatChance,
  formatLife,
  formatLifeRange,
  formatRate,
  lifeMarks,
  lifePosition,
  longestLifeDays,
  rateInterval,
} from './chances.ts';
import { formatSignal, signalWord } from './signals.ts';

const chances = fc.double({ min: 0, max: 1, noNaN: true });

describe('a chance', () => {
  it('is never nothing and never certain', () => {
    expect([0, 0.004, 0.005, 0.284, 0.994, 0.996, 1].map(formatChance)).toEqual([
      ...['<1 %', '<1 %', '1 %', '28 %', '99 %', '>99 %', '>99 %'],
    ]);
    expect([0, 0.062, 0.2, 1].map(formatRate)).toEqual(['0 %', '6.2 %', '20 %', '100 %']);
  });

  it('has the word of the percent that is shown, and words that only rise', () => {
    expect([0.002, 0.05, 0.2, 0.5, 0.657, 0.8, 0.95].map(chanceWord)).toEqual([
      ...['very unlikely', 'unlikely', 'possible', 'about even', 'likely', 'likely', 'very likely'],
    ]);
    const rank = ['very unlikely', 'unlikely', 'possible', 'about even', 'likely', 'very likely'];
    fc.assert(
      fc.property(chances, chances, (a, b) => {
        const [less, more] = a <= b ? [a, b] : [b, a];
        expect(rank.indexOf(chanceWord(less))).toBeLessThanOrEqual(rank.indexOf(chanceWord(more)));
      }),
    );
  });

  it('is told as a count of trucks', () => {
    expect([0.001, 0.02, 0.1, 0.28, 0.5, 0.97].map(chanceInTrucks)).toEqual([
      'fewer than 1 in 200 such trucks',
      'about 1 in 50 such trucks',
      'about 1 in 10 such trucks',
      'about 3 in 10 such trucks',
      'about half of such trucks',
      'nearly all such trucks',
    ]);
    fc.assert(
      fc.property(chances, (chance) => {
        expect(chanceInTrucks(chance)).not.toMatch(/NaN|Infinity| 0 in/);
      }),
    );
  });
});

describe('a remaining life', () => {
  it('is told in the unit that fits, a range in one where both ends have it', () => {
    expect([0.3, 1, 12.4, 59, 61, 800, 5000].map(formatLife)).toEqual([
      ...['under a day', '1 day', '12 days', '59 days', '2 months', '2.2 years', 'over 10 years'],
    ]);
    expect(formatLifeRange(12, 48)).toBe('12–48 days');
    expect(formatLifeRange(91, 425)).toBe('3–14 months');
    expect(formatLifeRange(20, 240)).toBe('20 days to 8 months');
    expect(formatLifeRange(300, 3650)).toBe('10 months to over 10 years');
    expect(formatLifeRange(0.2, 5)).toBe('under a day to 5 days');
    expect(formatLifeRange(12.1, 12.3)).toBe('12 days');
  });

  it('stands on its axis in order, from a day to ten years', () => {
    expect([lifePosition(0), lifePosition(1), lifePosition(longestLifeDays), lifePosition(1e9)]).toEqual([0, 0, 1, 1]);
    const positions = lifeMarks.map(({ days }) => lifePosition(days));
    expect(positions).toEqual(positions.toSorted((a, b) => a - b));
  });
});

describe('what a rate seen in few cases may really be', () => {
  it('is Wilson’s interval', () => {
    const { from, to } = rateInterval(0.1, 100);
    // R: prop.test(10, 100, correct = FALSE)$conf.int
    expect([from, to].map((value) => Number(value.toFixed(5)))).toEqual([0.05523, 0.17437]);
    expect(rateInterval(0.5, 0)).toEqual({ from: 0, to: 1 });
  });
  it('holds the rate, stays between 0 and 1 and narrows with more cases', () => {
    fc.assert(
      fc.property(chances, fc.integer({ min: 1, max: 10_000 }), (rate, n) => {
        const few = rateInterval(rate, n);
        const many = rateInterval(rate, n * 4);
        expect(few.from).toBeLessThanOrEqual(rate + 1e-12);
        expect(few.to).toBeGreaterThanOrEqual(rate - 1e-12);
        expect(few.from).toBeGreaterThanOrEqual(0);
        expect(few.to).toBeLessThanOrEqual(1);
        expect(many.to - many.from).toBeLessThanOrEqual(few.to - few.from);
      }),
    );
  });
});

describe('the signals', () => {
  it('have a word and a unit each, in both systems', () => {
    for (const name of signalNames) {
      expect(signalWord(name)).not.toMatch(/(Temp|Psi|Percent|Volts|Gph)/);
      expect(formatSignal(name, 20, 'us')).toMatch(/ \S/);
      expect(formatSignal(name, 20, 'metric')).not.toMatch(/°F|psi|gal/);
    }
    expect(formatSignal('coolantTempF', 228, 'us')).toBe('228 °F');
    expect(formatSignal('coolantTempF', 212, 'metric')).toBe('100 °C');
    expect(formatSignal('oilPressurePsi', 42.123, 'us')).toBe('42.1 psi');
    expect(formatSignal('batteryVolts', 12.345, 'us')).toBe('12.3 V');
  });
  it('that nobody knows are taken apart, never lost', () => {
    expect(signalWord('jointReadings')).toBe('Joint readings');
    expect(signalWord('fault_rate')).toBe('Fault rate');
    expect(signalWord('constructor')).toBe('Constructor');
    expect(formatSignal('jointReadings', 0.7123, 'us')).toBe('0.71');
  });
});
