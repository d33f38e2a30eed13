/**
 * Holds predictions against what happened. Every step is one transaction that leaves ledger and predictions in agreement,
 * so that it may be killed anywhere, run twice, or run beside itself; what is left over the next run finds again.
 */
import type { Database } from '../../db/client.ts';
import type { TenantScope } from '../../http/tenant-scope.ts';
import { baselineChances, daysBetween, type FailureHistory } from './baseline-rules.ts';
import { readFailureHistory, readLedgerDays } from './baseline-store.ts';
import { judgeAll } from './rules.ts';
import { readWork, writeVerdicts, type Review } from './store.ts';
import { reviewEverything } from './reviews.ts';

export interface SettleBounds {
  /** Steps, each a handful of calls to D1: a reading with what it writes first, and every further writing. */
  steps: number;
  /** Reviewed vehicles, predictions of each, and due predictions per horizon of one reading. */
  vehicles: number;
  predictionsPerVehicle: number;
  predictionsPerHorizon: number;
}

export const defaultSettleBounds: SettleBounds = {
  ...{ steps: 20, vehicles: 10, predictionsPerVehicle: 200, predictionsPerHorizon: 500 },
};
/** Verdicts per transaction: about 1.5 kB of parameters each at worst. */
const verdictsPerWrite = 500;

export interface SettleResult {
  /** Predictions whose outcome changed. */
  judged: number;
  steps: number;
  /** False when the bounds ended it. */
  isDone: boolean;
}

/** Days of the ledger whose baseline the events under review may have changed: all from the first of them on. */
function daysAfter(reviews: readonly Review[], ledger: { from: string; to: string } | null): string[] {
  const [first] = reviews.map(({ eventsFrom }) => eventsFrom.slice(0, 10)).sort();
  if (first === undefined || ledger === null) return [];
  return daysBetween(first > ledger.from ? first : ledger.from, ledger.to);
}

/** Judges what can be judged of one tenant's predictions by now, within bounds. */
export async function settlePredictions(
  scope: TenantScope,
  db: Database,
  now: Date,
  bounds: SettleBounds = defaultSettleBounds,
): Promise<SettleResult> {
  const result: SettleResult = { judged: 0, steps: 0, isDone: false };
  let history: FailureHistory | null = null;
  while (result.steps < bounds.steps) {
    const { reviews, predictions, eventsByVehicle } = await readWork(scope, db, now, bounds);
    if (reviews.length === 0 && predictions.length === 0) return { ...result, isDone: true };
    const verdicts = judgeAll(predictions, eventsByVehicle, now);
    // Events have come or gone: what was read before them no longer holds.
    if (history === null || reviews.length > 0) history = await readFailureHistory(scope, db);
    for (let from = 0; from === 0 || from < verdicts.length; from += verdictsPerWrite) {
      const part = verdicts.slice(from, from + verdictsPerWrite);
      const isLast = from + verdictsPerWrite >= verdicts.length;
      const touched = part.flatMap(({ gains }) => gains.map(({ day }) => day));
      result.steps += 1;
      // The reviews end or go on with the last of it: killed before that, the same is judged again.
      const reviewed = isLast ? daysAfter(reviews, await readLedgerDays(scope, db)) : [];
      result.judged += await writeVerdicts(scope, db, {
        verdicts: part,
        reviews: isLast ? reviews : [],
        baselines: baselineChances([...new Set([...touched, ...reviewed])], history),
      });
    }
  }
  return result;
}

/** Everything at once, for data that was written past the features: a demo's past, a restored copy. */
export async function settleEverything(scope: TenantScope, db: Database, now: Date): Promise<SettleResult> {
  await db.batch([reviewEverything(scope, db)]);
  return settlePredictions(scope, db, now, {
    steps: 100_000,
    vehicles: 50,
    predictionsPerVehicle: 200,
    predictionsPerHorizon: 2_000,
  });
}
