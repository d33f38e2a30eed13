/** Brier, AUC, Uno's concordance and D-calibration against their definitions written out pair by pair. */
import { describe, expect, test } from 'vitest';
import { uniformFrom } from '../../bench/reference/simulated-lifetimes.ts';
import { brierScores, integratedBrier } from './brier.ts';
import { chiSquareTail } from './chi-square.ts';
import { concordance } from './concordance.ts';
import { dCalibration } from './d-calibration.ts';
import { timeDependentAuc } from './time-dependent-auc.ts';
import { unoConcordance } from './uno-concordance.ts';

const insufficient = (have: number, need: number): object => ({ kind: 'insufficient_data', have, need });

/** G by its product, one factor per distinct censoring time; `isBefore` leaves out the time itself. */
const censoringAt = (time: number[], event: number[], t: number, isBefore: boolean): number =>
  [...new Set(time.filter((u, i) => event[i] === 0 && (isBefore ? u < t : u <= t)))].reduce((g, u) => {
    const censored = time.filter((v, i) => v === u && event[i] === 0).length;
    const atRisk = time.filter((v, i) => v > u || (v === u && event[i] === 0)).length;
    return g * (1 - censored / atRisk);
  }, 1);

const rows = (seed: number, count: number): { time: number[]; event: number[]; risk: number[] } => {
  const uniform = uniformFrom(seed);
  return {
    time: Array.from({ length: count }, () => 1 + Math.floor(uniform() * 20)),
    event: Array.from({ length: count }, () => (uniform() < 0.6 ? 1 : 0)),
    risk: Array.from({ length: count }, () => Math.floor(uniform() * 8)),
  };
};

describe.each([1, 2, 3, 4, 5])('rows of seed %i', (seed) => {
  const train = rows(seed, 60);
  train.time.push(30);
  train.event.push(1);
  const { time, event, risk } = rows(seed + 100, 40);
  const judged = { trainTime: train.time, trainEvent: train.event, time, event };
  const before = (t: number): number => censoringAt(train.time, train.event, t, true);
  const after = (t: number): number => censoringAt(train.time, train.event, t, false);
  const times = [3, 7.5, 12, 17];
  const survivalAt = risk.map((r) => times.map((t) => Math.exp((-t * (1 + r)) / 60)));

  test('Brier', () => {
    const expected = times.map(
      (t, place) =>
        time.reduce((sum, own, row) => {
          const s = survivalAt[row]?.[place] ?? Number.NaN;
          if (own > t) return sum + (1 - s) ** 2 / after(t);
          return event[row] === 1 ? sum + s ** 2 / before(own) : sum;
        }, 0) / time.length,
    );
    const ours = brierScores({ ...judged, times, survivalAt });
    if (!Array.isArray(ours)) throw new Error('refused');
    expected.forEach((value, place) => expect(ours[place]).toBeCloseTo(value, 12));
    const [a = 0, b = 0, c = 0, d = 0] = expected;
    const area = (4.5 * (a + b)) / 2 + (4.5 * (b + c)) / 2 + (5 * (c + d)) / 2;
    expect(integratedBrier({ ...judged, times, survivalAt })).toBeCloseTo(area / 14, 12);
  });

  test('AUC', () => {
    const expected = times.map((t) => {
      let won = 0;
      let all = 0;
      time.forEach((ti, i) => {
        if (event[i] === 0 || ti > t) return;
        time.forEach((tj, j) => {
          if (tj <= t) return;
          const weight = 1 / before(ti) / after(t);
          all += weight;
          won += weight * ((risk[i] ?? 0) > (risk[j] ?? 0) ? 1 : risk[i] === risk[j] ? 0.5 : 0);
        });
      });
      return won / all;
    });
    const ours = timeDependentAuc({ ...judged, risk, times });
    if (!Array.isArray(ours)) throw new Error('refused');
    expected.forEach((value, place) => expect(ours[place]).toBeCloseTo(value, 12));
  });

  test('concordance, Harrell with entries and strata, Uno up to tau', () => {
    const entry = time.map((t, row) => (row % 3 === 0 ? 0 : t * 0.6));
    const strata = time.map((_, row) => (row % 2 === 0 ? 'north' : 'south'));
    const pairs = (weight: (t: number) => number, isWatched: (i: number, j: number) => boolean): number => {
      let won = 0;
      let all = 0;
      time.forEach((ti, i) => {
        time.forEach((tj, j) => {
          const isLater = tj > ti || (tj === ti && event[j] === 0);
          if (event[i] === 0 || !isLater || !isWatched(i, j)) return;
          all += weight(ti);
          won += weight(ti) * ((risk[i] ?? 0) > (risk[j] ?? 0) ? 1 : risk[i] === risk[j] ? 0.5 : 0);
        });
      });
      return won / all;
    };
    const one = (): number => 1;
    expect(concordance({ time, event, risk })).toBe(pairs(one, () => true));
    expect(concordance({ time, event, risk, entry, strata })).toBe(
      pairs(one, (i, j) => strata[i] === strata[j] && (entry[j] ?? 0) < (time[i] ?? 0)),
    );
    const uno = pairs(
      (t) => (t < 12 ? before(t) ** -2 : 0),
      () => true,
    );
    expect(unoConcordance({ ...judged, risk, tau: 12 })).toBeCloseTo(uno, 12);
  });
});

describe('undefined', () => {
  const judged = { trainTime: [1, 2, 3], trainEvent: [1, 1, 0], time: [1, 2, 4, 5], event: [1, 0, 1, 0] };

  test('weights where training left nobody uncensored', () => {
    const survivalAt = judged.time.map(() => [0.9, 0.5]);
    expect(brierScores({ ...judged, times: [2, 3], survivalAt })).toEqual(insufficient(1, 2));
    expect(integratedBrier({ ...judged, times: [2, 3], survivalAt })).toEqual(insufficient(1, 2));
    expect(timeDependentAuc({ ...judged, risk: [4, 3, 2, 1], times: [2, 3] })).toEqual(insufficient(1, 2));
    expect(unoConcordance({ ...judged, risk: [4, 3, 2, 1], tau: 10 })).toEqual(insufficient(1, 2));
    expect(unoConcordance({ ...judged, risk: [4, 3, 2, 1], tau: 3 })).toBe(1);
  });

  test('nothing to compare', () => {
    expect(concordance({ time: [], event: [], risk: [] })).toEqual(insufficient(0, 1));
    expect(concordance({ time: [2, 2], event: [1, 1], risk: [1, 2] })).toEqual(insufficient(0, 1));
    expect(concordance({ time: [1, 2], event: [0, 0], risk: [1, 2] })).toEqual(insufficient(0, 1));
    expect(unoConcordance({ ...judged, risk: [1, 2, 3, 4], tau: 0 })).toEqual(insufficient(0, 1));
    expect(timeDependentAuc({ ...judged, risk: [1, 2, 3, 4], times: [0.5] })).toEqual(insufficient(0, 1));
    expect(integratedBrier({ ...judged, times: [2], survivalAt: judged.time.map(() => [1]) })).toEqual(
      insufficient(1, 2),
    );
    expect(dCalibration({ event: [], survivalAtTime: [] })).toEqual(insufficient(0, 1));
  });
});

describe('ties of R', () => {
  test('a row censored at the time of a failure outlives it', () => {
    expect(concordance({ time: [5, 5], event: [1, 0], risk: [2, 1] })).toBe(1);
    expect(concordance({ time: [5, 5], event: [1, 0], risk: [1, 2] })).toBe(0);
  });
  test('equal risks count one half', () => {
    expect(concordance({ time: [1, 2, 3], event: [1, 1, 1], risk: [1, 1, 0] })).toBe(2.5 / 3);
  });
});

describe('D-calibration', () => {
  test('failures fall into their bin, censored rows spread below theirs', () => {
    const answer = dCalibration({ event: [1, 1, 0], survivalAtTime: [0.1, 1, 0.25], bins: 4 });
    if ('kind' in answer) throw new Error('refused');
    // 0.25 is the lower edge of the second bin: all of it goes to the first.
    expect(answer.bins).toEqual([2, 0, 0, 1]);
    expect(answer.chiSquare).toBeCloseTo((1.25 ** 2 + 2 * 0.75 ** 2 + 0.25 ** 2) / 0.75, 12);
    const spread = dCalibration({ event: [0], survivalAtTime: [0.8], bins: 5 });
    if ('kind' in spread) throw new Error('refused');
    spread.bins.forEach((value, bin) => expect(value).toBeCloseTo(bin < 4 ? 0.25 : 0, 12));
  });

  test('perfect calibration has p = 1, all in one bin p = 0', () => {
    const even = Array.from({ length: 100 }, (_, i) => (i + 0.5) / 100);
    expect(dCalibration({ event: even.map(() => 1), survivalAtTime: even })).toMatchObject({ pValue: 1 });
    const answer = dCalibration({ event: even.map(() => 1), survivalAtTime: even.map(() => 0.95) });
    expect(answer).toMatchObject({ chiSquare: 900 });
    expect('pValue' in answer ? answer.pValue : 1).toBeLessThan(1e-180);
    expect(dCalibration({ event: [0], survivalAtTime: [0] })).toMatchObject({ bins: [1, 0, 0, 0, 0, 0, 0, 0, 0, 0] });
  });

  test('the tail is that of R: pchisq(x, df, lower.tail = FALSE)', () => {
    const table = [
      [3.84, 1, 0.0500435212487052],
      [16.9, 9, 0.0503051901243109],
      [2, 9, 0.991467606628814],
      [100, 9, 1.57351763037539e-17],
      [0, 4, 1],
      [500, 499, 0.478971604481201],
    ] as const;
    for (const [x, degrees, p] of table) expect(chiSquareTail(x, degrees) / p).toBeCloseTo(1, 9);
  });
});
