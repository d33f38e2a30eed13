/**
 * Putting right what a portal told: its cases are corrected there, and no person may change them here. Every change has
 * the predictions before the event's old and new time judged again, its vehicle scored, and the change count raised, in one
 * transaction; the same again changes nothing. Events from anywhere else stay as they are.
 */
import { sql, type SQL } from 'drizzle-orm';
import { bulk } from '../../db/batch.ts';
import type { Database } from '../../db/client.ts';
import type { TenantScope } from '../../http/tenant-scope.ts';
import { reviewMoments } from '../ledger/reviews.ts';
import { bumpChangeCounter } from '../live/publish.ts';
import type { NewServiceEvent } from './rules.ts';

export type FingerprintedEvent = NewServiceEvent & { fingerprint: string };

export interface ChangedServiceEvents {
  events: number;
  vehicleIds: string[];
  counters: number[];
}

/** D1 takes 2 MB per bound value. */
export const maxValueBytes = 1_500_000;

/** The list as JSON, in pieces that D1 takes. */
function inPieces(rows: readonly object[]): string[] {
  if (rows.length === 0) return [];
  const json = JSON.stringify(rows);
  if (rows.length === 1 || new TextEncoder().encode(json).length <= maxValueBytes) return [json];
  const middle = Math.ceil(rows.length / 2);
  return [...inPieces(rows.slice(0, middle)), ...inPieces(rows.slice(middle))];
}

/** The portal's event `s` that a row `r` of the list means. */
const meant = ({ tenantId }: TenantScope): SQL => sql`s.vehicle_id = r.value ->> 'vehicleId'
  AND s.fingerprint = r.value ->> 'fingerprint' AND +s.tenant_id = ${tenantId} AND +s.source = 'portal'`;

/** As `meant`, where the row tells it otherwise. */
const otherwise = (scope: TenantScope): SQL => sql`${meant(scope)} AND (s.at <> r.value ->> 'at'
  OR s.system IS NOT r.value ->> 'system' OR s.spn IS NOT r.value ->> 'spn' OR s.fmi IS NOT r.value ->> 'fmi'
  OR s.description <> r.value ->> 'description' OR s.odometer_miles IS NOT r.value ->> 'odometerMiles')`;

/** One transaction: what hangs on the events first, while they still stand as they were; `write` returns vehicle_id. */
async function change(
  scope: TenantScope,
  db: Database,
  now: Date,
  { events, moments, write }: { events: SQL; moments: SQL; write: SQL },
): Promise<ChangedServiceEvents> {
  const [, , bumped, written] = await db.batch([
    reviewMoments(scope, db, moments),
    markForScoring(scope, db, sql`id IN (SELECT s.vehicle_id ${events})`, now),
    bumpChangeCounter(db, scope.tenantId, sql`EXISTS (SELECT 1 ${events})`),
    bulk(db, write),
  ]);
  const rows = written.results as { vehicle_id: string }[];
  return {
    events: rows.length,
    vehicleIds: [...new Set(rows.map((row) => row.vehicle_id))],
    counters: bumped.map(({ counter }) => counter),
  };
}

async function inTurn(
  pieces: readonly string[],
  changeOne: (rows: string) => Promise<ChangedServiceEvents>,
): Promise<ChangedServiceEvents> {
  const total: ChangedServiceEvents = { events: 0, vehicleIds: [], counters: [] };
  for (const rows of pieces) {
    const { events, vehicleIds, counters } = await changeOne(rows);
    total.events += events;
    total.vehicleIds = [...new Set([...total.vehicleIds, ...vehicleIds])];
    total.counters.push(...counters);
  }
  return total;
}

/** Gives the portal's events that are known the time, place, code and words that it tells now. */
export const correctEvents = (
  scope: TenantScope,
  db: Database,
  told: readonly FingerprintedEvent[],
  now: Date,
): Promise<ChangedServiceEvents> =>
  inTurn(inPieces(told), (rows) => {
    const events = sql`FROM json_each(${rows}) AS r CROSS JOIN service_events s WHERE ${otherwise(scope)}`;
    return change(scope, db, now, {
      events,
      moments: sql`SELECT s.vehicle_id AS vehicle_id, s.at AS at ${events} AND s.kind <> 'inspection'
        UNION ALL SELECT s.vehicle_id, r.value ->> 'at' ${events} AND s.kind <> 'inspection'`,
      write: sql`
        UPDATE service_events AS s SET at = r.value ->> 'at', system = r.value ->> 'system', spn = r.value ->> 'spn',
          fmi = r.value ->> 'fmi', description = r.value ->> 'description', odometer_miles = r.value ->> 'odometerMiles'
        FROM json_each(${rows}) AS r WHERE ${otherwise(scope)} RETURNING vehicle_id`,
    });
  });

/** Takes out events that the portal told and tells no longer. */
export const dropEvents = (
  scope: TenantScope,
  db: Database,
  gone: readonly Pick<FingerprintedEvent, 'vehicleId' | 'fingerprint'>[],
  now: Date,
): Promise<ChangedServiceEvents> =>
  inTurn(inPieces(gone), (rows) => {
    const events = sql`FROM json_each(${rows}) AS r CROSS JOIN service_events s WHERE ${meant(scope)}`;
    return change(scope, db, now, {
      events,
      moments: sql`SELECT s.vehicle_id AS vehicle_id, s.at AS at ${events} AND s.kind <> 'inspection'`,
      write: sql`DELETE FROM service_events WHERE id IN (SELECT s.id ${events}) RETURNING vehicle_id`,
    });
  });

/**
 * The statement that has vehicles scored again. `updated_at` always moves on, even past a later one: scoring tells by it
 * that a vehicle changed under its hands.
 */
export const markForScoring = (scope: TenantScope, db: Database, which: SQL, now: Date) =>
  bulk(
    db,
    sql`
    UPDATE vehicles SET is_score_dirty = 1,
      updated_at = CASE WHEN updated_at < ${now.toISOString()} THEN ${now.toISOString()}
        ELSE strftime('%Y-%m-%dT%H:%M:%fZ', updated_at, '+0.001 seconds') END
    WHERE ${which} AND +tenant_id = ${scope.tenantId}`,
  );
