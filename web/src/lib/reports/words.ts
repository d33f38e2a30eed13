/** The accuracy report in words. Pure. */
import type { PredictionAccuracy } from '#contracts/scoring';
import type { StateLook } from '../format/states.ts';
import { formatRate } from '../format/chances.ts';
import { plural } from '../format/units.ts';

export type Horizon = PredictionAccuracy['horizons'][number];

/** Fewer failures say little, whatever the score is. */
const fewFailures = 10;

/**
 * Above this share of outcomes cut short, what is left over are mostly the trucks that failed in time: the rate among them is
 * no rate of the fleet, and no score over them means much.
 */
const mostCutShort = 0.25;
const isOneSided = ({ censored, predictions }: Pick<Horizon, 'censored' | 'predictions'>): boolean =>
  censored > mostCutShort * (censored + predictions);

/** Is it worth anything? Against telling every truck the fleet's own rate. */
export function skillLook(horizon: Pick<Horizon, 'skill' | 'failures' | 'censored' | 'predictions'>): StateLook {
  const { skill, failures } = horizon;
  if (skill === null) return { word: 'Not known yet', shape: 'dash', tone: 'unknown' };
  if (failures < fewFailures) return { word: 'Too few failures to tell', shape: 'dash', tone: 'unknown' };
  if (isOneSided(horizon)) return { word: 'Cannot be told', shape: 'dash', tone: 'unknown' };
  if (skill > 0.15) return { word: 'Clearly better', shape: 'circle', tone: 'low' };
  if (skill > 0.02) return { word: 'Somewhat better', shape: 'circle', tone: 'low' };
  if (skill >= -0.02) return { word: 'No better', shape: 'diamond', tone: 'medium' };
  return { word: 'Worse', shape: 'triangle', tone: 'high' };
}

/** The skill as a sentence about what somebody may do with the numbers. */
export function skillSentence(horizon: Horizon): string {
  const { skill, brier, baselineBrier, failures, predictions, horizonDays } = horizon;
  if (predictions === 0) return `No prediction over ${horizonDays} days has been settled yet.`;
  if (skill === null || brier === null || baselineBrier === null) {
    return 'There is no baseline to hold it against yet.';
  }
  if (isOneSided(horizon)) {
    return 'Too many were cut short by preventive work. Those that were not are mostly trucks that failed, so no comparison is fair.';
  }
  const percent = Math.abs(Math.round(skill * 100));
  const than = 'than telling every truck the fleet’s own rate';
  const close = percent === 0 ? `No closer ${than}.` : `${percent} % ${skill > 0 ? 'closer' : 'further off'} ${than}.`;
  return failures < fewFailures ? `${close} With ${plural(failures, 'failure')} that may be chance.` : close;
}

/** "Said 12 % on average, 10 % failed": too high, too low, about right. */
export function biasSentence({ meanPredicted, observedRate }: Horizon): string | null {
  if (meanPredicted === null || observedRate === null) return null;
  return `Said ${formatRate(meanPredicted)} on average; ${formatRate(observedRate)} failed.`;
}

/** What is missing when there is nothing, or too little, to judge; null when there is enough. */
export function missingSentence({
  dataStatus,
  horizons,
}: Pick<PredictionAccuracy, 'dataStatus' | 'horizons'>): string | null {
  if (dataStatus === 'ok') return null;
  const { have, need } = dataStatus;
  if (have > 0) {
    return `Only ${plural(have, 'prediction')} over 30 days ${have === 1 ? 'is' : 'are'} settled in this time; ${need} make a judgement that holds.`;
  }
  if (horizons.some(({ predictions }) => predictions > 0)) {
    return 'No prediction over 30 days is settled in this time yet: judge by the shorter ones with care.';
  }
  const pending = Math.max(0, ...horizons.map((horizon) => horizon.pending));
  return pending === 0
    ? 'No prediction of this time gave a chance of failure. Forecasts begin when trucks have been observed long enough.'
    : `${plural(pending, 'prediction')} of this time ${pending === 1 ? 'is' : 'are'} not over yet. The first are judged 7 days after they were made.`;
}
