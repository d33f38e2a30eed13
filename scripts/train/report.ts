/** The page about the prior: what it learned from, how good it is where it has never been, what a tenant's data add. */
import type { TriedParams } from '#scoring';
import type { JudgedWorld, LearnedAfter, Standing } from './judge.ts';

export interface PriorReport {
  version: string;
  trainedAt: string;
  /** Hex SHA-256 of the artefact as JSON. */
  digest: string;
  artefactBytes: number;
  training: { worlds: number; trucks: number; landmarks: number; failures: number };
  chosen: TriedParams;
  tried: TriedParams[];
  coxRidge: number;
  importance: { feature: string; share: number }[];
  worlds: JudgedWorld[];
  tenants: { name: string; trucks: number; after: LearnedAfter[] }[];
}

const number = (value: number | null, digits = 4): string => (value === null ? '–' : value.toFixed(digits));
const row = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;
const table = (head: readonly string[], rows: readonly (readonly (string | number)[])[]): string =>
  [row(head), row(head.map((_, at) => (at === 0 ? '---' : '---:'))), ...rows.map(row)].join('\n');

/** The cells of a row, the best of them bold, whoever it is. */
const bestBold = (values: readonly (number | null)[], better: 'lower' | 'higher', digits = 4): string[] => {
  const known = values.filter((value) => value !== null);
  const best = better === 'lower' ? Math.min(...known) : Math.max(...known);
  return values.map((value) => (value === best ? `**${number(value, digits)}**` : number(value, digits)));
};

/** The curve of the world itself is nobody's forecast: it is shown, and takes no part. */
const scores = (pick: (standing: Standing) => number | null, worlds: readonly JudgedWorld[]) =>
  worlds.map((world) => {
    const [training = '', cox = '', prior = ''] = bestBold(
      [world.trainingCurve, world.cox, world.prior].map(pick),
      'lower',
    );
    return [world.name, training, number(pick(world.ownCurve)), cox, prior];
  });

const curves = ['World', 'Curve of the training fleets', 'Curve of this world', 'Cox with ridge', 'Prior'];

const paramsRow = ({ params, rounds, loss }: TriedParams) => [
  params.depth,
  params.learningRate,
  params.minLeaf,
  params.periods ?? 20,
  params.l2,
  params.columnSample ?? 1,
  rounds,
  number(loss),
];

/** The page as Markdown. */
export const reportPage = (report: PriorReport): string => {
  const { training, chosen, worlds } = report;
  const same = worlds[0];
  const calibration = same === undefined ? [] : same.quality.horizons.days7.calibration;
  return `# The global prior, ${report.version}

What scores are made with until a tenant's own failures say otherwise. \`npm run train\` makes it again, to the same bytes: it
watches fleets of the simulated world as a tenant would (codes as the portal lists them, shop events, meters, daily means of
signals; nothing hidden), and learns hazards from ${training.landmarks.toLocaleString('en-US')} landmarks of ${training.trucks} trucks in ${training.worlds} worlds,
${training.failures.toLocaleString('en-US')} failures. A landmark is one truck at one time: its features as they were known then, and what followed until the
first repair or breakdown, preventive work, or 90 days. Artefact: ${Math.round(report.artefactBytes / 1000)} kB, SHA-256 \`${report.digest.slice(0, 16)}…\`.

The world is simulated. These numbers say that the method finds what is there to be found and survives in worlds with other
laws; they say nothing yet about real fleets, whose own failures correct it.

## The shape of the trees

Chosen on a fleet of its own that was not learned from, by the likelihood of its lifetimes; the test worlds had no say.

${table(
  ['Depth', 'Learning rate', 'Leaf', 'Periods', 'l2', 'Columns', 'Trees', 'Loss'],
  report.tried.map((one) =>
    JSON.stringify(one) === JSON.stringify(chosen) ? paramsRow(one).map((cell) => `**${cell}**`) : paramsRow(one),
  ),
)}

What it looks at most (share of the gain): ${report.importance.map(({ feature, share }) => `${feature} ${(share * 100).toFixed(0)} %`).join(', ')}.

## Worlds it has never seen

Every world has its own trucks; all but the first also have other hidden parameters. Beside the prior: the Kaplan–Meier curve of
the training fleets (the trivial answer: the same chance for everybody), the curve of that very world (which nobody could know
beforehand), and Cox's model with a ridge (${report.coxRidge}, chosen like the trees) on the same features.

Repairs and breakdowns per truck and year: ${worlds.map((world) => `${world.name} ${world.failuresPerTruckYear.toFixed(0)}`).join(', ')}.

### Integrated Brier score (lower is better)

${table(
  curves,
  scores(({ integratedBrier }) => integratedBrier, worlds),
)}

### Brier score at 7 days

${table(
  curves,
  scores(({ brier7 }) => brier7, worlds),
)}

### Concordance (Uno) and AUC

${table(
  ['World', 'Cox: concordance', 'Prior: concordance', 'Cox: AUC 7 days', 'Prior: AUC 7 days', 'Prior: AUC 30 days'],
  worlds.map(({ name, cox, prior }) => [
    name,
    ...bestBold([cox.concordance, prior.concordance], 'higher', 3),
    ...bestBold([cox.auc7, prior.auc7], 'higher', 3),
    number(prior.auc30, 3),
  ]),
)}

### Calibration at 7 days, same hidden parameters

${table(
  ['Decile of predicted chance', 'Said', 'Happened', 'Landmarks'],
  calibration.map(({ predicted, observed, n }, at) => [at + 1, number(predicted, 3), number(observed, 3), n]),
)}

Preventive work every 85–120 days ends the sight of most lifetimes before day 90: what is said about it rests on few.

## What a tenant's own failures add

Fleets of 60 trucks followed from their first day. After 3, 6 and 12 months the prior is corrected by empirical Bayes with what is
known then, and both are judged on the landmarks of the two months after. The factor is what the fleet's failures multiply the
hazard by.

${report.tenants
  .map(
    ({ name, after }) =>
      `### ${name}\n\n${table(
        [
          'Months',
          'Failures',
          'Factor (± 1 SE)',
          'Prior: integrated Brier',
          'Corrected',
          'Prior: Brier 7 days',
          'Corrected ',
          'Recipe the registry would choose',
        ],
        after.map((one) => [
          one.months,
          one.failures,
          `${one.factor.toFixed(2)} (${(one.factor * Math.exp(-one.standardError)).toFixed(2)}–${(one.factor * Math.exp(one.standardError)).toFixed(2)})`,
          ...bestBold([one.prior.integratedBrier, one.corrected.integratedBrier], 'lower'),
          ...bestBold([one.prior.brier7, one.corrected.brier7], 'lower'),
          one.isPromoted ? one.recipe : 'prior',
        ]),
      )}`,
  )
  .join('\n\n')}
`;
};
