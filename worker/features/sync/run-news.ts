/** Tells the live rooms what a run brought: changed facts and alerts, and the positions the portal last had. */
import type { ObservedVehicle } from '#contracts/sync';
import { roomOf } from '#durable-objects/stubs';
import type { Database } from '../../db/client.ts';
import type { Env } from '../../env.ts';
import type { TenantScope } from '../../http/tenant-scope.ts';
import { logFailure } from '../../log.ts';
import { roomsShowing } from '../live/facts.ts';
import { publishChange, seedRoom } from '../live/publish.ts';
import { resolveVehicles } from '../telemetry/store.ts';
import { readingsToFeed } from './portal-positions.ts';

export interface RunNews {
  /** The counts that the run's commits returned. */
  counters: number[];
  vehicleIds: string[];
  alertIds: string[];
}

/** Told one by one up to this many: a few hundred kilobytes in one call. Past it the rooms get the whole picture. */
const mostToldSingly = 500;

/**
 * Tells every room that shows the tenant. News too large for one call cannot be cut into parts, because a room takes a
 * change count as heard with the first of them; and a step that lost its counts has none to name. Both seed the rooms.
 * Never throws: the sweep repairs what is lost.
 * @unscoped the tenant is that of the committed run
 */
export async function publishNews(env: Env, db: Database, tenantId: string, news: RunNews): Promise<void> {
  const { counters, vehicleIds, alertIds } = news;
  if (counters.length === 0 && vehicleIds.length === 0 && alertIds.length === 0) return;
  const isSmall = vehicleIds.length <= mostToldSingly && alertIds.length <= mostToldSingly;
  if (isSmall && counters.length > 0) return publishChange(env, db, { tenantId, ...news });
  try {
    const rooms = await roomsShowing(db, tenantId);
    const seeded = await Promise.allSettled(rooms.map((room) => seedRoom(env, db, room, tenantId)));
    for (const result of seeded) if (result.status === 'rejected') throw result.reason;
  } catch (cause) {
    logFailure('publish_failed', cause, { tenantId });
  }
}

export type ObservedPosition = Pick<ObservedVehicle, 'vin' | 'position'>;

/**
 * Feeds the portal's last positions to the room, where telemetry has nothing better. Repeating it changes nothing: the
 * room keeps the newest reading. Never throws: the next run brings newer ones.
 */
export async function feedPositions(
  scope: TenantScope,
  env: Env,
  db: Database,
  observed: readonly ObservedPosition[],
  nowMs: number,
): Promise<void> {
  const { tenantId } = scope;
  try {
    const placed = observed.filter(({ position }) => position !== null);
    if (placed.length === 0) return;
    const { byVin } = await resolveVehicles(scope, db, { vins: placed.map(({ vin }) => vin), ids: [] });
    const positions = placed.flatMap(({ vin, position }) => {
      const vehicleId = byVin.get(vin);
      return vehicleId === undefined || position === null ? [] : [{ vehicleId, ...position }];
    });
    const own = roomOf(env.FLEET_ROOM, tenantId);
    // Asked of the room itself: were its silence taken for "never reported", a moving truck would come to a stop.
    const held = await own.overlay(positions.map(({ vehicleId }) => vehicleId));
    const readings = readingsToFeed(positions, held, nowMs);
    if (readings.length === 0) return;
    // Dealers' rooms hear of it from this one.
    await own.recordReadings({ sourceTenantId: tenantId, readings });
  } catch (cause) {
    logFailure('positions_not_fed', cause, { tenantId });
  }
}
