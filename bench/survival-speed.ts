/**
 * `node bench/survival-speed.ts`: how long the survival fits take, beside R's survival package in the same run where Rscript is
 * installed. Target: at most 3 × R. The data are simulated, of the shape of the Rossi set (432 rows, 7 columns, whole weeks)
 * and 25 times that.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { concordance, fitCoxPh, fitWeibullAft, isRefusal, kaplanMeier } from '../scoring/index.ts';
import { percentile } from './measurement.ts';
import { uniformFrom } from './reference/simulated-lifetimes.ts';

const width = 7;
const names = Array.from({ length: width }, (_, j) => `x${j + 1}`);

interface Set {
  time: number[];
  event: number[];
  x: number[][];
}

const simulate = (count: number): Set => {
  const uniform = uniformFrom(count);
  const set: Set = { time: [], event: [], x: [] };
  for (let row = 0; row < count; row++) {
    const cells = names.map((_, j) => (j % 2 === 0 ? (uniform() < 0.5 ? 1 : 0) : Math.round(20 * uniform())));
    const effect = 0.3 * (cells[0] ?? 0) - 0.05 * (cells[1] ?? 0) + 0.08 * (cells[3] ?? 0);
    const failure = Math.ceil(90 * (-Math.log(1 - uniform()) * Math.exp(-effect)) ** 0.7);
    set.time.push(Math.min(52, failure));
    set.event.push(failure <= 52 ? 1 : 0);
    set.x.push(cells);
  }
  return set;
};

/** Median milliseconds of a call after warming up. */
const timeOf = (call: () => unknown, runs: number): number => {
  for (let i = 0; i < Math.ceil(runs / 4); i++) call();
  const samples: number[] = [];
  for (let i = 0; i < runs; i++) {
    const start = performance.now();
    call();
    samples.push(performance.now() - start);
  }
  return percentile(samples, 0.5);
};

const script = `
suppressMessages(library(survival))
data <- read.csv(commandArgs(TRUE)[1])
runs <- as.integer(commandArgs(TRUE)[2])
median_ms <- function(call) {
  for (i in seq_len(ceiling(runs / 4))) call()
  median(replicate(runs, { start <- proc.time()[["elapsed"]]; for (k in 1:5) call(); (proc.time()[["elapsed"]] - start) / 5 })) * 1000
}
right <- Surv(time, event) ~ x1 + x2 + x3 + x4 + x5 + x6 + x7
cat(median_ms(function() coxph(right, data)), median_ms(function() survreg(right, data)),
  median_ms(function() survfit(Surv(time, event) ~ 1, data)),
  median_ms(function() concordance(Surv(time, event) ~ x2, data, reverse = TRUE)), "\\n")
`;

/** A line per fit and size: ours, R's where Rscript is installed, and their ratio. */
export const measureSurvivalSpeed = (): Record<string, string | number>[] => {
  const folder = mkdtempSync(join(tmpdir(), 'survival-speed-'));
  try {
    const table: Record<string, string | number>[] = [];
    for (const [count, runs] of [
      [432, 40],
      [10_800, 15],
    ] as const) {
      const set = simulate(count);
      const input = { ...set, names };
      const risk = set.x.map((cells) => cells[1] ?? 0);
      if (isRefusal(fitCoxPh(input)) || isRefusal(fitWeibullAft(input)))
        throw new Error('the simulated data do not fit');
      const ours = [
        timeOf(() => fitCoxPh(input), runs),
        timeOf(() => fitWeibullAft(input), runs),
        timeOf(() => kaplanMeier(input), runs),
        timeOf(() => concordance({ ...set, risk }), runs),
      ];
      const lines = set.time.map((t, row) => [t, set.event[row], ...(set.x[row] ?? [])].join(','));
      writeFileSync(join(folder, 'rows.csv'), `${[`time,event,${names.join(',')}`, ...lines].join('\n')}\n`);
      writeFileSync(join(folder, 'time.R'), script);
      const answer = spawnSync('Rscript', [join(folder, 'time.R'), join(folder, 'rows.csv'), String(runs)], {
        encoding: 'utf8',
      });
      const theirs = answer.status === 0 ? answer.stdout.trim().split(/\s+/).map(Number) : [];
      ['Cox (Efron)', 'Weibull', 'Kaplan–Meier', 'concordance'].forEach((what, place) => {
        const own = ours[place] ?? Number.NaN;
        const reference = theirs[place];
        table.push({
          fit: what,
          rows: count,
          'ours, ms': own.toFixed(2),
          'R, ms': reference === undefined ? 'Rscript not installed' : reference.toFixed(2),
          ratio: reference === undefined ? '' : (own / reference).toFixed(2),
          'at most 3 × R': reference === undefined ? '' : own <= 3 * reference ? 'yes' : 'NO',
        });
      });
    }
    return table;
  } finally {
    rmSync(folder, { recursive: true });
  }
};

if (import.meta.main) console.table(measureSurvivalSpeed());
