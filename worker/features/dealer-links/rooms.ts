/**
 * What a link's beginning and end mean for the dealer's live room. Each is tried again for a few seconds; what is still
 * lost then the sweep repairs.
 */
import { roomOf } from '#durable-objects/stubs';
import type { Database } from '../../db/client.ts';
import type { Env } from '../../env.ts';
import { ensureRoom } from '../live/reseed.ts';
import { persistently } from '../live/tell-room.ts';

/**
 * Brings the customer's trucks into the dealer's room, before everybody who looks at it. Never throws.
 * @unscoped follows a change that was scoped
 */
export const showInRoom = (env: Env, db: Database, dealerTenantId: string): Promise<void> =>
  persistently('link_not_shown', { dealerTenantId }, () => ensureRoom(env, db, dealerTenantId));

/** Takes the customer's trucks out of the dealer's room, its sockets and its unused tickets. Never throws. */
export const dropFromRoom = (
  env: Env,
  { dealerTenantId, fleetTenantId }: { dealerTenantId: string; fleetTenantId: string },
): Promise<void> =>
  persistently('link_not_dropped', { dealerTenantId, fleetTenantId }, () =>
    roomOf(env.FLEET_ROOM, dealerTenantId).dropSource(fleetTenantId),
  );
