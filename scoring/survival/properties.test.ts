/** What must hold for any data: order of rows and units do not matter, and no finite input makes a NaN. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { simulatedLifetimes, type SimulatedLifetimes } from '../../bench/reference/simulated-lifetimes.ts';
import { concordance } from './concordance.ts';
import { predictCoxSurvival } from './cox-baseline.ts';
import { fitCoxPh, type CoxFit, type CoxInput } from './cox.ts';
import { kaplanMeier } from './kaplan-meier.ts';
import { isRefusal, type Refusal } from './refusal.ts';
import { fitWeibullAft, predictWeibullSurvival } from './weibull.ts';

const fitted = <T extends object>(answer: T | Refusal): T => {
  if (isRefusal(answer)) throw new Error(`refused: ${JSON.stringify(answer)}`);
  return answer;
};
const usable = [
  'plain',
  'ties',
  'truncated',
  'truncated-ties',
  'strata',
  'truncated-strata',
  'own-units',
  'duplicated',
];
const sets = simulatedLifetimes().filter((set) => usable.includes(set.name));
const anySet = fc.constantFrom(...sets);
const inputOf = (set: SimulatedLifetimes): CoxInput => ({
  time: set.time,
  event: set.event,
  x: set.x,
  names: set.names,
  entry: set.entry,
  strata: set.strata,
});
const same = (a: readonly number[], b: readonly number[], unit: readonly number[]): void => {
  a.forEach((value, j) => expect(Math.abs(value - (b[j] ?? Number.NaN))).toBeLessThanOrEqual(1e-7 * (unit[j] ?? 1)));
};

/** A shuffled order of so many rows, from a list of sort keys. */
const orderOf = (keys: readonly number[], count: number): number[] =>
  Array.from({ length: count }, (_, row) => row).sort(
    (a, b) => (keys[a % keys.length] ?? 0) * ((a % 7) + 1) - (keys[b % keys.length] ?? 0) * ((b % 7) + 1) || b - a,
  );
const take = <T>(values: readonly T[], order: readonly number[]): T[] => order.map((row) => values[row] as T);

describe('the order of rows', () => {
  test('changes no fit, curve or concordance', () => {
    fc.assert(
      fc.property(
        anySet,
        fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 3, maxLength: 40 }),
        (set, keys) => {
          const input = inputOf(set);
          const order = orderOf(keys, set.time.length);
          const shuffled: CoxInput = {
            ...input,
            time: take(set.time, order),
            event: take(set.event, order),
            x: take(set.x, order),
            entry: set.entry === null ? null : take(set.entry, order),
            strata: set.strata === null ? null : take(set.strata, order),
          };
          const a = fitted(fitCoxPh(input));
          const b = fitted(fitCoxPh(shuffled));
          same(a.coefficients, b.coefficients, a.standardErrors);
          expect(b.concordance).toBe(a.concordance);
          const wa = fitted(fitWeibullAft(input));
          const wb = fitted(fitWeibullAft(shuffled));
          same(wa.coefficients, wb.coefficients, wa.standardErrors.slice(1));
          expect(kaplanMeier(shuffled)).toEqual(kaplanMeier(input));
          expect(concordance({ ...shuffled, risk: take(set.risk, order) })).toBe(
            concordance({ ...input, risk: set.risk }),
          );
        },
      ),
      { numRuns: 15 },
    );
  });
});

describe('units', () => {
  test('of a column scale its coefficient; an offset changes none', () => {
    fc.assert(
      fc.property(
        anySet,
        fc.integer({ min: -12, max: 12 }),
        fc.integer({ min: -1000, max: 1000 }),
        (set, power, offset) => {
          const factor = 10 ** power;
          const input = inputOf(set);
          const spread = Math.max(...set.x.map(([a = 0]) => Math.abs(a)));
          const x = set.x.map(([a = 0, ...rest]) => [(a + offset * spread * 1e-3) * factor, ...rest]);
          const a = fitted(fitCoxPh(input));
          const b = fitted(fitCoxPh({ ...input, x }));
          same(a.coefficients, b.coefficients.with(0, (b.coefficients[0] ?? 0) * factor), a.standardErrors);
          const wa = fitted(fitWeibullAft(input));
          const wb = fitted(fitWeibullAft({ ...input, x }));
          same(
            wa.coefficients,
            wb.coefficients.with(0, (wb.coefficients[0] ?? 0) * factor),
            wa.standardErrors.slice(1),
          );
          expect(Math.abs(wa.scale / wb.scale - 1)).toBeLessThan(1e-7);
        },
      ),
      { numRuns: 20 },
    );
  });

  test('of time leave Cox alone and move the Weibull intercept', () => {
    fc.assert(
      fc.property(anySet, fc.integer({ min: -30, max: 30 }), (set, power) => {
        // Powers of two keep every tie a tie.
        const factor = 2 ** power;
        const input = inputOf(set);
        const inUnits = {
          ...input,
          time: set.time.map((t) => t * factor),
          entry: set.entry === null ? null : set.entry.map((t) => t * factor),
        };
        const a = fitted(fitCoxPh(input));
        const b = fitted(fitCoxPh(inUnits));
        expect(b.coefficients).toEqual(a.coefficients);
        expect(b.logLikelihood).toBe(a.logLikelihood);
        expect(b.concordance).toBe(a.concordance);
        const wa = fitted(fitWeibullAft(input));
        const wb = fitted(fitWeibullAft(inUnits));
        same(wa.coefficients, wb.coefficients, wa.standardErrors.slice(1));
        expect(Math.abs(wb.intercept - wa.intercept - Math.log(factor))).toBeLessThan(
          1e-6 * (wa.standardErrors[0] ?? 1),
        );
      }),
      { numRuns: 20 },
    );
  });
});

test('every row twice: Breslow keeps its coefficients, errors shrink by √2', () => {
  for (const set of sets) {
    const input = { ...inputOf(set), ties: 'breslow' as const };
    const twice = {
      ...input,
      time: [...set.time, ...set.time],
      event: [...set.event, ...set.event],
      x: [...set.x, ...set.x],
      entry: set.entry === null ? null : [...set.entry, ...set.entry],
      strata: set.strata === null ? null : [...set.strata, ...set.strata],
    };
    const a = fitted(fitCoxPh(input));
    const b = fitted(fitCoxPh(twice));
    same(a.coefficients, b.coefficients, a.standardErrors);
    same(
      a.standardErrors.map((value) => value / Math.SQRT2),
      b.standardErrors,
      a.standardErrors,
    );
  }
});

test('a heavier ridge never makes Σβ² larger, nor the likelihood higher', () => {
  for (const set of simulatedLifetimes().filter((one) => one.name !== 'all-censored')) {
    for (const fit of [fitCoxPh, fitWeibullAft]) {
      let before: { squares: number; logLikelihood: number } | null = null;
      for (const ridge of [0.01, 0.1, 1, 10, 100, 1e4]) {
        const one = fitted<Pick<CoxFit, 'coefficients' | 'logLikelihood'>>(fit({ ...inputOf(set), ridge }));
        const squares = one.coefficients.reduce((sum, value) => sum + value * value, 0);
        if (before !== null) {
          expect(squares).toBeLessThanOrEqual(before.squares * (1 + 1e-9));
          expect(one.logLikelihood).toBeLessThanOrEqual(before.logLikelihood + 1e-9);
        }
        before = { squares, logLikelihood: one.logLikelihood };
      }
    }
  }
});

describe('any finite input', () => {
  const isPlain = (value: unknown): boolean =>
    typeof value === 'number'
      ? Number.isFinite(value)
      : typeof value !== 'object' || value === null || Object.values(value).every(isPlain);
  const anyNumber = fc.oneof(
    fc.integer({ min: -3, max: 3 }),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.double({ min: -1e9, max: 1e9, noNaN: true }),
  );
  const anyTime = fc.oneof(
    fc.integer({ min: 1, max: 6 }),
    fc.double({ min: Number.MIN_VALUE, max: Number.MAX_VALUE, noNaN: true }),
    fc.double({ min: 0.1, max: 1000, noNaN: true }),
  );
  const anyRow = fc.record({
    time: anyTime,
    share: fc.constantFrom(0, 0, 0.5, 0.999),
    event: fc.constantFrom(0, 1),
    stratum: fc.constantFrom('a', 'b'),
    cells: fc.tuple(anyNumber, anyNumber),
  });
  test('gives finite numbers, null or a tag; curves fall from 1 to 0', { timeout: 30_000 }, () => {
    fc.assert(
      fc.property(
        fc.array(anyRow, { maxLength: 14 }),
        fc.boolean(),
        fc.boolean(),
        fc.constantFrom(0, 0, 1e-9, 1, 1e9),
        fc.constantFrom('efron' as const, 'breslow' as const),
        (rows, isTruncated, isStratified, ridge, ties) => {
          const time = rows.map((row) => row.time);
          const input: CoxInput = {
            time,
            event: rows.map((row) => row.event),
            x: rows.map((row) => [...row.cells]),
            names: ['a', 'b'],
            entry: isTruncated ? rows.map((row) => (row.time * row.share < row.time ? row.time * row.share : 0)) : null,
            strata: isStratified ? rows.map((row) => row.stratum) : null,
            ridge,
            ties,
          };
          const cox = fitCoxPh(input);
          const weibull = fitWeibullAft(input);
          expect([cox, weibull, kaplanMeier(input)].every(isPlain)).toBe(true);
          const times = [...time].sort((a, b) => a - b);
          const curves: number[][] = [];
          if (!isRefusal(cox)) {
            const baselines = Array.isArray(cox.baseline) ? cox.baseline : [cox.baseline];
            for (const baseline of baselines) curves.push(...predictCoxSurvival(cox, baseline, input.x, times));
          }
          if (!isRefusal(weibull)) curves.push(...predictWeibullSurvival(weibull, input.x, times));
          for (const curve of curves) expect(curve.every((s, k) => s >= 0 && s <= (curve[k - 1] ?? 1))).toBe(true);
        },
      ),
      { numRuns: 300 },
    );
  });

  test('the same input gives the same bytes', () => {
    for (const set of sets) {
      expect(JSON.stringify(fitCoxPh(inputOf(set)))).toBe(JSON.stringify(fitCoxPh(inputOf(set))));
      expect(JSON.stringify(fitWeibullAft(inputOf(set)))).toBe(JSON.stringify(fitWeibullAft(inputOf(set))));
    }
  });
});

test('concordance of the opposite risk is the rest', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({ t: fc.integer({ min: 0, max: 9 }), d: fc.constantFrom(0, 1), r: fc.integer({ min: 0, max: 4 }) }),
      ),
      (rows) => {
        const input = { time: rows.map((row) => row.t), event: rows.map((row) => row.d) };
        const c = concordance({ ...input, risk: rows.map((row) => row.r) });
        const opposite = concordance({ ...input, risk: rows.map((row) => -row.r) });
        if (typeof c === 'number') expect(opposite).toBeCloseTo(1 - c, 12);
        else expect(opposite).toEqual(c);
      },
    ),
  );
});
