/** A score in sentences: verdict, what to expect, reasons heaviest first, what could not be said, and how far to trust it. */
import type { Contributor, RecommendedAction, VehicleScore } from '#contracts/risk';
import { mostDaysAhead } from '../forecast/forecast.ts';
import { componentOf } from './points.ts';
import { sayChance, sayDays, sayValue } from './words.ts';

const actionWords: Readonly<Record<RecommendedAction, string>> = {
  keep_driving: 'keep driving',
  next_service: 'repair at the next service',
  drive_to_dealer: 'drive to the dealer',
  pull_over: 'pull over as soon as it is safe',
};

const isPlain = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

/** "active fault codes 2, typically 0": the features that a forecast's reason names in its evidence. */
const featureWords = (features: unknown): string[] =>
  (Array.isArray(features) ? features : []).filter(isPlain).flatMap(({ label, unit, value, typical }) => {
    if (typeof label !== 'string' || typeof unit !== 'string' || typeof value !== 'number') return [];
    return [
      `${label} ${sayValue(value, unit)}, typically ${sayValue(typeof typical === 'number' ? typical : null, unit)}`,
    ];
  });

const reasonSentence = ({ text, points, evidence }: Contributor): string => {
  const details = featureWords(evidence['features']).join('; ');
  const reason = details === '' ? text : `${text}: ${details}`;
  return points > 0 ? `${reason} (+${points.toFixed(1)} points).` : `${reason} (no points).`;
};

/** The evidence of the forecast: the same under every reason of the survival component. */
const forecastEvidence = (score: VehicleScore): Contributor['evidence'] =>
  score.contributors.find((contributor) => componentOf(contributor) === 'survival')?.evidence ?? {};

/** "one within 12 days, five not within 10 years": further than that no range speaks. */
const rangeWords = ({ p10, p50, p90 }: NonNullable<VehicleScore['daysToFailure']>): string => {
  const all = [
    { trucks: 'one', days: p10 },
    { trucks: 'five', days: p50 },
    { trucks: 'nine', days: p90 },
  ];
  const far = all.find(({ days }) => days >= mostDaysAhead);
  return [
    ...all.filter(({ days }) => days < mostDaysAhead).map(({ trucks, days }) => `${trucks} within ${sayDays(days)}`),
    ...(far === undefined ? [] : [`${far.trucks} not within 10 years`]),
  ].join(', ');
};

const rangeSentence = (range: NonNullable<VehicleScore['daysToFailure']>, learnedDays: unknown): string => {
  const said = `Of ten such trucks fail: ${rangeWords(range)}.`;
  return typeof learnedDays === 'number' && range.p90 > learnedDays
    ? `${said} Failures were learned up to ${learnedDays} days ahead; beyond that the last rate goes on.`
    : said;
};

const forecastSentences = (score: VehicleScore): string[] => {
  const { failureProbability: chance, daysToFailure, dataStatus } = score;
  if (dataStatus !== 'ok') {
    const { have, need } = dataStatus;
    return need === 1
      ? ['No failure forecast: there is no trained survival model yet.']
      : [`No failure forecast: ${have} of ${need} days of observation.`];
  }
  return [
    ...(chance === null
      ? []
      : [
          `Chance of a repair or breakdown: ${sayChance(chance.days7)} within 7 days, ${sayChance(chance.days30)} within 30 days, ${sayChance(chance.days90)} within 90 days.`,
        ]),
    ...(daysToFailure === null ? [] : [rangeSentence(daysToFailure, forecastEvidence(score)['learnedDays'])]),
  ];
};

const basisWords: ReadonlyMap<unknown, string> = new Map([
  ['prior', 'The forecast rests on simulated trucks, not yet on this fleet’s own failures.'],
  ['corrected_prior', 'The forecast rests on simulated trucks, corrected by this fleet’s own failures.'],
  ['own_trees', 'The forecast was learned from this fleet’s own failures alone.'],
]);

/** What a survival contributor says of the model and of what it was not told. */
const modelSentences = ({ basis: basisName, unknown: given }: Contributor['evidence']): string[] => {
  const basis = basisWords.get(basisName);
  const unknown = Array.isArray(given) ? given.filter((label): label is string => typeof label === 'string') : [];
  return [
    ...(basis === undefined ? [] : [basis]),
    ...(unknown.length === 0
      ? []
      : [
          `Not known of this truck, and forecast as for trucks of which it is not known either: ${unknown.join(', ')}.`,
        ]),
  ];
};

const confidenceSentence = ({ confidence, dataStatus }: VehicleScore): string =>
  dataStatus === 'ok'
    ? `Confidence ${confidence}, from how much is known about the truck and how well the model knows this fleet.`
    : `Confidence ${confidence}, from how much is known about the truck.`;

/** Explains a score, one sentence per line, for people. */
export const explain = (score: VehicleScore): string[] => [
  `Risk ${score.riskScore.toFixed(1)} of 100 (${score.riskLevel}), health ${score.healthScore.toFixed(1)}: ${actionWords[score.recommendedAction]}.`,
  ...forecastSentences(score),
  ...(score.contributors.length === 0 ? ['Nothing speaks against this truck.'] : []),
  ...score.contributors.map(reasonSentence),
  ...modelSentences(forecastEvidence(score)),
  confidenceSentence(score),
];
