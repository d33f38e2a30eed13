/**
 * What the accuracy report reads: sums of the ledger, counts over indexes, and the warnings of the span. Everything is
 * added up in D1; a handful of rows come back however large the fleets are.
 */
import { sql, type SQL } from 'drizzle-orm';
import { bulk } from '../../db/batch.ts';
import type { Database } from '../../db/client.ts';
import { idsIn } from '../../db/scoped.ts';
import type { ReadScope } from '../../http/tenant-scope.ts';
import { warningDays, type AccuracyFigures, type LedgerSums, type Span } from './accuracy-rules.ts';

/** How far a truck's state before a moment is looked for: a watched truck has a prediction a day. */
const lookBackDays = 30;

const daysFrom = (at: SQL, days: number): SQL =>
  sql`strftime('%Y-%m-%dT%H:%M:%fZ', ${at}, ${`${days > 0 ? '+' : ''}${days} days`})`;

/**
 * A failure of `e` that could have been warned of on its own: not the second visit for the same trouble (a breakdown, the
 * repair two days later).
 */
const isNewFailure = (e: SQL): SQL => sql`${e}.kind IN ('repair', 'breakdown') AND NOT EXISTS (
  SELECT 1 FROM service_events earlier WHERE earlier.vehicle_id = ${e}.vehicle_id
    AND earlier.kind IN ('repair', 'breakdown') AND earlier.at < ${e}.at
    AND earlier.at >= strftime('%Y-%m-%dT%H:%M:%fZ', ${e}.at, '-3 days'))`;

/** As the index `predictions_warnings` has it, word by word. */
const isWarning = (p: SQL): SQL => sql`${p}.risk_level in ('high', 'critical')`;

/**
 * Warnings that began in the span: a prediction of high or critical whose predecessor was neither. Between two warnings of
 * a truck that follow upon each other, any other prediction is the end of the first.
 */
const episodes = (tenants: SQL, span: Span, ofVersion: (model: SQL) => SQL): SQL => sql`
  episodes AS (
    SELECT truck, began FROM (
      SELECT p.vehicle_id AS truck, p.created_at AS began, p.model_version AS model,
        lag(p.created_at) OVER (PARTITION BY p.vehicle_id ORDER BY p.created_at) AS before
      FROM vehicles v CROSS JOIN predictions p
      WHERE v.tenant_id IN ${tenants} AND p.vehicle_id = v.id AND ${isWarning(sql`p`)}
        AND p.created_at >= ${daysFrom(sql`${span.from}`, -lookBackDays)} AND p.created_at < ${span.to})
    WHERE began >= ${span.from} ${ofVersion(sql`model`)} AND (before IS NULL OR EXISTS (
      SELECT 1 FROM predictions q WHERE q.vehicle_id = truck AND q.created_at > before AND q.created_at < began)))`;

/** The first event of these kinds after a warning, while it counts. */
const firstAfter = (kinds: SQL): SQL => sql`(
  SELECT min(e.at) FROM service_events e WHERE e.vehicle_id = episodes.truck AND e.at > episodes.began
    AND e.at <= ${daysFrom(sql`episodes.began`, warningDays)} AND e.kind IN ${kinds})`;

/** Of each warning one thing is true: a failure followed, its time is not over, a shop acted on it, or it was false. */
const warningCounts = (tenants: SQL, span: Span, ofVersion: (model: SQL) => SQL, nowIso: string): SQL => sql`
  WITH ${episodes(tenants, span, ofVersion)},
  judged AS (
    SELECT CASE WHEN ${firstAfter(sql`('repair', 'breakdown')`)} IS NOT NULL THEN 'followed'
      WHEN ${daysFrom(sql`episodes.began`, warningDays)} > ${nowIso} THEN 'pending'
      WHEN ${firstAfter(sql`('preventive')`)} IS NOT NULL THEN 'heeded' ELSE 'false' END AS verdict
    FROM episodes)
  SELECT count(*) AS raised, coalesce(sum(verdict = 'followed'), 0) AS followed,
    coalesce(sum(verdict = 'false'), 0) AS falseAlarms, coalesce(sum(verdict = 'pending'), 0) AS pending FROM judged`;

/**
 * Failures of the span of trucks that were being watched, by how long before they had been warned of: since the beginning
 * of the warning that stood last before the failure, if it stood within 30 days.
 */
const failuresByLead = (tenants: SQL, span: Span, ofVersion: (model: SQL) => SQL): SQL => sql`
  WITH failed AS (
    SELECT e.vehicle_id, e.at,
      (SELECT max(p.created_at) FROM predictions p WHERE p.vehicle_id = e.vehicle_id AND ${isWarning(sql`p`)}
        ${ofVersion(sql`p.model_version`)} AND p.created_at < e.at AND p.created_at >= ${daysFrom(sql`e.at`, -warningDays)}) AS warned
    FROM service_events e
    WHERE e.tenant_id IN ${tenants} AND e.at >= ${span.from} AND e.at < ${span.to} AND ${isNewFailure(sql`e`)}
      AND EXISTS (SELECT 1 FROM predictions p WHERE p.vehicle_id = e.vehicle_id ${ofVersion(sql`p.model_version`)}
        AND p.created_at < e.at AND p.created_at >= ${daysFrom(sql`e.at`, -lookBackDays)})),
  led AS (
    SELECT failed.at, CASE WHEN failed.warned IS NOT NULL THEN (
      SELECT min(p.created_at) FROM predictions p WHERE p.vehicle_id = failed.vehicle_id AND ${isWarning(sql`p`)}
        AND p.created_at > coalesce((
          SELECT q.created_at FROM predictions q WHERE q.vehicle_id = failed.vehicle_id AND q.created_at < failed.warned
            AND q.risk_level IN ('low', 'medium') ORDER BY q.created_at DESC LIMIT 1), '')) END AS began
    FROM failed)
  SELECT round(julianday(at) - julianday(began), 1) AS leadDays, count(*) AS failures FROM led GROUP BY 1 ORDER BY 1`;

/** The figures of all tenants that the scope may read, as of one instant. */
export async function readAccuracy(
  scope: ReadScope,
  db: Database,
  { span, modelVersion, nowIso }: { span: Span; modelVersion: string | undefined; nowIso: string },
): Promise<AccuracyFigures> {
  const tenants = idsIn(scope.readableTenantIds);
  const ofVersion = (model: SQL): SQL => (modelVersion === undefined ? sql`` : sql`AND ${model} = ${modelVersion}`);
  // The conditions are those of the partial indexes, word by word.
  const pending = (unsettled: SQL, chance: SQL) =>
    bulk(
      db,
      sql`
      SELECT count(*) AS pending FROM predictions p WHERE p.tenant_id IN ${tenants} AND ${unsettled}
        AND p.created_at >= ${span.from} AND p.created_at < ${span.to} AND ${chance} IS NOT NULL ${ofVersion(sql`p.model_version`)}`,
    );
  const edge = (which: SQL) => sql`(
    SELECT ${which}(p.created_at) FROM predictions p WHERE p.vehicle_id = v.id AND p.created_at >= ${span.from}
      AND p.created_at < ${span.to} ${ofVersion(sql`p.model_version`)})`;
  const answers = await db.batch([
    bulk(
      db,
      sql`
      SELECT model_version AS modelVersion, horizon_days AS horizonDays, decile, sum(predictions) AS predictions,
        sum(failures) AS failures, sum(censored) AS censored, sum(chance_sum) AS chanceSum, sum(brier_sum) AS brierSum,
        sum(log_loss_sum) AS logLossSum, sum(baseline_brier_sum) AS baselineBrierSum,
        sum(baseline_log_loss_sum) AS baselineLogLossSum
      FROM prediction_ledger
      WHERE tenant_id IN ${tenants} AND day >= ${span.firstDay} AND day <= ${span.lastDay}
      GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`,
    ),
    pending(sql`p.settled_at is null and p.failed7 is null`, sql`p.chance7`),
    pending(sql`p.settled_at is null and p.failed30 is null`, sql`p.chance30`),
    pending(sql`p.settled_at is null`, sql`p.chance90`),
    bulk(
      db,
      sql`
      SELECT count(*) AS vehicles, coalesce(sum(julianday(last) - julianday(first) + 1), 0) AS days FROM (
        SELECT ${edge(sql`min`)} AS first, ${edge(sql`max`)} AS last FROM vehicles v WHERE v.tenant_id IN ${tenants})
      WHERE first IS NOT NULL`,
    ),
    bulk(db, warningCounts(tenants, span, ofVersion, nowIso)),
    bulk(db, failuresByLead(tenants, span, ofVersion)),
    bulk(
      db,
      sql`
      SELECT t.name AS tenantName, c.since, c.reason FROM calibration_checks c JOIN tenants t ON t.id = c.tenant_id
      WHERE c.tenant_id IN ${tenants} AND c.is_drifting = 1 ORDER BY c.since LIMIT 10`,
    ),
  ]);
  const [sums, pending7, pending30, pending90, exposure, warnings, failures, drifting] = answers.map(
    ({ results }) => results as unknown[],
  );
  const countOf = (rows: unknown[] | undefined): number => (rows?.[0] as { pending: number } | undefined)?.pending ?? 0;
  return {
    sums: (sums ?? []) as LedgerSums[],
    pending: { 7: countOf(pending7), 30: countOf(pending30), 90: countOf(pending90) },
    exposure: (exposure?.[0] ?? { vehicles: 0, days: 0 }) as AccuracyFigures['exposure'],
    warnings: (warnings?.[0] ?? { raised: 0, followed: 0, falseAlarms: 0, pending: 0 }) as AccuracyFigures['warnings'],
    failures: (failures ?? []) as AccuracyFigures['failures'],
    drifting: (drifting ?? []) as AccuracyFigures['drifting'],
  };
}
