/** The ledger in D1: which predictions are to be judged, and writing the verdicts together with the sums they change. */
import { sql, type SQL } from 'drizzle-orm';
import { bulk } from '../../db/batch.ts';
import type { Database } from '../../db/client.ts';
import { idsIn } from '../../db/scoped.ts';
import type { TenantScope } from '../../http/tenant-scope.ts';
import type { BaselineChance } from './baseline-rules.ts';
import { writeBaselines } from './baseline-store.ts';
import { newVersion } from './reviews.ts';
import type { LedgerPrediction, ServiceEventAt, Verdicts } from './rules.ts';

const dayMs = 86_400_000;

export interface Review {
  vehicleId: string;
  eventsFrom: string;
  eventsTo: string;
  version: number;
}

/** A review that is done, or from where on it goes on: its `eventsFrom` then. */
export type ReviewProgress = Review & { goesOnFrom: string | null };

export interface LedgerWork {
  reviews: ReviewProgress[];
  /** Predictions of reviewed vehicles and those whose horizon has passed, each once. */
  predictions: LedgerPrediction[];
  /** Events of their vehicles that decide something, from the earliest prediction on. */
  eventsByVehicle: Map<string, ServiceEventAt[]>;
}

const columns = sql`p.id AS id, p.vehicle_id AS vehicleId, p.created_at AS createdAt, p.model_version AS modelVersion,
  p.chance7 AS chance7, p.chance30 AS chance30, p.chance90 AS chance90, p.failed_at AS failedAt,
  p.censored_at AS censoredAt, p.failed7 AS failed7, p.failed30 AS failed30, p.failed90 AS failed90,
  p.settled_at AS settledAt`;

/** An event that a clock running ahead has dated a few minutes from now waits until it has happened. */
const reviewsOf = (scope: TenantScope, now: Date, vehicles: number): SQL => sql`
  FROM prediction_reviews WHERE tenant_id = ${scope.tenantId} AND events_to <= ${now.toISOString()}
  ORDER BY vehicle_id LIMIT ${vehicles}`;

const reviewedFrom = sql`strftime('%Y-%m-%dT%H:%M:%fZ', r.events_from, '-90 days')`;

/** Predictions whose horizon has passed without a verdict. The conditions are those of the indexes, word by word. */
const due = (scope: TenantScope, unsettled: SQL, days: number, now: Date, atMost: number): SQL => sql`
  SELECT ${columns} FROM predictions p
  WHERE p.tenant_id = ${scope.tenantId} AND ${unsettled}
    AND p.created_at <= ${new Date(now.getTime() - days * dayMs).toISOString()}
  ORDER BY p.created_at LIMIT ${atMost}`;

/** Only predictions up to 90 days older than an event can have been decided by it. */
const reachDays = 90;

/** What there is to judge now: of some reviewed vehicles the oldest, of what is due at most so many per horizon. */
export async function readWork(
  scope: TenantScope,
  db: Database,
  now: Date,
  bounds: { vehicles: number; predictionsPerVehicle: number; predictionsPerHorizon: number },
): Promise<LedgerWork> {
  const { vehicles, predictionsPerVehicle, predictionsPerHorizon } = bounds;
  const atMost = predictionsPerHorizon;
  const answers = await db.batch([
    bulk(
      db,
      sql`SELECT vehicle_id AS vehicleId, events_from AS eventsFrom, events_to AS eventsTo, version
        ${reviewsOf(scope, now, vehicles)}`,
    ),
    // The last of them is looked up first, so that no row past it is read; those of the same instant come along.
    bulk(
      db,
      sql`
      SELECT ${columns} FROM prediction_reviews r CROSS JOIN predictions p
      WHERE r.tenant_id = ${scope.tenantId} AND r.vehicle_id IN (SELECT vehicle_id ${reviewsOf(scope, now, vehicles)})
        AND p.vehicle_id = r.vehicle_id AND +p.tenant_id = ${scope.tenantId} AND p.created_at >= ${reviewedFrom}
        AND p.created_at <= min(r.events_to, coalesce((
          SELECT q.created_at FROM predictions q WHERE q.vehicle_id = r.vehicle_id AND q.created_at >= ${reviewedFrom}
          ORDER BY q.created_at LIMIT 1 OFFSET ${predictionsPerVehicle - 1}), r.events_to))`,
    ),
    bulk(db, due(scope, sql`p.settled_at is null and p.failed7 is null`, 7, now, atMost)),
    bulk(db, due(scope, sql`p.settled_at is null and p.failed30 is null`, 30, now, atMost)),
    bulk(db, due(scope, sql`p.settled_at is null`, 90, now, atMost)),
  ]);
  const [reviews, reviewed, ...lists] = answers.map(({ results }) => results) as unknown as [
    Review[],
    ...LedgerPrediction[][],
  ];
  const reviewedBy = Map.groupBy(reviewed ?? [], ({ vehicleId }) => vehicleId);
  const predictions = [...new Map([...(reviewed ?? []), ...lists.flat()].map((row) => [row.id, row])).values()];
  return {
    reviews: reviews.map((review) => {
      const rows = reviewedBy.get(review.vehicleId) ?? [];
      const last = rows.reduce((latest, { createdAt }) => (createdAt > latest ? createdAt : latest), '');
      const isDone = rows.length < predictionsPerVehicle;
      return {
        ...review,
        goesOnFrom: isDone ? null : new Date(Date.parse(last) + reachDays * dayMs + 1).toISOString(),
      };
    }),
    predictions,
    eventsByVehicle: await readEvents(scope, db, predictions),
  };
}

async function readEvents(
  scope: TenantScope,
  db: Database,
  predictions: readonly LedgerPrediction[],
): Promise<Map<string, ServiceEventAt[]>> {
  if (predictions.length === 0) return new Map();
  const first = predictions.reduce((least, { createdAt }) => (createdAt < least ? createdAt : least), '9');
  const vehicleIds = [...new Set(predictions.map(({ vehicleId }) => vehicleId))];
  const rows = await db.all<ServiceEventAt & { vehicleId: string }>(sql`
    SELECT vehicle_id AS vehicleId, at, kind FROM service_events
    WHERE vehicle_id IN ${idsIn(vehicleIds)} AND at >= ${first} AND +tenant_id = ${scope.tenantId}
      AND kind <> 'inspection'`);
  return Map.groupBy(rows, ({ vehicleId }) => vehicleId);
}

/** `outcomeKey` over a stored row. */
const storedKey = sql`coalesce(p.failed_at, '') || '|' || coalesce(p.censored_at, '') || '|' || coalesce(p.failed7, '')
  || '|' || coalesce(p.failed30, '') || '|' || coalesce(p.failed90, '') || '|' || coalesce(p.settled_at, '')`;

/**
 * Writes verdicts and what they change in the sums, in one transaction. A prediction that somebody else has judged since
 * it was read is left out of both, so that nothing is ever counted twice; so is a review to which an event was added. A
 * review whose vehicle has more predictions goes on behind those that were judged.
 * Answers how many predictions got their verdict.
 */
export async function writeVerdicts(
  scope: TenantScope,
  db: Database,
  {
    verdicts,
    reviews,
    baselines,
  }: { verdicts: readonly Verdicts[]; reviews: readonly ReviewProgress[]; baselines: readonly BaselineChance[] },
): Promise<number> {
  const { tenantId } = scope;
  const gains = verdicts.flatMap(({ id, was, gains: shares }) => shares.map((share) => ({ id, was, ...share })));
  const days = [...new Set(gains.map(({ day }) => day))];
  const updates = verdicts.map(({ id, was, outcome }) => ({ id, was, ...outcome }));
  const [, updated] = await db.batch([
    bulk(
      db,
      sql`
      INSERT INTO prediction_ledger (tenant_id, model_version, day, horizon_days, decile, predictions, failures, censored,
        chance_sum, brier_sum, log_loss_sum, baseline_brier_sum, baseline_log_loss_sum)
      SELECT ${tenantId}, r.value ->> 'modelVersion', r.value ->> 'day', r.value ->> 'horizonDays', r.value ->> 'decile',
        sum(r.value ->> 'predictions'), sum(r.value ->> 'failures'), sum(r.value ->> 'censored'),
        sum(r.value ->> 'chanceSum'), sum(r.value ->> 'brierSum'), sum(r.value ->> 'logLossSum'), 0, 0
      FROM json_each(${JSON.stringify(gains)}) AS r CROSS JOIN predictions p
      WHERE p.id = r.value ->> 'id' AND +p.tenant_id = ${tenantId} AND ${storedKey} = r.value ->> 'was'
      GROUP BY 2, 3, 4, 5
      ON CONFLICT (tenant_id, day, horizon_days, model_version, decile) DO UPDATE SET
        predictions = prediction_ledger.predictions + excluded.predictions,
        failures = prediction_ledger.failures + excluded.failures,
        censored = prediction_ledger.censored + excluded.censored,
        chance_sum = prediction_ledger.chance_sum + excluded.chance_sum,
        brier_sum = prediction_ledger.brier_sum + excluded.brier_sum,
        log_loss_sum = prediction_ledger.log_loss_sum + excluded.log_loss_sum`,
    ),
    bulk(
      db,
      sql`
      UPDATE predictions AS p SET failed_at = r.value ->> 'failedAt', censored_at = r.value ->> 'censoredAt',
        failed7 = r.value ->> 'failed7', failed30 = r.value ->> 'failed30', failed90 = r.value ->> 'failed90',
        settled_at = r.value ->> 'settledAt'
      FROM json_each(${JSON.stringify(updates)}) AS r
      WHERE p.id = r.value ->> 'id' AND +p.tenant_id = ${tenantId} AND ${storedKey} = r.value ->> 'was'`,
    ),
    bulk(
      db,
      sql`
      DELETE FROM prediction_ledger WHERE tenant_id = ${tenantId} AND predictions = 0 AND censored = 0
        AND day IN (SELECT value FROM json_each(${JSON.stringify(days)}))`,
    ),
    writeBaselines(scope, db, baselines),
    bulk(
      db,
      sql`
      DELETE FROM prediction_reviews WHERE rowid IN (
        SELECT d.rowid FROM json_each(${JSON.stringify(reviews)}) AS r CROSS JOIN prediction_reviews d
        WHERE d.vehicle_id = r.value ->> 'vehicleId' AND d.version = r.value ->> 'version'
          AND +d.tenant_id = ${tenantId} AND r.value ->> 'goesOnFrom' IS NULL)`,
    ),
    bulk(
      db,
      sql`
      UPDATE prediction_reviews AS d SET events_from = r.value ->> 'goesOnFrom', version = ${newVersion}
      FROM json_each(${JSON.stringify(reviews)}) AS r
      WHERE d.vehicle_id = r.value ->> 'vehicleId' AND d.version = r.value ->> 'version'
        AND +d.tenant_id = ${tenantId} AND r.value ->> 'goesOnFrom' IS NOT NULL`,
    ),
  ]);
  return updated.meta.changes;
}

/**
 * Tenants with something to judge: an event came or went, or a horizon passed some while ago. One statement.
 * @unscoped the job goes over all tenants
 */
export async function listTenantsToSettle(db: Database, now: Date, restHours: number): Promise<string[]> {
  const before = (days: number) => new Date(now.getTime() - days * dayMs - restHours * 3_600_000).toISOString();
  const waits = (unsettled: SQL, days: number): SQL => sql`EXISTS (
    SELECT 1 FROM predictions p WHERE p.tenant_id = tenants.id AND ${unsettled} AND p.created_at <= ${before(days)})`;
  const rows = await db.all<{ id: string }>(sql`
    SELECT id FROM tenants WHERE is_active = 1 AND (
      EXISTS (SELECT 1 FROM prediction_reviews r WHERE r.tenant_id = tenants.id AND r.events_to <= ${now.toISOString()})
      OR ${waits(sql`p.settled_at is null and p.failed7 is null`, 7)}
      OR ${waits(sql`p.settled_at is null and p.failed30 is null`, 30)}
      OR ${waits(sql`p.settled_at is null`, 90)})
    ORDER BY id`);
  return rows.map(({ id }) => id);
}
