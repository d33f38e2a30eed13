/**
 * A service event that comes or goes decides anew what became of the predictions before it, also long after they were
 * settled. Whoever writes or deletes one puts this into the same batch; the ledger's job does the rest.
 */
import { sql, type SQL } from 'drizzle-orm';
import { bulk } from '../../db/batch.ts';
import type { Database } from '../../db/client.ts';
import { idsIn } from '../../db/scoped.ts';
import type { TenantScope } from '../../http/tenant-scope.ts';

/** No two notes of a vehicle have the same, also not one that ended and one that came after it. JavaScript holds it. */
export const newVersion = sql`abs(random() % 1000000000000000)`;

/** `moments`: a SELECT of vehicle_id and at, once per moment at which an event stands or stood. */
const review = (scope: TenantScope, moments: SQL): SQL => sql`
  INSERT INTO prediction_reviews (vehicle_id, tenant_id, events_from, events_to, version)
  SELECT vehicle_id, ${scope.tenantId}, min(at), max(at), ${newVersion} FROM (${moments}) WHERE true
  GROUP BY vehicle_id
  ON CONFLICT (vehicle_id) DO UPDATE SET events_from = min(prediction_reviews.events_from, excluded.events_from),
    events_to = max(prediction_reviews.events_to, excluded.events_to), version = excluded.version
  WHERE prediction_reviews.tenant_id = ${scope.tenantId}`;

const eventsOf = (which: SQL): SQL =>
  sql`SELECT vehicle_id, at FROM service_events WHERE ${which} AND kind <> 'inspection'`;

/**
 * The statement that has the predictions before these events judged again. It reads the events' own rows, so it stands
 * behind the insert and in front of the delete.
 */
export const reviewPredictions = (scope: TenantScope, db: Database, eventIds: readonly string[]) =>
  bulk(db, review(scope, eventsOf(sql`id IN ${idsIn(eventIds)} AND +tenant_id = ${scope.tenantId}`)));

/** The same for events that move or go: `moments` selects vehicle_id and at of where they stand and where they will. */
export const reviewMoments = (scope: TenantScope, db: Database, moments: SQL) => bulk(db, review(scope, moments));

/** The same for every event that the tenant has: for data that was written past the features. */
export const reviewEverything = (scope: TenantScope, db: Database) =>
  bulk(db, review(scope, eventsOf(sql`tenant_id = ${scope.tenantId}`)));
