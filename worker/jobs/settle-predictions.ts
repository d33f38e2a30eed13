/**
 * Every quarter of an hour: predictions whose horizon has passed, or whose vehicle was in a shop, are held against what
 * happened. A tenant has its turn when an event came or went, and some four times a day for what time alone decides. What
 * does not fit into one invocation goes on in the next.
 */
import { openDatabase } from '../db/client.ts';
import type { Env } from '../env.ts';
import { defaultSettleBounds, settlePredictions } from '../features/ledger/settle.ts';
import { listTenantsToSettle } from '../features/ledger/store.ts';
import { scopeForJob } from '../http/tenant-scope.ts';
import { logFailure } from '../log.ts';

/** What time decides may rest so long, so that a quarter of a day's predictions are judged in one go. */
const restHours = 6;
const quarterHourMs = 15 * 60_000;

export interface SettleRunBounds {
  /**
   * Steps of one tenant at a turn, and altogether, of the thousand calls an invocation has. A step asks D1 five times at
   * most; a tenant that is done costs one more look.
   */
  stepsPerTurn: number;
  steps: number;
  ms: number;
}

const everyQuarter: SettleRunBounds = { stepsPerTurn: 5, steps: 80, ms: 15_000 };

export interface SettleRunResult {
  tenants: number;
  judged: number;
  /** Tenants that were not done. */
  left: number;
  failed: number;
}

/** Judges what fits into the bounds, tenants taking turns; one tenant's trouble is logged and does not stop the others. */
export async function settleAllPredictions(
  env: Env,
  now: Date,
  bounds: SettleRunBounds = everyQuarter,
): Promise<SettleRunResult> {
  const db = openDatabase(env.DB);
  const startedMs = Date.now();
  const listed = await listTenantsToSettle(db, now, restHours);
  // Another one begins each time, so that nobody is always the last.
  const first = listed.length === 0 ? 0 : Math.floor(now.getTime() / quarterHourMs) % listed.length;
  const waiting = [...listed.slice(first), ...listed.slice(0, first)];
  const result: SettleRunResult = { tenants: waiting.length, judged: 0, left: 0, failed: 0 };
  let steps = 0;
  while (waiting.length > 0 && steps < bounds.steps && Date.now() - startedMs < bounds.ms) {
    const tenantId = waiting.shift() as string;
    try {
      const turn = { ...defaultSettleBounds, steps: Math.min(bounds.stepsPerTurn, bounds.steps - steps) };
      const { judged, isDone, steps: taken } = await settlePredictions(scopeForJob(tenantId), db, now, turn);
      result.judged += judged;
      // Finding out that there is nothing left costs calls too.
      steps += Math.max(1, taken);
      if (!isDone) waiting.push(tenantId);
    } catch (cause) {
      result.failed += 1;
      steps += 1;
      logFailure('settling_failed', cause, { tenantId });
    }
  }
  result.left = waiting.length;
  return result;
}
