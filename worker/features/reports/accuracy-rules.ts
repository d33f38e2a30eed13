/** Pure: the accuracy report from sums and counts, and the span it covers. */
import { accuracyHorizonDays, type PredictionAccuracy, type PredictionAccuracyQuery } from '#contracts/scoring';

const dayMs = 86_400_000;
const usualDays = 180;
const mostDays = 1_100;
const daysPerMonth = 30.44;
/** Fewer judged 30-day predictions say nothing about a forecast. */
export const judgedNeeded = 30;
/** A warning that no failure follows for so long was false. */
export const warningDays = 30;

type Horizon = PredictionAccuracy['horizons'][number];

/** The span in whole UTC days: `from` is the beginning of its first day, `to` the end of its last (or now). */
export interface Span {
  from: string;
  to: string;
  firstDay: string;
  lastDay: string;
}

/** The span a query asks for, or why it cannot. */
export function spanOf(query: Pick<PredictionAccuracyQuery, 'from' | 'to'>, now: Date): Span | { problem: string } {
  const nowMs = now.getTime();
  const asked = query.to === undefined ? nowMs : Math.min(nowMs, Date.parse(query.to));
  const fromMs = query.from === undefined ? asked - usualDays * dayMs : Date.parse(query.from);
  if (fromMs > asked) return { problem: 'from lies after to, or after now' };
  if (asked - fromMs > mostDays * dayMs) return { problem: `the span is longer than ${mostDays} days` };
  const firstDay = new Date(fromMs).toISOString().slice(0, 10);
  const lastDay = new Date(asked).toISOString().slice(0, 10);
  const endMs = Math.min(nowMs, Date.parse(lastDay) + dayMs);
  return { from: `${firstDay}T00:00:00.000Z`, to: new Date(endMs).toISOString(), firstDay, lastDay };
}

/** Sums of the ledger over a span's days, per model, horizon and decile. */
export interface LedgerSums {
  modelVersion: string;
  horizonDays: number;
  decile: number;
  predictions: number;
  failures: number;
  censored: number;
  chanceSum: number;
  brierSum: number;
  logLossSum: number;
  baselineBrierSum: number;
  baselineLogLossSum: number;
}

export interface AccuracyFigures {
  sums: readonly LedgerSums[];
  /** Predictions that time has not decided yet, per horizon. */
  pending: Readonly<Record<number, number>>;
  /** Vehicles with a prediction in the span, and the days between their first and last, both counted. */
  exposure: { vehicles: number; days: number };
  warnings: { raised: number; followed: number; falseAlarms: number; pending: number };
  /** Failures by whether and how many days before they were warned of; null: not. */
  failures: readonly { leadDays: number | null; failures: number }[];
  drifting: readonly { tenantName: string; since: string | null; reason: string | null }[];
}

const round = (value: number, digits: number): number => Math.round(value * 10 ** digits) / 10 ** digits;
const share = (sum: number, count: number): number | null => (count > 0 ? round(sum / count, 6) : null);
type Summed = Exclude<keyof LedgerSums, 'modelVersion'>;
const total = (rows: readonly LedgerSums[], key: Summed): number => rows.reduce((sum, row) => sum + row[key], 0);

function horizonOf(horizonDays: number, sums: readonly LedgerSums[], pending: number): Horizon {
  const rows = sums.filter((row) => row.horizonDays === horizonDays);
  const predictions = total(rows, 'predictions');
  const failures = total(rows, 'failures');
  const brierSum = total(rows, 'brierSum');
  const baselineBrierSum = total(rows, 'baselineBrierSum');
  const byDecile = Map.groupBy(rows, ({ decile }) => decile);
  return {
    horizonDays,
    predictions,
    failures,
    pending,
    censored: total(rows, 'censored'),
    brier: share(brierSum, predictions),
    logLoss: share(total(rows, 'logLossSum'), predictions),
    baselineBrier: share(baselineBrierSum, predictions),
    baselineLogLoss: share(total(rows, 'baselineLogLossSum'), predictions),
    skill: baselineBrierSum > 0 ? round(1 - brierSum / baselineBrierSum, 6) : null,
    meanPredicted: share(total(rows, 'chanceSum'), predictions),
    observedRate: share(failures, predictions),
    calibration: [...byDecile.entries()]
      .sort(([a], [b]) => a - b)
      .flatMap(([decile, cells]) => {
        const n = total(cells, 'predictions');
        if (n === 0) return [];
        const predicted = round(total(cells, 'chanceSum') / n, 6);
        return [
          { from: decile / 10, to: (decile + 1) / 10, n, predicted, observed: round(total(cells, 'failures') / n, 6) },
        ];
      }),
  };
}

/** The middle of the lead times, of `failures` weights; null for none. */
function medianLead(failures: AccuracyFigures['failures']): number | null {
  const warned = failures
    .flatMap(({ leadDays, failures: count }) => (leadDays === null ? [] : [{ leadDays, count }]))
    .sort((a, b) => a.leadDays - b.leadDays);
  const count = warned.reduce((sum, one) => sum + one.count, 0);
  const at = (rank: number): number => {
    let left = rank;
    for (const one of warned) {
      left -= one.count;
      if (left < 0) return one.leadDays;
    }
    return 0;
  };
  return count === 0 ? null : round((at(Math.floor((count - 1) / 2)) + at(Math.floor(count / 2))) / 2, 1);
}

function versionsOf(sums: readonly LedgerSums[]): PredictionAccuracy['versions'] {
  const byVersion = Map.groupBy(sums, ({ modelVersion }) => modelVersion);
  return [...byVersion.entries()]
    .map(([modelVersion, rows]) => {
      const of = (horizonDays: number) => rows.filter((row) => row.horizonDays === horizonDays);
      return {
        modelVersion,
        // A prediction is judged at the shortest horizon first.
        predictions: Math.max(...accuracyHorizonDays.map((days) => total(of(days), 'predictions'))),
        brier30: share(total(of(30), 'brierSum'), total(of(30), 'predictions')),
      };
    })
    .sort((a, b) => b.predictions - a.predictions || (a.modelVersion < b.modelVersion ? -1 : 1));
}

function driftOf(drifting: AccuracyFigures['drifting']): PredictionAccuracy['drift'] {
  const [first, ...others] = drifting;
  if (first === undefined) return { isDrifting: false, since: null, reason: null };
  const since = drifting.flatMap((one) => one.since ?? []).sort()[0] ?? null;
  const reason =
    others.length === 0
      ? first.reason
      : drifting.map(({ tenantName, reason: said }) => `${tenantName}: ${said ?? 'drifting'}`).join(' ');
  return { isDrifting: true, since, reason };
}

/** The whole report. `modelVersion` narrows the judged predictions; the list of versions names them all. */
export function accuracyOf(span: Span, figures: AccuracyFigures, modelVersion: string | undefined): PredictionAccuracy {
  const { exposure, warnings, failures } = figures;
  const sums = figures.sums.filter((row) => modelVersion === undefined || row.modelVersion === modelVersion);
  const horizons = accuracyHorizonDays.map((days) => horizonOf(days, sums, figures.pending[days] ?? 0));
  const have = horizons.find(({ horizonDays }) => horizonDays === 30)?.predictions ?? 0;
  const truckMonths = round(exposure.days / daysPerMonth, 1);
  const count = (list: AccuracyFigures['failures']): number => list.reduce((sum, one) => sum + one.failures, 0);
  return {
    from: span.from,
    to: span.to,
    vehicles: exposure.vehicles,
    dataStatus: have >= judgedNeeded ? 'ok' : { kind: 'insufficient_data', have, need: judgedNeeded },
    horizons,
    warnings: {
      raised: warnings.raised,
      followedByFailure: warnings.followed,
      falseAlarms: warnings.falseAlarms,
      pending: warnings.pending,
      cutShort: warnings.raised - warnings.followed - warnings.falseAlarms - warnings.pending,
      truckMonths,
      falseAlarmsPerTruckMonth: truckMonths > 0 ? round(warnings.falseAlarms / truckMonths, 4) : null,
      failures: count(failures),
      warnedFailures: count(failures.filter(({ leadDays }) => leadDays !== null)),
      medianLeadDays: medianLead(failures),
    },
    versions: versionsOf(figures.sums),
    drift: driftOf(figures.drifting),
  };
}
