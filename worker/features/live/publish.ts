/**
 * On a change: commit to D1, tell the rooms, answer. The push is best effort; the change counter, raised in the same
 * transaction as the change, is what lets the sweep find and repair a push that got lost.
 * @unscoped the tenant is that of the change just committed
 */
import { and, eq, sql, type SQL } from 'drizzle-orm';
import { roomOf } from '#durable-objects/stubs';
import type { Database } from '../../db/client.ts';
import { tenants } from '../../db/schema/index.ts';
import type { Env } from '../../env.ts';
import { logFailure } from '../../log.ts';
import { alertsForRoom, readChangedFacts, readSeeds, roomsShowing } from './facts.ts';

/** The statement that goes last into the batch of a change; its row holds the new count. */
export const bumpChangeCounter = (db: Database, tenantId: string, onlyIf?: SQL) =>
  db
    .update(tenants)
    .set({ changeCounter: sql`${tenants.changeCounter} + 1` })
    .where(and(eq(tenants.id, tenantId), onlyIf))
    .returning({ counter: tenants.changeCounter });

export interface PublishedChange {
  tenantId: string;
  /** Exactly the counts that the commits of this change returned. */
  counters: number[];
  vehicleIds: string[];
  removedVehicleIds?: string[];
  alertIds: string[];
}

/** Gives one room everything of one source tenant; of a large one in parts. */
export async function seedRoom(env: Env, db: Database, roomTenantId: string, sourceTenantId: string): Promise<void> {
  const room = roomOf(env.FLEET_ROOM, roomTenantId);
  for await (const seed of readSeeds(db, sourceTenantId)) {
    await room.seed({ ...seed, alerts: alertsForRoom(seed.alerts, roomTenantId) });
  }
}

/** Tells every room that shows the tenant. Never throws: the change is committed, and the sweep repairs what is lost. */
export async function publishChange(env: Env, db: Database, change: PublishedChange): Promise<void> {
  const { tenantId, counters, vehicleIds, alertIds, removedVehicleIds = [] } = change;
  if (counters.length === 0 && vehicleIds.length === 0 && alertIds.length === 0 && removedVehicleIds.length === 0)
    return;
  try {
    const [rooms, facts] = await Promise.all([
      roomsShowing(db, tenantId),
      readChangedFacts(db, tenantId, vehicleIds, alertIds),
    ]);
    const results = await Promise.allSettled(
      rooms.map(async (roomTenantId) => {
        const room = roomOf(env.FLEET_ROOM, roomTenantId);
        const heard = await room.applyChange({
          sourceTenantId: tenantId,
          counters,
          removedVehicleIds,
          vehicles: facts.vehicles,
          alerts: alertsForRoom(facts.alerts, roomTenantId),
        });
        if (!heard.isSeeded) await seedRoom(env, db, roomTenantId, tenantId);
      }),
    );
    for (const result of results) {
      if (result.status === 'rejected') throw result.reason;
    }
  } catch (cause) {
    logFailure('publish_failed', cause, { tenantId, counters });
  }
}
