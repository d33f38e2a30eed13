/** Changing a tenant's name and settings; and whom it concerns when a second factor becomes everybody's duty. */
import { and, eq, isNull, sql } from 'drizzle-orm';
import type { AdminUpdateTenantInput, UpdateTenantInput } from '#contracts/tenants';
import type { AuditTrail } from '../../audit/trail.ts';
import { bulk } from '../../db/batch.ts';
import type { Database } from '../../db/client.ts';
import { tenants, users } from '../../db/schema/index.ts';
import { markedForScoring } from '../../db/score-mark.ts';
import type { TenantScope } from '../../http/tenant-scope.ts';
import { changeableOf, demandsFactor, differenceOf, patched, settingsPatch, switchesForecasts } from './rules.ts';
import type { TenantRow } from './store.ts';

/**
 * The change, its audit entry, the people whom a second factor that has become a duty keeps out, and the marks of vehicles
 * that are to be scored with or without forecasts from now on, as statements of one batch. With `unchangedSince` nothing is written over a state that
 * the client has not seen. `before` and `after` are of the moment the row was read.
 */
export function tenantStatements(
  scope: TenantScope,
  db: Database,
  trail: AuditTrail,
  known: TenantRow,
  input: AdminUpdateTenantInput,
  { now, unchangedSince }: { now: Date; unchangedSince: string | null },
) {
  const { before, after } = differenceOf(changeableOf(known), changeableOf(patched(known, input)));
  const { name, isActive, ingestGates } = input;
  return [
    db
      .update(tenants)
      .set({
        ...(name === undefined ? {} : { name }),
        ...(isActive === undefined ? {} : { isActive }),
        ...(ingestGates === undefined ? {} : { ingestGates }),
        settings: sql`json_patch(${tenants.settings}, ${JSON.stringify(settingsPatch(input))})`,
        updatedAt: now.toISOString(),
      })
      .where(
        and(
          eq(tenants.id, scope.tenantId),
          unchangedSince === null ? undefined : eq(tenants.updatedAt, unchangedSince),
        ),
      )
      .returning(),
    trail.entry(
      db,
      {
        tenantId: scope.tenantId,
        action: 'tenant.update',
        resourceType: 'tenant',
        resourceId: known.id,
        before,
        after,
      },
      { onlyIfChanged: true },
    ),
    db
      .update(users)
      .set({ accessChangedAt: now.toISOString() })
      .where(
        and(
          sql`changes() > 0 and ${demandsFactor(known, input) ? 1 : 0}`,
          eq(users.tenantId, scope.tenantId),
          isNull(users.mfaEnabledAt),
          isNull(users.deletedAt),
          // Those who come through an identity provider have shown their factors there.
          sql`exists (select 1 from sessions s where s.user_id = users.id and s.ended_at is null
            and s.method = 'password' and s.expires_at > ${now.toISOString()})`,
        ),
      )
      .returning({ id: users.id }),
    // Every score was made with forecasts that are no longer wanted, or without those that now are.
    bulk(
      db,
      sql`UPDATE vehicles SET ${markedForScoring(now.toISOString())}
        WHERE ${switchesForecasts(known, input) ? 1 : 0} AND tenant_id = ${scope.tenantId}
          AND EXISTS (SELECT 1 FROM tenants t WHERE t.id = ${scope.tenantId} AND t.updated_at = ${now.toISOString()})`,
    ),
  ] as const;
}

export interface ChangedTenant {
  row: TenantRow;
  /** People who from now on may do nothing before they have a second factor; their live pictures are to end. */
  lackingFactor: string[];
}

/** Writes the change; null when the row is no longer as the client has seen it. Nothing to change writes nothing. */
export async function updateTenant(
  scope: TenantScope,
  db: Database,
  trail: AuditTrail,
  known: TenantRow,
  input: UpdateTenantInput,
  options: { now: Date; unchangedSince: string | null },
): Promise<ChangedTenant | null> {
  if (differenceOf(changeableOf(known), changeableOf(patched(known, input))).isEmpty) {
    return { row: known, lackingFactor: [] };
  }
  const [[row], , lacking] = await db.batch([...tenantStatements(scope, db, trail, known, input, options)]);
  return row === undefined ? null : { row, lackingFactor: lacking.map((user) => user.id) };
}
