/**
 * The sweep that finds rooms which missed a change, and gives them the whole picture again.
 * @unscoped it looks after the rooms of every tenant
 */
import { roomOf } from '#durable-objects/stubs';
import type { Database } from '../../db/client.ts';
import type { Env } from '../../env.ts';
import { logFailure } from '../../log.ts';
import { sourcesByRoom } from './facts.ts';
import { seedRoom } from './publish.ts';

interface Source {
  tenantId: string;
  counter: number;
}

/** Pure: which sources a room must be reseeded from, and which it must forget (a link that ended unheard). */
export function judgeRoom(
  expected: readonly Source[],
  heardThrough: Readonly<Record<string, number>>,
): { lagging: string[]; ended: string[] } {
  const known = new Set(expected.map((source) => source.tenantId));
  return {
    lagging: expected
      .filter((source) => (heardThrough[source.tenantId] ?? -1) < source.counter)
      .map((source) => source.tenantId),
    ended: Object.keys(heardThrough).filter((tenantId) => !known.has(tenantId)),
  };
}

async function repairRoom(env: Env, db: Database, roomTenantId: string, expected: readonly Source[]): Promise<number> {
  const room = roomOf(env.FLEET_ROOM, roomTenantId);
  const { lagging, ended } = judgeRoom(expected, (await room.status()).heardThrough);
  for (const sourceTenantId of ended) await room.dropSource(sourceTenantId);
  const linked = expected.map((source) => source.tenantId).filter((tenantId) => tenantId !== roomTenantId);
  // Rights before trucks: what a seed brings, every viewer then hears of as it comes.
  const { widened } = linked.length === 0 ? { widened: 0 } : await room.grantSources(linked);
  for (const sourceTenantId of lagging) await seedRoom(env, db, roomTenantId, sourceTenantId);
  if (widened > 0 || linked.some((tenantId) => lagging.includes(tenantId))) {
    await closeEndedMeanwhile(env, db, roomTenantId, linked);
  }
  return lagging.length + ended.length;
}

/**
 * A link that ended while it was being opened here may have been dropped before it was opened. Read after the opening, the
 * links tell: one that ends later than this is dropped after it, by whoever ended it.
 */
async function closeEndedMeanwhile(env: Env, db: Database, roomTenantId: string, linked: string[]): Promise<void> {
  const still = (await sourcesByRoom(db, roomTenantId)).get(roomTenantId) ?? [];
  const active = new Set(still.map((source) => source.tenantId));
  for (const tenantId of linked) {
    if (!active.has(tenantId)) await roomOf(env.FLEET_ROOM, roomTenantId).dropSource(tenantId);
  }
}

/** Makes sure one room holds everything it should, before a socket opens; returns the tenants it shows. */
export async function ensureRoom(env: Env, db: Database, roomTenantId: string): Promise<string[]> {
  const expected = (await sourcesByRoom(db, roomTenantId)).get(roomTenantId) ?? [];
  await repairRoom(env, db, roomTenantId, expected);
  return expected.map((source) => source.tenantId);
}

/** Every five minutes: repairs each room that lags. One room's failure does not stop the others. */
export async function reseedLaggingRooms(env: Env, db: Database): Promise<{ repaired: number; failed: number }> {
  let repaired = 0;
  let failed = 0;
  for (const [roomTenantId, expected] of await sourcesByRoom(db)) {
    try {
      repaired += await repairRoom(env, db, roomTenantId, expected);
    } catch (cause) {
      failed += 1;
      logFailure('reseed_failed', cause, { roomTenantId });
    }
  }
  return { repaired, failed };
}
