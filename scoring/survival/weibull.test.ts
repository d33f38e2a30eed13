/**
 * What R's survreg cannot be asked: left truncation, against a search of the likelihood written out here from its definition,
 * and the derivatives against differences of it.
 */
import { describe, expect, test } from 'vitest';
import { simulatedLifetimes, uniformFrom } from '../../bench/reference/simulated-lifetimes.ts';
import { isRefusal, type Refusal } from './refusal.ts';
import { weibullDerivatives, type WeibullData } from './weibull-likelihood.ts';
import { fitWeibullAft, predictWeibullSurvival, type WeibullInput } from './weibull.ts';

const fitted = <T extends object>(answer: T | Refusal): T => {
  if (isRefusal(answer)) throw new Error(`refused: ${JSON.stringify(answer)}`);
  return answer;
};

/** Σ δ·log f(t) + (1 − δ)·log S(t) − log S(entry), with shape k and scale λ of the textbook Weibull; minus the ridge. */
const textbook = (input: WeibullInput, parameters: readonly number[]): number => {
  const k = Math.exp(-(parameters.at(-1) ?? 0));
  return (
    input.time.reduce((sum, t, row) => {
      const eta = (input.x[row] ?? []).reduce(
        (s, value, j) => s + value * (parameters[j + 1] ?? 0),
        parameters[0] ?? 0,
      );
      const lambda = Math.exp(eta);
      const logSurvival = (at: number): number => -((at / lambda) ** k);
      const logHazard = Math.log(k / lambda) + (k - 1) * Math.log(t / lambda);
      return sum + (input.event[row] === 1 ? logHazard : 0) + logSurvival(t) - logSurvival(input.entry?.[row] ?? 0);
    }, 0) -
    ((input.ridge ?? 0) / 2) * parameters.slice(1, -1).reduce((sum, beta) => sum + beta * beta, 0)
  );
};

/** Nelder & Mead's simplex search for a maximum, restarted around what it found until that no longer moves. */
const search = (f: (at: readonly number[]) => number, start: readonly number[]): number[] => {
  let best = [...start];
  for (let round = 0; round < 6; round++) {
    const origin = best;
    const simplex = [
      origin,
      ...origin.map((_, j) => origin.map((value, i) => value + (i === j ? 0.3 / (round + 1) : 0))),
    ].map((at) => ({ at, value: f(at) }));
    for (let step = 0; step < 1500; step++) {
      simplex.sort((a, b) => b.value - a.value);
      const worst = simplex.at(-1);
      const second = simplex.at(-2);
      const top = simplex[0];
      if (worst === undefined || second === undefined || top === undefined) break;
      if (top.value - worst.value < 2e-12 && step > 50) break;
      const centre = origin.map(
        (_, j) => simplex.slice(0, -1).reduce((s, one) => s + (one.at[j] ?? 0), 0) / origin.length,
      );
      const along = (factor: number): { at: number[]; value: number } => {
        const at = centre.map((value, j) => value + factor * (value - (worst.at[j] ?? 0)));
        return { at, value: f(at) };
      };
      const reflected = along(1);
      const replace = (one: { at: number[]; value: number }): void => void simplex.splice(-1, 1, one);
      if (reflected.value > top.value) {
        const expanded = along(2);
        replace(expanded.value > reflected.value ? expanded : reflected);
      } else if (reflected.value > second.value) replace(reflected);
      else {
        const contracted = along(reflected.value > worst.value ? 0.5 : -0.5);
        if (contracted.value > worst.value) replace(contracted);
        else {
          simplex.forEach((one, place) => {
            if (place === 0) return;
            one.at = one.at.map((value, j) => ((top.at[j] ?? 0) + value) / 2);
            one.value = f(one.at);
          });
        }
      }
    }
    simplex.sort((a, b) => b.value - a.value);
    best = simplex[0]?.at ?? best;
    if (best.every((value, j) => Math.abs(value - (origin[j] ?? 0)) < 2e-7)) break;
  }
  return best;
};

describe('left truncation', () => {
  const sets = simulatedLifetimes().filter((set) => set.entry !== null);
  test.each(sets.flatMap((set) => [0, set.ridge].map((ridge) => ({ name: set.name, ridge, set }))))(
    '$name with ridge $ridge reaches the maximum of the conditional likelihood',
    ({ set, ridge }) => {
      const input = { time: set.time, event: set.event, x: set.x, names: set.names, entry: set.entry, ridge };
      const fit = fitted(fitWeibullAft(input));
      const ours = [fit.intercept, ...fit.coefficients, Math.log(fit.scale)];
      const objective = (at: readonly number[]): number => textbook(input, at);
      expect(fit.penalizedLogLikelihood ?? fit.logLikelihood).toBeCloseTo(objective(ours), 8);
      const start = [Math.log(100), ...set.names.map(() => 0), 0];
      const found = search(objective, start);
      expect(objective(found)).toBeLessThanOrEqual(objective(ours) + 1e-9);
      found.forEach((value, j) => expect(Math.abs(value - (ours[j] ?? 0))).toBeLessThan(2e-6));
      // Standard errors from second differences of the same likelihood.
      const h = 1e-4;
      ours.forEach((_, j) => {
        const shifted = (amount: number): number[] => ours.map((value, i) => (i === j ? value + amount : value));
        const slope = (objective(shifted(1e-5)) - objective(shifted(-1e-5))) / 2e-5;
        expect(Math.abs(slope)).toBeLessThan(2e-3);
      });
      const hessian = ours.map((_, i) =>
        ours.map((__, j) => {
          const at = (a: number, b: number): number =>
            objective(ours.map((value, k) => value + (k === i ? a * h : 0) + (k === j ? b * h : 0)));
          return -(at(1, 1) - at(1, -1) - at(-1, 1) + at(-1, -1)) / (4 * h * h);
        }),
      );
      const last = ours.length - 1;
      inverseDiagonal(hessian).forEach((variance, j) => {
        expect(Math.abs(Math.sqrt(variance) / (fit.standardErrors[j] ?? 0) - 1)).toBeLessThan(j === last ? 1e-4 : 1e-3);
      });
    },
  );

  test('an entry of 0 is none', () => {
    const set = simulatedLifetimes()[0];
    if (set === undefined) throw new Error('no data');
    const { time, event, x, names } = set;
    expect(fitWeibullAft({ time, event, x, names, entry: time.map(() => 0) })).toEqual(
      fitWeibullAft({ time, event, x, names }),
    );
  });
});

/** Diagonal of the inverse by Gauss–Jordan. */
const inverseDiagonal = (matrix: readonly number[][]): number[] => {
  const size = matrix.length;
  const a = matrix.map((row, i) => [...row, ...row.map((_, j) => (i === j ? 1 : 0))]);
  for (let i = 0; i < size; i++) {
    const pivotRow = a[i] ?? [];
    const pivot = pivotRow[i] ?? Number.NaN;
    for (let j = 0; j < 2 * size; j++) pivotRow[j] = (pivotRow[j] ?? 0) / pivot;
    for (let k = 0; k < size; k++) {
      if (k === i) continue;
      const row = a[k] ?? [];
      const factor = row[i] ?? 0;
      for (let j = 0; j < 2 * size; j++) row[j] = (row[j] ?? 0) - factor * (pivotRow[j] ?? 0);
    }
  }
  return a.map((row, i) => row[size + i] ?? Number.NaN);
};

test('gradient and information are the differences of the log-likelihood', () => {
  const uniform = uniformFrom(77);
  const count = 25;
  const width = 2;
  const logTime = Float64Array.from({ length: count }, () => 2 * uniform() - 1);
  const data: WeibullData = {
    count,
    width,
    logTime,
    logEntry: logTime.map((value, i) => (i % 3 === 0 ? -Infinity : value - uniform())),
    event: Uint8Array.from({ length: count }, () => (uniform() < 0.6 ? 1 : 0)),
    z: Float64Array.from({ length: count * width }, () => 2 * uniform() - 1),
  };
  const at = Float64Array.from([0.3, -0.4, 0.7, -0.2]);
  const { gradient, information } = weibullDerivatives(data, at);
  const h = 1e-6;
  at.forEach((_, j) => {
    const up = weibullDerivatives(data, at.with(j, (at[j] ?? 0) + h));
    const down = weibullDerivatives(data, at.with(j, (at[j] ?? 0) - h));
    expect((up.logLikelihood - down.logLikelihood) / (2 * h)).toBeCloseTo(gradient[j] ?? Number.NaN, 5);
    for (let i = j; i < at.length; i++) {
      const curve = -((up.gradient[i] ?? 0) - (down.gradient[i] ?? 0)) / (2 * h);
      expect(curve).toBeCloseTo(information[i * at.length + j] ?? Number.NaN, 5);
    }
  });
});

describe('no maximum', () => {
  test('failures that the columns reproduce exactly leave no scale', () => {
    expect(fitWeibullAft({ time: [5, 5, 3, 4], event: [1, 1, 0, 0], x: [[], [], [], []], names: [] })).toEqual({
      kind: 'insufficient_data',
      have: 1,
      need: 2,
    });
    expect(fitWeibullAft({ time: [2, 4, 1, 3], event: [1, 1, 0, 0], x: [[0], [1], [0], [1]], names: ['a'] })).toEqual({
      kind: 'insufficient_data',
      have: 2,
      need: 3,
    });
    // A ridge does not hold a scale.
    expect(fitWeibullAft({ time: [5, 5], event: [1, 1], x: [[1], [2]], names: ['a'], ridge: 1 })).toMatchObject({
      kind: 'insufficient_data',
    });
  });

  test('one failure before censored rows has a maximum', () => {
    const fit = fitted(fitWeibullAft({ time: [5, 9, 12], event: [1, 0, 0], x: [[], [], []], names: [] }));
    expect(
      Object.values(fit)
        .flat()
        .filter((value) => typeof value === 'number')
        .every(Number.isFinite),
    ).toBe(true);
  });
});

test('a row censored at 0 says nothing, a failure at 0 cannot be', () => {
  const input = { time: [3, 5, 8, 13], event: [1, 1, 0, 1], x: [[0], [1], [0], [1]], names: ['a'] };
  expect(
    fitWeibullAft({ ...input, time: [...input.time, 0], event: [...input.event, 0], x: [...input.x, [1]] }),
  ).toEqual(fitWeibullAft(input));
  expect(() => fitWeibullAft({ ...input, time: [0, 5, 8, 13] })).toThrow(RangeError);
});

test('predicted survival is the curve of the fit', () => {
  const fit = { intercept: 3, coefficients: [0.5], scale: 0.5 };
  const [curve] = predictWeibullSurvival(fit, [[2]], [0, Math.exp(4), 1e300]);
  expect(curve?.[0]).toBe(1);
  expect(curve?.[1]).toBeCloseTo(Math.exp(-1), 12);
  expect(curve?.[2]).toBe(0);
  expect(() => predictWeibullSurvival(fit, [[1, 2]], [1])).toThrow(RangeError);
  expect(() => predictWeibullSurvival(fit, [[1]], [-1])).toThrow(RangeError);
});
