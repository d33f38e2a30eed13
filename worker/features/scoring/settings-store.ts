/** A tenant's bands and weights in D1. A change marks the whole fleet: every score was made with the old ones. */
import { and, eq, sql } from 'drizzle-orm';
import type { RiskSettingsInput } from '#contracts/scoring';
import type { AuditTrail } from '../../audit/trail.ts';
import { bulk } from '../../db/batch.ts';
import type { Database } from '../../db/client.ts';
import { tenants } from '../../db/schema/index.ts';
import { markedForScoring } from '../../db/score-mark.ts';
import type { TenantScope } from '../../http/tenant-scope.ts';
import { changedTerms, isSameTerms, ownTermsOf, termsPatch, type OwnRiskTerms } from './settings-rules.ts';

export interface RiskTermsRow {
  own: OwnRiskTerms;
  /** Of the tenant's row: any change of its settings moves it. */
  updatedAt: string;
}

export async function readRiskTerms(scope: TenantScope, db: Database): Promise<RiskTermsRow | null> {
  const [row] = await db
    .select({ settings: tenants.settings, updatedAt: tenants.updatedAt })
    .from(tenants)
    .where(eq(tenants.id, scope.tenantId));
  return row === undefined ? null : { own: ownTermsOf(row.settings), updatedAt: row.updatedAt };
}

export interface ChangedRiskTerms {
  row: RiskTermsRow;
  /** False when nothing was new: then nothing was written. */
  isChanged: boolean;
}

/**
 * Writes the change, its audit entry and the marks in one batch. Null when the tenant's row is no longer as the client has
 * seen it.
 */
export async function changeRiskTerms(
  scope: TenantScope,
  db: Database,
  trail: AuditTrail,
  known: RiskTermsRow,
  input: RiskSettingsInput,
  { now, unchangedSince }: { now: Date; unchangedSince: string | null },
): Promise<ChangedRiskTerms | null> {
  const wanted = changedTerms(known.own, input);
  if (isSameTerms(known.own, wanted)) return { row: known, isChanged: false };
  const nowIso = now.toISOString();
  const [[row]] = await db.batch([
    db
      .update(tenants)
      .set({
        settings: sql`json_patch(${tenants.settings}, ${JSON.stringify(termsPatch(input))})`,
        updatedAt: nowIso,
      })
      .where(
        and(
          eq(tenants.id, scope.tenantId),
          unchangedSince === null ? undefined : eq(tenants.updatedAt, unchangedSince),
        ),
      )
      .returning({ settings: tenants.settings, updatedAt: tenants.updatedAt }),
    trail.entry(
      db,
      {
        tenantId: scope.tenantId,
        action: 'risk_settings.update',
        resourceType: 'risk_settings',
        resourceId: scope.tenantId,
        before: { ...known.own },
        after: { ...wanted },
      },
      { onlyIfChanged: true },
    ),
    bulk(
      db,
      sql`UPDATE vehicles SET ${markedForScoring(nowIso)} WHERE changes() > 0 AND tenant_id = ${scope.tenantId}`,
    ),
  ]);
  if (row === undefined) return null;
  return { row: { own: ownTermsOf(row.settings), updatedAt: row.updatedAt }, isChanged: true };
}
