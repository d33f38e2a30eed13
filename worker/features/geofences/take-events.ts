/**
 * Takes over from a tenant's tracks what happened at its fences: keeps the events, brings the alerts in line, tells the
 * rooms. Whatever follows from some events is one transaction together with the mark of the last of them, so that a crash
 * at any point, a second message or a second consumer neither loses nor repeats anything.
 */
import { and, eq, sql } from 'drizzle-orm';
import type { FenceEvent } from '#durable-objects/fleet-tracks/feed';
import { tracksOf } from '#durable-objects/stubs';
import { bulk } from '../../db/batch.ts';
import type { Database } from '../../db/client.ts';
import { commitGuarded, requireChanged, requireThat } from '../../db/guard.ts';
import { tenants } from '../../db/schema/index.ts';
import { idsIn } from '../../db/scoped.ts';
import type { Env } from '../../env.ts';
import type { TenantScope } from '../../http/tenant-scope.ts';
import { newId } from '../../ids.ts';
import { alertStatements, touchedBy } from '../alerts/write.ts';
import { bumpChangeCounter, publishChange } from '../live/publish.ts';
import { readAlertsOf, readEventContext } from './alerts-store.ts';
import { decideFenceAlerts, isKept, newsOf } from './event-rules.ts';

export interface TakeBounds {
  /** Events per transaction: some 100 KB of parameters. */
  perRound: number;
  /** Nine calls a round; an invocation may make a thousand, and several tenants share one. */
  rounds: number;
}

const usualBounds: TakeBounds = { perRound: 250, rounds: 20 };

/** Empties the tracks' list; `isDone` is false when there is more than one turn takes. */
export async function takeFenceEvents(
  scope: TenantScope,
  env: Env,
  db: Database,
  now: Date,
  { perRound, rounds }: TakeBounds = usualBounds,
): Promise<{ taken: number; isDone: boolean }> {
  const tracks = tracksOf(env.FLEET_TRACKS, scope.tenantId);
  let taken = 0;
  for (let round = 0; round < rounds; round += 1) {
    const events = await tracks.listFenceEvents(perRound);
    const last = events.at(-1);
    if (last === undefined) return { taken, isDone: true };
    // Refused: another consumer was quicker, or a fence was just deleted. What is there now is looked at in the next round.
    if (!(await takeRound(scope, env, db, events, now))) continue;
    await tracks.confirmFenceEvents(last.mark);
    taken += events.length;
  }
  return { taken, isDone: false };
}

/** True when everything that follows from the events is committed, by this call or by an earlier one. */
async function takeRound(
  scope: TenantScope,
  env: Env,
  db: Database,
  listed: readonly FenceEvent[],
  now: Date,
): Promise<boolean> {
  const { tenantId } = scope;
  const nowIso = now.toISOString();
  const { mark, ...context } = await readEventContext(scope, db, listed);
  const events = listed.filter((event) => event.mark > mark);
  const last = events.at(-1);
  if (last === undefined) return true;
  const news = newsOf(events, context);
  const causes = news.map(({ cause }) => cause);
  const known = await readAlertsOf(scope, db, causes, now);
  const decisions = decideFenceAlerts(news, known, now, () => newId(now.getTime()));
  const raisedAt = [...new Set(events.map(({ geofenceId }) => geofenceId))].filter(
    (id) => context.fences.get(id)?.isDeleted === false,
  );
  const alertIds = touchedBy(decisions);
  const hasNews = alertIds.length > 0;
  const committed = await commitGuarded(db, [
    ...alertStatements(scope, db, decisions, nowIso),
    insertEvents(scope, db, events),
    // A fence that has been deleted since has ended its alerts: none may open after that.
    requireThat(
      db,
      sql`NOT EXISTS (SELECT 1 FROM geofences WHERE id IN ${idsIn(raisedAt)} AND deleted_at IS NOT NULL)`,
    ),
    db
      .update(tenants)
      .set({ fenceEventMark: last.mark })
      .where(and(eq(tenants.id, tenantId), eq(tenants.fenceEventMark, mark))),
    requireChanged(db),
    bumpChangeCounter(db, tenantId, hasNews ? undefined : sql`0`),
  ]);
  if (committed === null) return false;
  if (hasNews) {
    const touched = new Set(alertIds);
    const vehicleIds = [...known.filter(({ id }) => touched.has(id)), ...decisions.open].flatMap(
      ({ vehicleId }) => vehicleId ?? [],
    );
    const counters = committed[10].map(({ counter }) => counter);
    await publishChange(env, db, { tenantId, counters, vehicleIds: [...new Set(vehicleIds)], alertIds });
  }
  return true;
}

/** Keeps events of fences and vehicles that are the tenant's; one that is there already stays as it is. */
function insertEvents(scope: TenantScope, db: Database, events: readonly FenceEvent[]) {
  // In the feed events of one instant stand in the order in which they happened.
  const rows = events
    .filter(isKept)
    .map((event) => ({ ...event, id: newId(Date.parse(event.at), event.mark % 2 ** 31) }));
  return bulk(
    db,
    sql`INSERT INTO geofence_events (id, tenant_id, geofence_id, vehicle_id, kind, at, lat, lon, speed_mph)
      SELECT r.value ->> 'id', ${scope.tenantId}, g.id, v.id, r.value ->> 'kind', r.value ->> 'at', r.value ->> 'lat',
        r.value ->> 'lon', r.value ->> 'speedMph'
      FROM json_each(${JSON.stringify(rows)}) AS r
        CROSS JOIN geofences g ON g.id = r.value ->> 'geofenceId' AND +g.tenant_id = ${scope.tenantId}
        CROSS JOIN vehicles v ON v.id = r.value ->> 'vehicleId' AND +v.tenant_id = ${scope.tenantId}
      WHERE true ON CONFLICT DO NOTHING`,
  );
}
