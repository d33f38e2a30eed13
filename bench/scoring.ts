/**
 * `npm run bench:scoring`: every benchmark of scoring, one after the other, as tables on the screen and in
 * bench/SCORING.md. What needs ../shared/data or Rscript is left out where they are missing, and the page says so.
 * `--only azure,sets` runs a part and writes nothing.
 */
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { lifetimeFeatures, measureAzure } from './azure-lifetimes.ts';
import { measureCmapss } from './cmapss.ts';
import { measureRefit } from './refit.ts';
import { measureSurvivalSets } from './survival-sets.ts';
import { measureSurvivalSpeed } from './survival-speed.ts';
import { measureTreesSpeed } from './trees-speed.ts';

type Line = Readonly<Record<string, string | number>>;

interface Part {
  key: string;
  title: string;
  command: string;
  /** What the table says, what it is held against, and how it was made. */
  words: string;
  /** Null when what it needs is not there. */
  measure: () => readonly Line[] | null;
}

const azureLines = (): readonly Line[] | null => {
  const result = measureAzure();
  if (result === null) return null;
  return [
    ...result.rows.map((row) => ({
      method: row.method + (row.method === result.chosen ? ' **(chosen)**' : ''),
      'C, cross-validated on machines 1–70': row.crossValidated.toFixed(4),
      'C, machines 71–100': row.test.toFixed(4),
    })),
    {
      method: 'largest coefficient on comp3 alone (separated), ridge 1',
      'C, cross-validated on machines 1–70': '',
      'C, machines 71–100': `finite: ${result.comp3LargestCoefficient.toFixed(3)}`,
    },
  ];
};

const parts: readonly Part[] = [
  {
    key: 'cmapss',
    title: 'Remaining useful life: C-MAPSS FD001 and FD003',
    command: 'node bench/cmapss.ts',
    words:
      'RMSE in cycles, truth capped at 125. Held against: 12.5 at most, aim 11; constant 41.0, ridge 14.97, gradient boosting ' +
      '12.52, best published 10.97 (FD001); 16.09, 12.52, 10.90 (FD003). Everything was chosen by cross-validation over training ' +
      'engines. The ensemble is 30 % trees and 70 % small networks that live in the benchmark only; what scoring serves are "our trees".',
    measure: measureCmapss,
  },
  {
    key: 'azure',
    title: 'Component lifetimes: Azure predictive maintenance',
    command: 'node bench/azure-lifetimes.ts',
    words:
      'Concordance within components, learned on machines 1–70. Held against: 0.60, and Cox on model and age 0.599. The method is ' +
      `chosen by cross-validation, never by the test machines. Known at the start of a lifetime: ${lifetimeFeatures
        .map(([, words]) => words)
        .join('; ')}.`,
    measure: azureLines,
  },
  {
    key: 'sets',
    title: 'Public survival sets, out of sample',
    command: 'node bench/survival-sets.ts',
    words: 'Ten folds; every row predicted by a fit that has not seen it.',
    measure: measureSurvivalSets,
  },
  {
    key: 'speed',
    title: 'Survival fits beside R',
    command: 'node bench/survival-speed.ts',
    words: 'Same data, same run, medians; R is Debian’s r-cran-survival. Held against: at most 3 × R.',
    measure: measureSurvivalSpeed,
  },
  {
    key: 'trees',
    title: 'Serving trees beside a bare loop',
    command: 'node bench/trees-speed.ts',
    words:
      'The bare loop walks the same typed arrays and does nothing else. Held against: 0.5 × the bare loop, 100,000 scores/s.',
    measure: measureTreesSpeed,
  },
  {
    key: 'refit',
    title: 'A nightly training of one tenant',
    command: 'node bench/refit.ts',
    words:
      'Seconds of processor time per step of the Workflow, on watched fleets of 20, 100 and 400 simulated trucks; the recipe that costs ' +
      'most is refitted. Held against: 30 s in all at 20,000 landmarks, 1 MiB handed on by a step.',
    measure: measureRefit,
  },
];

const table = (lines: readonly Line[]): string => {
  const columns = [...new Set(lines.flatMap((line) => Object.keys(line)))];
  const row = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;
  return [
    row(columns),
    row(columns.map(() => '---')),
    ...lines.map((line) => row(columns.map((column) => line[column] ?? ''))),
  ].join('\n');
};

const { values } = parseArgs({ options: { only: { type: 'string' } } });
const wanted = values.only?.split(',') ?? parts.map(({ key }) => key);
const unknown = wanted.filter((key) => !parts.some((part) => part.key === key));
if (unknown.length > 0)
  throw new Error(`no part "${unknown.join(', ')}"; there are ${parts.map(({ key }) => key).join(', ')}`);

const sections: string[] = [];
for (const { key, title, command, words, measure } of parts) {
  if (!wanted.includes(key)) continue;
  const lines = measure();
  console.log(`\n${title} (${command})`);
  if (lines === null) console.log('left out: its data are not here');
  else console.table(lines);
  sections.push(
    `## ${title}\n\n\`${command}\`. ${words}\n\n${lines === null ? '_Left out: its data are not here._' : table(lines)}\n`,
  );
}
if (values.only === undefined) {
  const day = new Date().toISOString().slice(0, 10);
  const head = `# How good and how fast scoring is\n\nWritten by \`npm run bench:scoring\` on ${day}, ${cpus().length} cores. Times are noisy: read the ratios.\n`;
  writeFileSync(join(import.meta.dirname, 'SCORING.md'), [head, ...sections].join('\n'));
}
