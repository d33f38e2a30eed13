/**
 * Each signal of one truck against its own past, from daily rollups. The newest days are kept out of the baseline, so
 * that a slow drift does not become its own normal; where load and outside air are known, the baseline says what is
 * to be expected under today's. A drift is a small shift that lasts: CUSUM over the newest days' standardised deviations.
 */
import type { VehicleFeatures } from '#contracts/risk';
import { signalNames, signalRanges, type SignalName } from '#contracts/telemetry';
import { expectedAt, fitRobustLine } from './robust-regression.ts';
import { baselineZ, madToSigma, median, outlierZ } from './robust-z.ts';
import { signalRules, type SignalRule } from './signal-rules.ts';

/** A signal as scoring takes it. */
export type SignalState = VehicleFeatures['signals'][number] & { drift: SignalDrift | null };
export interface SignalDrift {
  direction: 'up' | 'down';
  since: string;
}

/** One signal on one UTC day. */
export interface SignalDayMean {
  name: string;
  /** `2026-11-20`. */
  day: string;
  mean: number;
  /** Minutes that were counted. */
  readings: number;
  lastAt: string;
}

const dayMs = 86_400_000;
/** Days that are looked at; what lies further back is another season, another route. */
export const baselineDays = 90;
/** A day with fewer readings than this share of the usual says too little: an engine warming up, a gateway cut off. */
const representativeShare = 0.25;
/** The newest days that stay out of the baseline: a third of what there is, and four weeks of a full history. */
const newestShare = 1 / 3;
const mostNewestDays = 28;
const fewestNewestDays = 3;
/** Fewer days make no median. */
const fewestBaselineDays = 5;
/** Days with known conditions from which the signal's dependence on them can be learned. */
const fewestRegressionDays = 30;
/** How much wider than the days themselves what the conditions leave unexplained may be. */
const worstSpread = 1.25;

/**
 * In sigmas. A day counts 3 σ at most, so that no single day is a drift; the sum is capped, so that a drift that has ended
 * (a repair) is over some days later. With these limits some 2 in 100 simulated trucks without any trouble show a drift of
 * one of their seven signals on a given day (signal-baselines.test.ts holds them to 5).
 */
const driftSlack = 0.6;
/** A wrong expectation is wrong in the same direction every day, which no averaging takes away. */
const slackPerDoubt = 1;
const driftThreshold = 6;
const driftCap = 9;
const mostPerDay = 3;
/** Weight of a new day in the moving average, and how far that must be from the expected for a drift to stand. */
const averageShare = 0.3;
const stillThere = 1;

/** What is to be expected on one day, under that day's conditions. */
interface Expectation {
  median: number;
  mad: number;
  /** Standard error of the expectation itself, in sigmas: small in the middle of what is known, large far from it. */
  doubt: number;
}

interface Baseline {
  at: (day: string) => Expectation;
  /** False where the signal follows the outside air and that is unknown: a season would look like a drift. */
  showsDrift: boolean;
  n: number;
}

type DaysByName = ReadonlyMap<SignalName, readonly SignalDayMean[]>;

/** Well-formed rows within the sensor's range, one per day in ascending order; the order they came in does not matter. */
function sortedDays(name: SignalName, days: readonly SignalDayMean[]): SignalDayMean[] {
  const [least, most] = signalRanges[name];
  const usable = days.filter(
    ({ day, mean, readings, lastAt }) =>
      mean >= least &&
      mean <= most &&
      readings > 0 &&
      Number.isFinite(Date.parse(day)) &&
      Number.isFinite(Date.parse(lastAt)),
  );
  // One row per day is the rule; of more the largest counts, by whatever tells them apart.
  const rank = ({ readings, lastAt, mean }: SignalDayMean): string =>
    `${String(readings).padStart(20, '0')} ${lastAt} ${mean}`;
  const byDay = new Map<string, SignalDayMean>();
  for (const row of usable) {
    const other = byDay.get(row.day);
    if (other === undefined || rank(row) > rank(other)) byDay.set(row.day, row);
  }
  const sorted = [...byDay.values()].sort((a, b) => (a.day < b.day ? -1 : 1));
  const newest = sorted.at(-1);
  if (newest === undefined) return [];
  const firstMs = Date.parse(newest.day) - (baselineDays - 1) * dayMs;
  const recent = sorted.filter(({ day }) => Date.parse(day) >= firstMs);
  const usual = median(recent.map(({ readings }) => readings));
  const representative = recent.filter(({ readings }) => readings >= representativeShare * usual);
  return representative;
}

/** Median and MAD of the days themselves. */
function plainBaseline(rows: readonly SignalDayMean[], rule: SignalRule): Expectation {
  const values = rows.map(({ mean }) => mean);
  const middle = median(values);
  return {
    median: middle,
    mad: Math.max(rule.leastMad, median(values.map((value) => Math.abs(value - middle)))),
    // A median of normal values varies π/2 as much as their mean.
    doubt: Math.sqrt(Math.PI / 2 / values.length),
  };
}

/** The conditions of a day, or null where one is unknown. */
const conditionsOn = (
  names: readonly SignalName[],
  day: string,
  meansOf: ReadonlyMap<SignalName, ReadonlyMap<string, number>>,
): number[] | null => {
  const row = names.map((name) => meansOf.get(name)?.get(day));
  return row.some((value) => value === undefined) ? null : (row as number[]);
};

function baselineOf(rows: readonly SignalDayMean[], rule: SignalRule, days: DaysByName): Baseline | null {
  if (rows.length < fewestBaselineDays) return null;
  const plain = plainBaseline(rows, rule);
  const meansOf = new Map(
    rule.follows.map((name) => [name, new Map((days.get(name) ?? []).map(({ day, mean }) => [day, mean]))]),
  );
  // Only conditions this truck reports; a truck without a thermometer still has its load.
  const names = rule.follows.filter(
    (name) => rows.filter(({ day }) => meansOf.get(name)?.has(day)).length >= fewestRegressionDays,
  );
  const showsDrift = !rule.follows.includes('ambientTempF') || names.includes('ambientTempF');
  const asPlain: Baseline = { at: () => plain, n: rows.length, showsDrift };
  if (names.length === 0) return asPlain;
  const known = rows.flatMap((row) => {
    const conditions = conditionsOn(names, row.day, meansOf);
    return conditions === null ? [] : [{ mean: row.mean, conditions }];
  });
  if (known.length < fewestRegressionDays) return asPlain;
  const line = fitRobustLine(
    known.map(({ conditions }) => conditions),
    known.map(({ mean }) => mean),
    rule.leastMad,
  );
  if (line === null) return asPlain;
  const residuals = known.map(({ mean, conditions }) => mean - expectedAt(line, conditions).value);
  const shift = median(residuals);
  const mad = Math.max(rule.leastMad, median(residuals.map((residual) => Math.abs(residual - shift))));
  // A weak dependence hardly narrows the spread and still carries a whole season; one that widens it is none.
  if (mad > worstSpread * plain.mad) return asPlain;
  return {
    n: known.length,
    showsDrift,
    at: (day) => {
      const conditions = conditionsOn(names, day, meansOf);
      if (conditions === null) return plain;
      const { value, leverage } = expectedAt(line, conditions);
      return { median: value + shift, mad: mad * Math.sqrt(1 + leverage), doubt: Math.sqrt(leverage) };
    },
  };
}

/**
 * The drift that stands on the newest day: two one-sided CUSUMs (Page 1954) from the end of the baseline on, and a moving
 * average (EWMA) that says whether the shift is still there.
 */
function driftOf(rows: readonly SignalDayMean[], baseline: Baseline, rule: SignalRule): SignalDrift | null {
  const sums = { up: 0, down: 0 };
  const since = { up: '', down: '' };
  let average = 0;
  for (const { day, mean } of rows) {
    const { median: expected, mad, doubt } = baseline.at(day);
    const z = Math.max(-mostPerDay, Math.min(mostPerDay, (mean - expected) / (madToSigma * mad)));
    average += averageShare * (z - average);
    const slack = driftSlack + slackPerDoubt * doubt;
    for (const direction of ['up', 'down'] as const) {
      if (sums[direction] === 0) since[direction] = day;
      const away = (direction === 'up' ? z : -z) - slack;
      sums[direction] = Math.min(driftCap, Math.max(0, sums[direction] + away));
    }
  }
  const direction = average > 0 ? 'up' : 'down';
  if (!(sums[direction] > driftThreshold) || !(Math.abs(average) > stillThere)) return null;
  if (rule.harmful !== 'both' && rule.harmful !== direction) return null;
  return { direction, since: `${since[direction]}T00:00:00.000Z` };
}

function stateOf(name: SignalName, days: DaysByName): SignalState | null {
  const rows = days.get(name) ?? [];
  const newest = rows.at(-1);
  if (newest === undefined) return null;
  const rule = signalRules[name];
  const now = { name, value: newest.mean, at: newest.lastAt };
  const newestDays = Math.max(fewestNewestDays, Math.min(mostNewestDays, Math.floor(rows.length * newestShare)));
  const past = rows.slice(0, Math.max(0, rows.length - newestDays));
  const baseline = rule.kind === 'health' ? baselineOf(past, rule, days) : null;
  if (baseline === null) return { ...now, baselineMedian: null, baselineMad: null, n: past.length, drift: null };
  const expected = baseline.at(newest.day);
  return {
    ...now,
    baselineMedian: rule.harmful === 'up' ? Math.min(expected.median, newest.mean) : expected.median,
    baselineMad: expected.mad,
    n: baseline.n,
    drift: baseline.showsDrift ? driftOf(rows.slice(past.length), baseline, rule) : null,
  };
}

/**
 * The signals of one truck as scoring takes them, from its daily rollups of the last `baselineDays` or more, in any order.
 * `value` is the mean of the newest day with enough readings, `n` the days of the baseline. Signals that are not known and
 * days outside of a sensor's range are left out. One entry per signal with a usable day, in the order of `signalNames`.
 */
export function signalStates(days: readonly SignalDayMean[]): SignalState[] {
  const byName: DaysByName = new Map(
    signalNames.map((name) => [
      name,
      sortedDays(
        name,
        days.filter((row) => row.name === name),
      ),
    ]),
  );
  return signalNames.flatMap((name) => stateOf(name, byName) ?? []);
}

/**
 * What is odd about the signals, as one text: names with the direction of an outlier or a drift. Two states with the same
 * text call for the same judgement, so that a vehicle need not be scored again.
 */
export const oddities = (signals: VehicleFeatures['signals']): string =>
  signals
    .flatMap((signal) => {
      const z = baselineZ(signal);
      const outlier = z === null || Math.abs(z) < outlierZ ? '' : z > 0 ? '+' : '-';
      const drift = signal.drift ?? null;
      return outlier === '' && drift === null
        ? []
        : [`${signal.name}${outlier}${drift === null ? '' : drift.direction}`];
    })
    .sort()
    .join(' ');
