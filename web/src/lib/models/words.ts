/** Models and their training in words. Pure. */
import type { ModelLineage, ScoringModel, TrainingRun } from '#contracts/scoring';
import type { ModelQuality } from '#contracts/scoring-models';
import type { StateLook } from '../format/states.ts';
import { plural } from '../format/units.ts';

const statusLooks: Readonly<Record<ScoringModel['status'], StateLook>> = {
  candidate: { word: 'Candidate', shape: 'diamond', tone: 'neutral' },
  active: { word: 'In use', shape: 'circle', tone: 'low' },
  retired: { word: 'Retired', shape: 'hollow', tone: 'neutral' },
  rejected: { word: 'Not better', shape: 'cross', tone: 'stale' },
};
export const modelStatusLook = (status: ScoringModel['status']): StateLook => statusLooks[status];

export const recipeWords: Readonly<Record<ModelLineage['recipe'], string>> = {
  prior: 'The general model that comes with TruckIQ, learned from simulated fleets',
  corrected_prior: 'The general model, corrected by your own fleet’s history',
  own_trees: 'Trained on your own fleet alone',
};

/** "1,204 scorings of 240 trucks, 63 failures". */
export const lineageSentence = ({ landmarks, vehicles, failures }: ModelLineage): string =>
  `${plural(landmarks, 'moment')} of ${plural(vehicles, 'truck')}, ${plural(failures, 'failure')} after them`;

export const isOver = ({ status }: Pick<TrainingRun, 'status'>): boolean =>
  status === 'succeeded' || status === 'refused' || status === 'failed';

const outcomeLooks: Readonly<Record<NonNullable<TrainingRun['outcome']>['kind'], StateLook>> = {
  promoted: { word: 'New model in use', shape: 'circle', tone: 'low' },
  kept: { word: 'Model kept', shape: 'hollow', tone: 'neutral' },
  pinned: { word: 'Model pinned', shape: 'hollow', tone: 'neutral' },
  refused: { word: 'Too little data', shape: 'dash', tone: 'unknown' },
};
const statusLook: Readonly<Record<TrainingRun['status'], StateLook>> = {
  queued: { word: 'Waiting', shape: 'pause', tone: 'neutral' },
  running: { word: 'Training', shape: 'arrow', tone: 'accent' },
  succeeded: { word: 'Done', shape: 'circle', tone: 'low' },
  refused: outcomeLooks.refused,
  failed: { word: 'Failed', shape: 'triangle', tone: 'high' },
};
/** How a run stands, or how it has ended. */
export const runLook = ({ status, outcome }: Pick<TrainingRun, 'status' | 'outcome'>): StateLook =>
  status === 'succeeded' && outcome !== null ? outcomeLooks[outcome.kind] : statusLook[status];

/** What a run has led to, for whoever waited for it. */
export function runSentence(run: Pick<TrainingRun, 'status' | 'outcome' | 'error'>): string {
  if (run.status === 'failed') return `The training failed. ${run.error ?? ''}`.trim();
  return run.outcome === null ? runLook(run).word : `${runLook(run).word}: ${run.outcome.reason}`;
}

export const triggerWords: Readonly<Record<TrainingRun['trigger'], string>> = {
  cron: 'Nightly',
  manual: 'By hand',
};

export const horizonDays = [7, 30, 90] as const;
export type HorizonDays = (typeof horizonDays)[number];
/** A horizon from a URL; 30 days where it says none. */
export const horizonFrom = (value: string | null): HorizonDays =>
  horizonDays.find((days) => String(days) === value) ?? 30;
export const horizonOf = (quality: ModelQuality, days: HorizonDays): ModelQuality['horizons']['days30'] =>
  quality.horizons[`days${days}`];

/** A number beside the baseline's. */
interface QualityCell {
  own: string;
  baseline: string;
  /** True when better than the baseline; null when it cannot be said. */
  isBetter: boolean | null;
}

export interface QualityRow extends QualityCell {
  word: string;
  /** What the number means, for those who do not read such numbers every day. */
  meaning: string;
}

const missing = '–';
const three = (value: number | null): string => (value === null ? missing : value.toFixed(3));
const better = (own: number | null, baseline: number | null, sign: 1 | -1): boolean | null =>
  own === null || baseline === null ? null : (own - baseline) * sign > 0;

/** A model's quality over all horizons, beside the trivial baseline, which tells every truck the fleet's own rate. */
export function qualityRows(quality: ModelQuality): QualityRow[] {
  const { concordance, baselineConcordance, integratedBrier, baselineIntegratedBrier } = quality;
  return [
    {
      word: 'Concordance',
      meaning: 'Of two trucks, how often it names the one that fails first. 0.5 is a coin; higher is better.',
      own: three(concordance),
      baseline: three(baselineConcordance),
      isBetter: better(concordance, baselineConcordance, 1),
    },
    {
      word: 'Integrated Brier score',
      meaning: 'Mean squared error of its chances over all horizons. Lower is better.',
      own: three(integratedBrier),
      baseline: three(baselineIntegratedBrier),
      isBetter: better(integratedBrier, baselineIntegratedBrier, -1),
    },
  ];
}

export interface HorizonRow {
  days: HorizonDays;
  cases: number;
  failures: number;
  brier: QualityCell;
  auc: QualityCell;
}

/** The same for each horizon by itself. */
export const horizonRows = (quality: ModelQuality): HorizonRow[] =>
  horizonDays.map((days) => {
    const { n, failures, brier, baselineBrier, auc } = horizonOf(quality, days);
    return {
      days,
      cases: n,
      failures,
      brier: { own: three(brier), baseline: three(baselineBrier), isBetter: better(brier, baselineBrier, -1) },
      auc: { own: three(auc), baseline: auc === null ? missing : '0.500', isBetter: better(auc, 0.5, 1) },
    };
  });

/** The quality in one sentence, or why there is none. */
export function qualitySentence(quality: ModelQuality): string {
  const { concordance, integratedBrier, baselineIntegratedBrier } = quality;
  if (concordance === null && integratedBrier === null) {
    return 'Its quality could not be measured: too little happened in the time that was held back.';
  }
  const parts: string[] = [];
  if (concordance !== null) {
    parts.push(`of two trucks it names the one that fails first ${Math.round(concordance * 100)} times in 100`);
  }
  if (integratedBrier !== null && baselineIntegratedBrier !== null && baselineIntegratedBrier > 0) {
    const skill = Math.round((1 - integratedBrier / baselineIntegratedBrier) * 100);
    parts.push(
      skill > 0
        ? `its chances are ${skill} % closer to what happened than the fleet’s average is`
        : `its chances are no closer to what happened than the fleet’s average is`,
    );
  }
  return `On times it had not seen, ${parts.join(', and ')}.`;
}
