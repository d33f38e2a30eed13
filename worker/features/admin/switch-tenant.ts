/** Switching a tenant off and on: its people's sessions, its room, and the dealers' rooms that show it. */
import { and, isNull, sql } from 'drizzle-orm';
import type { AdminUpdateTenantInput } from '#contracts/tenants';
import type { AuditTrail } from '../../audit/trail.ts';
import type { Database } from '../../db/client.ts';
import { sessions } from '../../db/schema/index.ts';
import type { Env } from '../../env.ts';
import type { TenantScope } from '../../http/tenant-scope.ts';
import { closeSockets } from '../auth/revocation.ts';
import { dropFromRoom, showInRoom } from '../dealer-links/rooms.ts';
import { tenantStatements, updateTenant, type ChangedTenant } from '../tenant/change.ts';
import type { TenantRow } from '../tenant/store.ts';
import { dealersOf } from './tenants-store.ts';

/**
 * Writes the operator's change. When it switches the tenant off, every session of its people ends in the same batch and
 * their ids are answered; null when the row is no longer as the client has seen it.
 */
export async function updateTenantAsOperator(
  scope: TenantScope,
  db: Database,
  trail: AuditTrail,
  known: TenantRow,
  input: AdminUpdateTenantInput,
  options: { now: Date; unchangedSince: string | null },
): Promise<(ChangedTenant & { endedSessionIds: string[] }) | null> {
  if (input.isActive !== false || !known.isActive) {
    const changed = await updateTenant(scope, db, trail, known, input, options);
    return changed === null ? null : { ...changed, endedSessionIds: [] };
  }
  const { tenantId } = scope;
  const [[row], , , , ended] = await db.batch([
    ...tenantStatements(scope, db, trail, known, input, options),
    db
      .update(sessions)
      .set({ endedAt: options.now.toISOString(), endReason: 'tenant_deactivated' })
      .where(
        and(
          isNull(sessions.endedAt),
          sql`${sessions.userId} in (select u.id from users u where u.tenant_id = ${tenantId})`,
          sql`exists (select 1 from tenants t where t.id = ${tenantId} and t.is_active = 0)`,
        ),
      )
      .returning({ id: sessions.id }),
  ]);
  // Whoever lacks a second factor is out like everybody else.
  return row === undefined ? null : { row, lackingFactor: [], endedSessionIds: ended.map((session) => session.id) };
}

/** Closes every socket of the tenant's room and takes it out of the rooms of its dealers. */
export async function darken(scope: TenantScope, db: Database, env: Env, endedSessionIds: string[]): Promise<void> {
  const { tenantId } = scope;
  const dealers = await dealersOf(db, tenantId);
  await Promise.all([
    closeSockets(env, tenantId, { everyone: true, endedSessionIds }),
    ...dealers.map((dealerTenantId) => dropFromRoom(env, { dealerTenantId, fleetTenantId: tenantId })),
  ]);
}

/** Shows the dealers the tenant's vehicles again. Its own room catches up when the first of its people looks. */
export async function relight(scope: TenantScope, db: Database, env: Env): Promise<void> {
  const dealers = await dealersOf(db, scope.tenantId);
  await Promise.all(dealers.map((dealerTenantId) => showInRoom(env, db, dealerTenantId)));
}
