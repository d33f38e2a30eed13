/**
 * Tells a tenant's tracks of its fences. After a change the tracks are told of it at once; what gets lost is found by its
 * version (`tenants.geofence_version` beside `geofence_version_told`), and then they are told of all fences, in parts.
 */
import { and, asc, eq, isNull, sql } from 'drizzle-orm';
import type { FenceChange } from '#durable-objects/fleet-tracks/feed';
import { tracksOf } from '#durable-objects/stubs';
import type { Database } from '../../db/client.ts';
import { geofences, tenants } from '../../db/schema/index.ts';
import { idsIn } from '../../db/scoped.ts';
import type { Env } from '../../env.ts';
import type { TenantScope } from '../../http/tenant-scope.ts';
import { logFailure } from '../../log.ts';
import { toWatchedFence } from './present.ts';
import { inParts } from './rules.ts';
import { noteTold } from './store.ts';

/** After a commit. Never throws: the change stands, and the sweep tells what is lost. */
export async function tellChange(
  scope: TenantScope,
  env: Env,
  db: Database,
  change: Pick<FenceChange, 'version' | 'fences' | 'removedIds'>,
): Promise<void> {
  try {
    const tracks = tracksOf(env.FLEET_TRACKS, scope.tenantId);
    const { version } = await tracks.changeFences({ ...change, isWhole: false, isLast: true });
    await noteTold(scope, db, version);
  } catch (cause) {
    logFailure('fences_not_told', cause, { tenantId: scope.tenantId });
  }
}

/** Tells the tracks of every fence there is; answers how many calls that took. Safe to repeat, and to give up half-way. */
export async function tellAll(scope: TenantScope, env: Env, db: Database): Promise<{ calls: number }> {
  const { tenantId } = scope;
  const ofTenant = and(eq(geofences.tenantId, tenantId), isNull(geofences.deletedAt));
  // The version first: whatever changes from here on is told on its own, with a higher one.
  const [[tenant], fences] = await db.batch([
    db.select({ version: tenants.geofenceVersion }).from(tenants).where(eq(tenants.id, tenantId)),
    db
      .select({ id: geofences.id, cornerCount: geofences.cornerCount })
      .from(geofences)
      .where(ofTenant)
      .orderBy(asc(geofences.name), asc(geofences.id)),
  ]);
  if (tenant === undefined) return { calls: 1 };
  const tracks = tracksOf(env.FLEET_TRACKS, tenantId);
  const parts = inParts(fences);
  let heldVersion = 0;
  for (const [number, ids] of (parts.length === 0 ? [[]] : parts).entries()) {
    const rows = await db
      .select()
      .from(geofences)
      .where(
        and(
          sql`${geofences.id} in ${idsIn(ids)}`,
          sql`+${geofences.tenantId} = ${tenantId}`,
          isNull(geofences.deletedAt),
        ),
      );
    const { version } = await tracks.changeFences({
      ...{ version: tenant.version, isWhole: true, isLast: number + 1 >= parts.length },
      ...{ fences: rows.map(toWatchedFence), removedIds: [] },
    });
    heldVersion = version;
  }
  await noteTold(scope, db, heldVersion);
  return { calls: 2 + 2 * Math.max(1, parts.length) };
}
