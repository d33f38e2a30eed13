/** Against R survival 3.5-3: bench/reference/make-fixtures.R on the simulated lifetimes, numbers to 1e-6, concordance exactly. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { simulatedLifetimes } from '../../bench/reference/simulated-lifetimes.ts';
import { concordance, countPairs, readRisk, tiedWithin } from './concordance.ts';
import { fitCoxPh, type CoxFit } from './cox.ts';
import { kaplanMeier } from './kaplan-meier.ts';
import { readLifetimes } from './lifetimes.ts';
import { isRefusal, type Refusal } from './refusal.ts';
import { unoConcordance } from './uno-concordance.ts';
import { fitWeibullAft } from './weibull.ts';

const numbers = z.array(z.number());
const coxSchema = z.object({
  coefficients: numbers,
  standardErrors: numbers,
  nullLogLikelihood: z.number(),
  logLikelihood: z.number(),
  concordance: z.number().nullable(),
  time: numbers,
  cumulativeHazard: numbers,
});
const weibullSchema = z.object({
  intercept: z.number(),
  coefficients: numbers,
  scale: z.number(),
  standardErrors: numbers,
  logLikelihood: z.number(),
});
const fixtureSchema = z.object({
  kaplanMeier: z.object({
    time: numbers,
    survival: numbers,
    standardError: z.array(z.number().nullable()),
    atRisk: numbers,
    events: numbers,
  }),
  efron: coxSchema.optional(),
  efronRidge: coxSchema.optional(),
  breslow: coxSchema.optional(),
  breslowRidge: coxSchema.optional(),
  concordance: z
    .object({ value: z.number(), concordant: z.number(), discordant: z.number(), tied: z.number() })
    .optional(),
  uno: z.number().optional(),
  weibull: weibullSchema.optional(),
  weibullRidge: weibullSchema.optional(),
});

const tolerance = 1e-6;
/** Within 1e-6, relative above 1. */
const close = (ours: number | null | undefined, theirs: number): void => {
  expect(ours).toBeTypeOf('number');
  expect(Math.abs((ours ?? Number.NaN) - theirs)).toBeLessThanOrEqual(tolerance * Math.max(1, Math.abs(theirs)));
};
const allClose = (ours: readonly (number | null)[], theirs: readonly number[]): void => {
  expect(ours.length).toBe(theirs.length);
  theirs.forEach((value, place) => close(ours[place], value));
};
/** Numbers far below 1 (coefficients per mile) count relative to their standard error. */
const closeInErrors = (ours: readonly number[], theirs: readonly number[], errors: readonly number[]): void => {
  expect(ours.length).toBe(theirs.length);
  theirs.forEach((value, place) => {
    expect(Math.abs((ours[place] ?? Number.NaN) - value)).toBeLessThanOrEqual(
      tolerance * Math.max(Math.abs(value), errors[place] ?? 0),
    );
  });
};
const fitted = <T extends object>(answer: T | Refusal): T => {
  if (isRefusal(answer)) throw new Error(`refused: ${JSON.stringify(answer)}`);
  return answer;
};

describe.each(simulatedLifetimes().map((set) => [set.name, set] as const))('%s', (name, set) => {
  const fixture = fixtureSchema.parse(
    JSON.parse(readFileSync(join(import.meta.dirname, 'fixtures', `${name}.json`), 'utf8')),
  );
  const input = {
    time: set.time,
    event: set.event,
    x: set.x,
    names: set.names,
    entry: set.entry ?? undefined,
    strata: set.strata ?? undefined,
  };

  test('Kaplan–Meier', () => {
    const ours = fitted(kaplanMeier(input));
    const theirs = fixture.kaplanMeier;
    expect(ours.time).toEqual(theirs.time);
    expect(ours.atRisk).toEqual(theirs.atRisk);
    expect(ours.events).toEqual(theirs.events);
    allClose(ours.survival, theirs.survival);
    theirs.standardError.forEach((value, place) => {
      if (value === null) expect(ours.standardError[place]).toBeNull();
      else close(ours.standardError[place], value);
    });
  });

  test.each(['efron', 'breslow'] as const)('Cox, %s', (ties) => {
    const compare = (ours: CoxFit, theirs: z.infer<typeof coxSchema>): void => {
      closeInErrors(ours.coefficients, theirs.coefficients, theirs.standardErrors);
      closeInErrors(ours.standardErrors, theirs.standardErrors, theirs.standardErrors);
      close(ours.logLikelihood, theirs.logLikelihood);
      close(ours.nullLogLikelihood, theirs.nullLogLikelihood);
      if (theirs.concordance === null) expect(ours.concordance).toBeNull();
      else expect(ours.concordance).toBeCloseTo(theirs.concordance, 10);
      const baselines = Array.isArray(ours.baseline) ? ours.baseline : [ours.baseline];
      expect(Array.isArray(ours.baseline)).toBe(set.strata !== null);
      expect(baselines.flatMap((baseline) => baseline.time)).toEqual(theirs.time);
      const hazards = baselines.flatMap((baseline) => baseline.cumulativeHazard);
      theirs.cumulativeHazard.forEach((value, place) => {
        const own = hazards[place];
        expect(own).toBeTypeOf('number');
        // Where x = 0 lies far outside, Λ spans hundreds of decades: compared as a ratio.
        expect(Math.abs((own ?? Number.NaN) - value)).toBeLessThanOrEqual(2e-6 * Math.max(value, 1e-300));
      });
    };
    const plain = fixture[ties];
    const ridged = fixture[ties === 'efron' ? 'efronRidge' : 'breslowRidge'];
    const ours = fitCoxPh({ ...input, ties });
    if (plain === undefined) {
      expect(ours).toEqual(
        name === 'all-censored'
          ? { kind: 'no_events', have: 0, need: 1 }
          : name === 'separated'
            ? { kind: 'separation', column: 'x3' }
            : { kind: 'collinear', column: 'x3' },
      );
    } else {
      compare(fitted(ours), plain);
      expect(fitted(ours).penalizedLogLikelihood).toBeUndefined();
    }
    if (ridged === undefined) return;
    const withRidge = fitted(fitCoxPh({ ...input, ties, ridge: set.ridge }));
    compare(withRidge, ridged);
    const squares = withRidge.coefficients.reduce((sum, value) => sum + value * value, 0);
    expect(withRidge.penalizedLogLikelihood).toBeCloseTo(withRidge.logLikelihood - (set.ridge / 2) * squares, 10);
  });

  test('Weibull', () => {
    const compare = (answer: ReturnType<typeof fitWeibullAft>, theirs: z.infer<typeof weibullSchema>): void => {
      const ours = fitted(answer);
      closeInErrors(
        [ours.intercept, ...ours.coefficients],
        [theirs.intercept, ...theirs.coefficients],
        theirs.standardErrors,
      );
      closeInErrors(ours.standardErrors, theirs.standardErrors, theirs.standardErrors);
      close(ours.scale, theirs.scale);
      close(ours.logLikelihood, theirs.logLikelihood);
    };
    if (fixture.weibull !== undefined) compare(fitWeibullAft(input), fixture.weibull);
    else if (fixture.weibullRidge !== undefined) expect(isRefusal(fitWeibullAft(input))).toBe(true);
    if (fixture.weibullRidge !== undefined)
      compare(fitWeibullAft({ ...input, ridge: set.ridge }), fixture.weibullRidge);
    if (name === 'separated') expect(fitWeibullAft(input)).toEqual({ kind: 'separation', column: 'x3' });
    if (name === 'collinear') expect(fitWeibullAft(input)).toEqual({ kind: 'collinear', column: 'x3' });
    if (name === 'all-censored') expect(fitWeibullAft(input)).toEqual({ kind: 'no_events', have: 0, need: 1 });
  });

  test('concordance, Harrell and Uno', () => {
    const ours = concordance({ ...input, risk: set.risk });
    if (fixture.concordance === undefined) {
      expect(ours).toEqual({ kind: 'insufficient_data', have: 0, need: 1 });
      return;
    }
    const lifetimes = fitted(readLifetimes(input));
    const risk = fitted(readRisk(set.risk, set.time.length));
    const { concordant, discordant, tied } = countPairs(lifetimes, tiedWithin(risk, 0));
    expect({ concordant, discordant, tied }).toEqual({
      concordant: fixture.concordance.concordant,
      discordant: fixture.concordance.discordant,
      tied: fixture.concordance.tied,
    });
    expect(ours).toBeCloseTo(fixture.concordance.value, 10);
    if (fixture.uno === undefined) return;
    const { time, event } = set;
    const uno = unoConcordance({ trainTime: time, trainEvent: event, time, event, risk: set.risk, tau: 1e9 });
    expect(uno).toBeCloseTo(fixture.uno, 9);
  });
});
