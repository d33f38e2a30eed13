/**
 * Pure: do the chances that were said still match what happens? Each truck's chance is spread over the days it was watched
 * (its cumulative hazard), so that trucks which preventive work took out of sight bias nothing; the failures are then held
 * against the sum, as a Poisson count against its expectation (Andersen et al., Statistical Models Based on Counting
 * Processes, §VI.3.3), and against the spread of the chances.
 */
import { clampChance } from './rules.ts';

const dayMs = 86_400_000;
const horizonDays = 30;

/** One prediction and what followed, `horizonDays` or more after it. */
export interface WatchedPrediction {
  createdAt: string;
  chance7: number;
  chance30: number;
  failedAt: string | null;
  censoredAt: string | null;
}

export interface CalibrationVerdict {
  isDrifting: boolean;
  /** What was found, in words; null while nothing is wrong. */
  reason: string | null;
}

/** Fewer failures, seen or expected, prove nothing. */
const failuresNeeded = 10;
const predictionsNeeded = 30;
/**
 * Normal deviates. Chances that are right raise a false alarm about once or twice in 1,000 looks (simulated with fleets of
 * 80 to 1,000 trucks), and a look needs a real difference besides. Once raised, it ends below the lower limit.
 */
const countLimit = 3.48;
const spreadLimit = 3.29;
const endLimit = 2;
/** A real difference: a quarter more or fewer failures than said; a spread of the chances less than half deserved. */
const countRatio = 1.25;
const leastSlope = 0.5;

interface Watched {
  /** 1 when it failed within the horizon. */
  event: 0 | 1;
  /** Cumulative hazard over the days it was watched; the hazard on its last day; log of the whole horizon's. */
  expected: number;
  lastHazard: number;
  logHorizon: number;
  days: number;
}

function watched(prediction: WatchedPrediction): Watched {
  const { createdAt, chance7, chance30, failedAt, censoredAt } = prediction;
  const end = failedAt ?? censoredAt;
  const sight = end === null ? horizonDays : (Date.parse(end) - Date.parse(createdAt)) / dayMs;
  const days = Math.min(horizonDays, Math.max(0, sight));
  const whole = -Math.log(1 - clampChance(chance30));
  const week = Math.min(whole, -Math.log(1 - clampChance(chance7)));
  const perDay = [week / 7, Math.max((whole - week) / (horizonDays - 7), whole / 1e4)] as const;
  return {
    event: failedAt !== null && sight <= horizonDays ? 1 : 0,
    expected: days <= 7 ? perDay[0] * days : week + perDay[1] * (days - 7),
    lastHazard: days <= 7 ? perDay[0] : perDay[1],
    logHorizon: Math.log(whole),
    days,
  };
}

const sum = <T>(list: readonly T[], valueOf: (one: T) => number): number =>
  list.reduce((total, one) => total + valueOf(one), 0);

/** How the failures compare with the chances said: normal deviates of their count and of the chances' spread. */
function compare(list: readonly Watched[]) {
  const observed = sum(list, ({ event }) => event);
  const expected = sum(list, (one) => one.expected);
  const days = sum(list, (one) => one.days);
  // Anscombe's square root makes a Poisson count nearly normal with variance 1.
  const countZ = 2 * (Math.sqrt(observed + 0.375) - Math.sqrt(expected + 0.125));
  const center = sum(list, (one) => one.expected * one.logHorizon) / expected;
  const spread = sum(list, (one) => one.expected * (one.logHorizon - center) ** 2);
  const score = sum(list, (one) => (one.event - (one.expected * observed) / expected) * (one.logHorizon - center));
  const information = (spread * observed) / expected;
  const said = sum(list, (one) => (one.event === 1 ? Math.log(one.lastHazard) : 0) - one.expected);
  const same = observed === 0 ? 0 : observed * Math.log(observed / days) - observed;
  return {
    observed,
    expected,
    countZ,
    spreadZ: information > 0 ? score / Math.sqrt(information) : 0,
    /** 1: trucks differ as much as said; 0: not at all. */
    slope: information > 0 ? 1 + score / information : 1,
    isWorseThanOneRate: said < same,
  };
}

/**
 * Judges predictions of different trucks, or of one truck at times whose horizons do not overlap. `wasDrifting` keeps an
 * alarm standing until the difference is well within chance again, so that it does not come and go.
 */
export function judgeCalibration(predictions: readonly WatchedPrediction[], wasDrifting: boolean): CalibrationVerdict {
  const fine: CalibrationVerdict = { isDrifting: false, reason: null };
  if (predictions.length < predictionsNeeded) return fine;
  const found = compare(predictions.map(watched));
  const { observed, expected, countZ, spreadZ, slope, isWorseThanOneRate } = found;
  if (Math.max(observed, expected) < failuresNeeded) return fine;
  const isFar = observed > expected * countRatio || expected > observed * countRatio;
  const byCount = Math.abs(countZ) > (wasDrifting ? endLimit : countLimit) && (isFar || isWorseThanOneRate);
  const bySpread = -spreadZ > (wasDrifting ? endLimit : spreadLimit) && (slope < leastSlope || isWorseThanOneRate);
  if (!byCount && !bySpread) return fine;
  const looked = `Of ${predictions.length} predictions made one to three months ago, looked at 30 days later`;
  if (byCount) {
    // Not a count of expected failures: the hazards of who fails early add up to more than one each.
    const pace = `${Math.round((100 * observed) / expected)} % of the pace that the chances had promised`;
    const verdict = `the chances are too ${countZ > 0 ? 'low' : 'high'}`;
    return { isDrifting: true, reason: `${looked}, ${observed} were followed by a failure, ${pace}: ${verdict}.` };
  }
  return {
    isDrifting: true,
    reason: `${looked}, trucks with a high chance failed hardly more often than those with a low one.`,
  };
}
