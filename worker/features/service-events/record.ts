/**
 * Keeping service events, whoever tells them: a person, a file, a portal. In bulk, and the same event twice is one: an
 * event that is there already is left as it is, save that a portal puts right what it told before.
 */
import { sql } from 'drizzle-orm';
import { bulk } from '../../db/batch.ts';
import type { Database } from '../../db/client.ts';
import { idsIn } from '../../db/scoped.ts';
import type { TenantScope } from '../../http/tenant-scope.ts';
import { newId } from '../../ids.ts';
import type { AuditTrail } from '../../audit/trail.ts';
import { reviewPredictions } from '../ledger/reviews.ts';
import { bumpChangeCounter } from '../live/publish.ts';
import { correctEvents, markForScoring, maxValueBytes, type FingerprintedEvent } from './correct.ts';
import { fingerprintOf, type NewServiceEvent } from './rules.ts';

export interface RecordedServiceEvents {
  created: number;
  /** Told otherwise by the portal than before. */
  corrected: number;
  /** Known before, or named twice. */
  unchanged: number;
  /** Ids of the new events. */
  createdIds: string[];
  /** Vehicles that got one, or of which one was corrected. */
  vehicleIds: string[];
  /** Exactly the change counts that the commits returned, for whoever tells the rooms. */
  counters: number[];
}

/** What goes into the audit log with the events; written only when something was new. */
type EntryOf = (rows: readonly (NewServiceEvent & { id: string })[]) => ReturnType<AuditTrail['entry']>;

type KeptEvent = FingerprintedEvent & { id: string };

const nothing: RecordedServiceEvents = {
  created: 0,
  corrected: 0,
  unchanged: 0,
  createdIds: [],
  vehicleIds: [],
  counters: [],
};

/**
 * Keeps the events that are new, marks their vehicles for scoring and raises the tenant's change count, all in one
 * transaction (several past 1.5 MB of JSON). What the portal tells otherwise than before is corrected. Events of vehicles that are not the tenant's are not kept.
 */
export async function recordServiceEvents(
  scope: TenantScope,
  db: Database,
  events: readonly NewServiceEvent[],
  now: Date,
  { entryOf }: { entryOf?: EntryOf } = {},
): Promise<RecordedServiceEvents> {
  const distinct = new Map<string, KeptEvent>();
  for (const event of events) {
    const fingerprint = fingerprintOf(event);
    const key = `${event.vehicleId} ${fingerprint}`;
    if (!distinct.has(key)) distinct.set(key, { ...event, id: newId(now.getTime()), fingerprint });
  }
  const all = [...distinct.values()];
  const corrected = await correctEvents(scope, db, all.filter(({ source }) => source === 'portal'), now); // prettier-ignore
  const kept = await keep(scope, db, all, now, entryOf);
  return {
    created: kept.created,
    corrected: corrected.events,
    unchanged: events.length - kept.created - corrected.events,
    createdIds: kept.createdIds,
    vehicleIds: [...new Set([...corrected.vehicleIds, ...kept.vehicleIds])],
    counters: [...corrected.counters, ...kept.counters],
  };
}

async function keep(
  scope: TenantScope,
  db: Database,
  events: KeptEvent[],
  now: Date,
  entryOf: EntryOf | undefined,
): Promise<RecordedServiceEvents> {
  if (events.length === 0) return nothing;
  const rows = JSON.stringify(events);
  if (events.length > 1 && new TextEncoder().encode(rows).length > maxValueBytes) {
    const middle = Math.ceil(events.length / 2);
    const first = await keep(scope, db, events.slice(0, middle), now, entryOf);
    const second = await keep(scope, db, events.slice(middle), now, entryOf);
    return {
      created: first.created + second.created,
      corrected: first.corrected + second.corrected,
      unchanged: 0,
      createdIds: [...first.createdIds, ...second.createdIds],
      vehicleIds: [...new Set([...first.vehicleIds, ...second.vehicleIds])],
      counters: [...first.counters, ...second.counters],
    };
  }
  const { tenantId } = scope;
  const ids = events.map(({ id }) => id);
  // CROSS JOIN is SQLite's word for "in this order": the list outside, one vehicle looked up by id inside.
  const insert = bulk(
    db,
    sql`
    INSERT INTO service_events (id, tenant_id, vehicle_id, at, kind, system, spn, fmi, description, odometer_miles,
      source, external_id, fingerprint, created_at)
    SELECT r.value ->> 'id', ${tenantId}, v.id, r.value ->> 'at', r.value ->> 'kind', r.value ->> 'system',
      r.value ->> 'spn', r.value ->> 'fmi', r.value ->> 'description', r.value ->> 'odometerMiles',
      r.value ->> 'source', r.value ->> 'externalId', r.value ->> 'fingerprint', ${now.toISOString()}
    FROM json_each(${rows}) AS r
    CROSS JOIN vehicles v WHERE v.id = r.value ->> 'vehicleId' AND +v.tenant_id = ${tenantId}
    ON CONFLICT (vehicle_id, fingerprint) DO NOTHING
    RETURNING id, vehicle_id`,
  );
  const review = reviewPredictions(scope, db, ids);
  const mark = markForScoring(
    scope,
    db,
    sql`id IN (SELECT vehicle_id FROM service_events WHERE id IN ${idsIn(ids)})`,
    now,
  );
  const bump = bumpChangeCounter(db, tenantId, sql`EXISTS (SELECT 1 FROM service_events WHERE id IN ${idsIn(ids)})`);
  // The entry stands behind the marking, which changes a row exactly when there is a new event.
  const [inserted, bumped] =
    entryOf === undefined
      ? await db.batch([insert, review, mark, bump]).then(([first, , , last]) => [first, last] as const)
      : await db
          .batch([insert, review, mark, entryOf(events), bump])
          .then(([first, , , , last]) => [first, last] as const);
  const createdRows = inserted.results as { id: string; vehicle_id: string }[];
  return {
    created: createdRows.length,
    corrected: 0,
    unchanged: 0,
    createdIds: createdRows.map(({ id }) => id),
    vehicleIds: [...new Set(createdRows.map((row) => row.vehicle_id))],
    counters: bumped.map(({ counter }) => counter),
  };
}
