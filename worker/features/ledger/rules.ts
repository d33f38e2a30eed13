/**
 * Pure: what has become of a prediction, and what it adds to the ledger's sums. The sums follow from the stored outcome
 * alone, so that a correction takes away exactly what was added.
 */
import { accuracyHorizonDays } from '#contracts/scoring';
import type { ServiceEventKind } from '#contracts/service-events';
import { outcomeAfter } from '#scoring';

const dayMs = 86_400_000;
const longestHorizonDays = Math.max(...accuracyHorizonDays);
/** A chance of 0 or 1 that turns out wrong would count infinitely in the log loss. */
export const leastChance = 0.001;
const deciles = 10;

type Horizon = (typeof accuracyHorizonDays)[number];
/** 1 failed within the horizon, 0 did not, null while nobody knows. */
type Verdict = 0 | 1 | null;

/** As `predictions` holds it. */
export interface PredictionOutcomeRow {
  failedAt: string | null;
  censoredAt: string | null;
  failed7: Verdict;
  failed30: Verdict;
  failed90: Verdict;
  settledAt: string | null;
}

export interface LedgerPrediction extends PredictionOutcomeRow {
  id: string;
  vehicleId: string;
  createdAt: string;
  modelVersion: string;
  chance7: number | null;
  chance30: number | null;
  chance90: number | null;
}

export interface ServiceEventAt {
  at: string;
  kind: ServiceEventKind;
}

const after = (at: string, days: number): string => new Date(Date.parse(at) + days * dayMs).toISOString();

/**
 * What is known by `now` of a prediction made at `createdAt`, from all service events of its vehicle. A failure after a
 * horizon or preventive work after it means the horizon was survived; preventive work within it means nobody will know.
 */
export function judge(
  { createdAt, settledAt }: Pick<LedgerPrediction, 'createdAt' | 'settledAt'>,
  events: readonly ServiceEventAt[],
  now: Date,
): PredictionOutcomeRow {
  const nowIso = now.toISOString();
  const last = after(createdAt, longestHorizonDays);
  const { failedAt, censoredAt } = outcomeAfter(createdAt, events, last < nowIso ? last : nowIso);
  const verdictOf = (days: Horizon): Verdict => {
    const end = after(createdAt, days);
    if (failedAt !== null) return failedAt <= end ? 1 : 0;
    if (censoredAt !== null) return censoredAt <= end ? null : 0;
    return nowIso >= end ? 0 : null;
  };
  const isSettled = failedAt !== null || censoredAt !== null || nowIso >= last;
  return {
    failedAt,
    censoredAt,
    failed7: verdictOf(7),
    failed30: verdictOf(30),
    failed90: verdictOf(90),
    settledAt: isSettled ? (settledAt ?? nowIso) : null,
  };
}

/** The outcome as one text; the same expression over the stored row guards every change of it (see store.ts). */
export const outcomeKey = (row: PredictionOutcomeRow): string =>
  [row.failedAt, row.censoredAt, row.failed7, row.failed30, row.failed90, row.settledAt]
    .map((value) => value ?? '')
    .join('|');

/** What one prediction adds to one row of the ledger. */
export interface LedgerShare {
  day: string;
  modelVersion: string;
  horizonDays: number;
  decile: number;
  predictions: number;
  failures: number;
  censored: number;
  chanceSum: number;
  brierSum: number;
  logLossSum: number;
}

export const clampChance = (chance: number): number => Math.min(1 - leastChance, Math.max(leastChance, chance));

/** What a prediction with this outcome has added to the sums: at most one share per horizon. */
export function sharesOf(prediction: Omit<LedgerPrediction, 'id' | 'vehicleId'>): LedgerShare[] {
  const { createdAt, modelVersion, censoredAt } = prediction;
  const shareOf = (horizonDays: Horizon, chance: number | null, verdict: Verdict): LedgerShare[] => {
    if (chance === null || (verdict === null && censoredAt === null)) return [];
    const decile = Math.min(deciles - 1, Math.max(0, Math.floor(chance * deciles)));
    const place = { day: createdAt.slice(0, 10), modelVersion, horizonDays, decile };
    const nothing = { predictions: 0, failures: 0, chanceSum: 0, brierSum: 0, logLossSum: 0 };
    if (verdict === null) return [{ ...place, ...nothing, censored: 1 }];
    const clamped = clampChance(chance);
    return [
      {
        ...place,
        predictions: 1,
        failures: verdict,
        censored: 0,
        chanceSum: chance,
        brierSum: (chance - verdict) ** 2,
        logLossSum: -Math.log(verdict === 1 ? clamped : 1 - clamped),
      },
    ];
  };
  return [
    ...shareOf(7, prediction.chance7, prediction.failed7),
    ...shareOf(30, prediction.chance30, prediction.failed30),
    ...shareOf(90, prediction.chance90, prediction.failed90),
  ];
}

/** A prediction whose outcome is no longer what is stored. */
export interface Verdicts {
  id: string;
  /** `outcomeKey` of what is stored. */
  was: string;
  outcome: PredictionOutcomeRow;
  /** What the ledger must gain; negative where it had counted too much. */
  gains: LedgerShare[];
}

const negative = (share: LedgerShare): LedgerShare => ({
  ...share,
  predictions: -share.predictions,
  failures: -share.failures,
  censored: -share.censored,
  chanceSum: -share.chanceSum,
  brierSum: -share.brierSum,
  logLossSum: -share.logLossSum,
});

const equal = (a: LedgerShare, b: LedgerShare): boolean => JSON.stringify(a) === JSON.stringify(b);

/** Judges predictions by their vehicles' events; those whose outcome stays as it is are left out. */
export function judgeAll(
  predictions: readonly LedgerPrediction[],
  eventsByVehicle: ReadonlyMap<string, readonly ServiceEventAt[]>,
  now: Date,
): Verdicts[] {
  return predictions.flatMap((prediction) => {
    const outcome = judge(prediction, eventsByVehicle.get(prediction.vehicleId) ?? [], now);
    const was = outcomeKey(prediction);
    if (outcomeKey(outcome) === was) return [];
    const before = sharesOf(prediction);
    const then = sharesOf({ ...prediction, ...outcome });
    const gains = [
      ...then.filter((share) => !before.some((other) => equal(other, share))),
      ...before.filter((share) => !then.some((other) => equal(other, share))).map(negative),
    ];
    return [{ id: prediction.id, was, outcome, gains }];
  });
}
