/** The published numbers on the Rossi data and the lifetimes of the Azure set, where ../shared/data holds them; else skipped. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { integratedBrier } from './brier.ts';
import { predictCoxSurvival } from './cox-baseline.ts';
import { fitCoxPh } from './cox.ts';
import { kaplanMeier } from './kaplan-meier.ts';
import { isRefusal, type Refusal } from './refusal.ts';
import { fitWeibullAft } from './weibull.ts';

const data = join(import.meta.dirname, '../../../shared/data');
const rossiPath = join(data, 'survival/rossi.csv');
const azurePath = join(data, 'azure-pdm/derived_component_lifetimes.csv');
const fitted = <T extends object>(answer: T | Refusal): T => {
  if (isRefusal(answer)) throw new Error(`refused: ${JSON.stringify(answer)}`);
  return answer;
};
const close = (ours: number | undefined, theirs: number, within = 1e-6): void =>
  expect(Math.abs((ours ?? Number.NaN) - theirs)).toBeLessThanOrEqual(within);
const rowsOf = (path: string): string[][] =>
  readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.trim().replaceAll('"', '').split(','));

describe.skipIf(!existsSync(rossiPath))('Rossi', () => {
  const rows = existsSync(rossiPath) ? rowsOf(rossiPath).map((cells) => cells.map(Number)) : [];
  const time = rows.map(([week]) => week ?? 0);
  const event = rows.map(([, arrest]) => arrest ?? 0);
  const x = rows.map((cells) => cells.slice(2));
  const names = ['fin', 'age', 'race', 'wexp', 'mar', 'paro', 'prio'];

  test('Cox, Efron and Breslow', () => {
    const fit = fitted(fitCoxPh({ time, event, x, names }));
    const published = [-0.379422166, -0.057437743, 0.313899788, -0.149795698, -0.433703878, -0.084871083, 0.091497081];
    published.forEach((value, place) => close(fit.coefficients[place], value));
    close(fit.nullLogLikelihood, -675.380632);
    close(fit.logLikelihood, -658.747659);
    close(fit.concordance ?? Number.NaN, 0.640329247, 5e-10);
    close(fitted(fitCoxPh({ time, event, x, names, ties: 'breslow' })).logLikelihood, -659.120606);
  });

  test('Weibull', () => {
    const fit = fitted(fitWeibullAft({ time, event, x, names }));
    close(fit.intercept, 3.990134797);
    close(fit.coefficients[0], 0.27216336);
    close(fit.coefficients[6], -0.065816905);
    close(fit.scale, 0.712405334);
    close(fit.logLikelihood, -679.916564);
  });

  test('Kaplan–Meier and the integrated Brier score', () => {
    const curve = fitted(kaplanMeier({ time, event }));
    const survivalAt = (t: number): number => curve.survival[curve.time.findLastIndex((value) => value <= t)] ?? 1;
    [13, 26, 39, 52].forEach((t, place) => close(survivalAt(t), [0.953704, 0.875, 0.8125, 0.736111][place] ?? 0));
    const times = [5, 10, 15, 20, 25, 30, 35, 40, 45, 50];
    const judged = { trainTime: time, trainEvent: event, time, event, times };
    const fit = fitted(fitCoxPh({ time, event, x, names }));
    const predicted = predictCoxSurvival(fit, fit.baseline, x, times);
    close(integratedBrier({ ...judged, survivalAt: predicted }) as number, 0.10074, 5e-6);
    const same = times.map(survivalAt);
    close(integratedBrier({ ...judged, survivalAt: x.map(() => same) }) as number, 0.10704, 5e-6);
  });
});

describe.skipIf(!existsSync(azurePath))('Azure component lifetimes', () => {
  const rows = existsSync(azurePath) ? rowsOf(azurePath) : [];
  const models = ['model2', 'model3', 'model4'];
  const names = [...models, 'age'];
  const of = (component: string): { time: number[]; event: number[]; x: number[][]; names: string[] } => {
    const kept = rows.filter(([machine, comp]) => Number(machine) <= 70 && comp === component);
    return {
      time: kept.map((cells) => Number(cells[2])),
      event: kept.map((cells) => Number(cells[3])),
      x: kept.map((cells) => [...models.map((model) => (cells[4] === model ? 1 : 0)), Number(cells[5])]),
      names,
    };
  };

  test('comp3 separates: a tag at ridge 0, finite above', () => {
    const input = of('comp3');
    const plain = fitCoxPh(input);
    expect(plain).toMatchObject({ kind: 'separation' });
    const fit = fitted(fitCoxPh({ ...input, ridge: 1 }));
    expect(fit.coefficients.every(Number.isFinite)).toBe(true);
    const aft = fitted(fitWeibullAft({ ...input, ridge: 1 }));
    expect([...aft.coefficients, ...aft.standardErrors].every(Number.isFinite)).toBe(true);
  });

  test.each(['comp1', 'comp2', 'comp4'])('%s fits', (component) => {
    expect(isRefusal(fitCoxPh(of(component)))).toBe(false);
    expect(isRefusal(fitWeibullAft(of(component)))).toBe(false);
  });
});
