/** What D1 knows of a tenant's failures, for the trivial baseline, and the baseline's own sums in the ledger. */
import { sql } from 'drizzle-orm';
import { bulk } from '../../db/batch.ts';
import type { Database } from '../../db/client.ts';
import type { TenantScope } from '../../http/tenant-scope.ts';
import type { BaselineChance, FailureHistory } from './baseline-rules.ts';

/**
 * Since when each vehicle's failures are known (it was first seen then, or its imported history begins), and the failures
 * since, by day: every repair and breakdown, as the outcomes of predictions count them. The event with which a history
 * begins says when it begins, and is no failure within it.
 */
export async function readFailureHistory(scope: TenantScope, db: Database): Promise<FailureHistory> {
  const { tenantId } = scope;
  const first = sql`(SELECT min(f.at) FROM service_events f WHERE f.vehicle_id = v.id)`;
  const [starts, failures] = await db.batch([
    bulk(
      db,
      sql`
      SELECT substr(min(v.first_seen_at, coalesce(${first}, v.first_seen_at)), 1, 10) AS day, count(*) AS vehicles
      FROM vehicles v WHERE v.tenant_id = ${tenantId} GROUP BY 1 ORDER BY 1`,
    ),
    bulk(
      db,
      sql`
      SELECT substr(e.at, 1, 10) AS day, count(*) AS failures FROM service_events e
      WHERE e.tenant_id = ${tenantId} AND e.kind IN ('repair', 'breakdown')
        AND EXISTS (SELECT 1 FROM service_events before WHERE before.vehicle_id = e.vehicle_id AND before.at < e.at
          UNION ALL SELECT 1 FROM vehicles v WHERE v.id = e.vehicle_id AND v.first_seen_at < e.at)
      GROUP BY 1 ORDER BY 1`,
    ),
  ]);
  return {
    starts: starts.results as FailureHistory['starts'],
    failures: failures.results as FailureHistory['failures'],
  };
}

/** First and last day the ledger has rows of; null while it has none. */
export async function readLedgerDays(scope: TenantScope, db: Database): Promise<{ from: string; to: string } | null> {
  const [row] = await db.all<{ from: string | null; to: string | null }>(sql`
    SELECT (SELECT min(day) FROM prediction_ledger WHERE tenant_id = ${scope.tenantId}) AS "from",
      (SELECT max(day) FROM prediction_ledger WHERE tenant_id = ${scope.tenantId}) AS "to"`);
  return row === undefined || row.from === null || row.to === null ? null : { from: row.from, to: row.to };
}

/**
 * The statement that sets the baseline's sums of these days anew. They follow from the counts that stand there, so that it
 * may run as often as it likes. The tenant travels in the list: as a constant it would have all its rows walked.
 */
export const writeBaselines = (scope: TenantScope, db: Database, chances: readonly BaselineChance[]) =>
  bulk(
    db,
    sql`
    UPDATE prediction_ledger SET
      baseline_brier_sum = failures * (1 - (r.value ->> 'chance')) * (1 - (r.value ->> 'chance'))
        + (predictions - failures) * (r.value ->> 'chance') * (r.value ->> 'chance'),
      baseline_log_loss_sum = failures * (r.value ->> 'lossFailed') + (predictions - failures) * (r.value ->> 'lossSurvived')
    FROM json_each(${JSON.stringify(chances.map((chance) => ({ ...chance, tenantId: scope.tenantId })))}) AS r
    WHERE prediction_ledger.tenant_id = r.value ->> 'tenantId' AND prediction_ledger.day = r.value ->> 'day'
      AND prediction_ledger.horizon_days = r.value ->> 'horizonDays'`,
  );
