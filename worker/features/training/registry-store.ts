/**
 * The registry of a tenant's trained models: what there is, which one scores are made with, and a person's choice of it.
 * At most one is active; the table itself sees to it. None active means the prior that comes with the product.
 */
import { and, count, desc, eq, sql } from 'drizzle-orm';
import { tenantSettingsSchema } from '#contracts/tenants';
import type { AuditTrail } from '../../audit/trail.ts';
import { bulk } from '../../db/batch.ts';
import type { Database } from '../../db/client.ts';
import { commitGuarded, requireThat } from '../../db/guard.ts';
import { scoringModels, tenants } from '../../db/schema/index.ts';
import { inTenants } from '../../db/scoped.ts';
import { markedForScoring } from '../../db/score-mark.ts';
import type { ReadScope, TenantScope } from '../../http/tenant-scope.ts';
import { reasonOfChoice } from './rules.ts';

export type ScoringModelRow = typeof scoringModels.$inferSelect;

export interface ModelInForce {
  model: ScoringModelRow | null;
  /** A person has chosen: nightly training does not change it. */
  isPinned: boolean;
}

/** What is in force, read at one moment; null when the tenant does not exist. */
export async function modelInForce(scope: TenantScope, db: Database): Promise<ModelInForce | null> {
  const [[tenant], [model]] = await db.batch([
    db.select({ settings: tenants.settings }).from(tenants).where(eq(tenants.id, scope.tenantId)),
    db
      .select()
      .from(scoringModels)
      .where(and(eq(scoringModels.tenantId, scope.tenantId), sql`status = 'active'`)),
  ]);
  if (tenant === undefined) return null;
  return { model: model ?? null, isPinned: tenantSettingsSchema.parse(tenant.settings).isModelPinned };
}

/** Newest first. */
export async function listModels(
  scope: ReadScope,
  db: Database,
  window: { limit: number; offset: number },
): Promise<{ rows: ScoringModelRow[]; total: number }> {
  const ofScope = inTenants(scoringModels.tenantId, scope);
  const [rows, [counted]] = await db.batch([
    db
      .select()
      .from(scoringModels)
      .where(ofScope)
      .orderBy(desc(scoringModels.createdAt), desc(scoringModels.id))
      .limit(window.limit)
      .offset(window.offset),
    db.select({ total: count() }).from(scoringModels).where(ofScope),
  ]);
  return { rows, total: counted?.total ?? 0 };
}

export async function getModel(scope: ReadScope, db: Database, id: string): Promise<ScoringModelRow | null> {
  const [row] = await db
    .select()
    .from(scoringModels)
    .where(and(eq(scoringModels.id, id), inTenants(scoringModels.tenantId, scope)));
  return row ?? null;
}

/** Every vehicle of the tenant is to be scored anew. */
export const markFleet = (scope: TenantScope, db: Database, nowIso: string) =>
  bulk(db, sql`UPDATE vehicles SET ${markedForScoring(nowIso)} WHERE tenant_id = ${scope.tenantId}`);

/** Makes one model the active one, or with null none of them. An item each of a guarded batch. */
export const activation = (scope: TenantScope, db: Database, modelId: string | null, reason: string, nowIso: string) =>
  [
    bulk(
      db,
      sql`UPDATE scoring_models SET status = 'retired', retired_at = ${nowIso}
        WHERE tenant_id = ${scope.tenantId} AND status = 'active' AND id IS NOT ${modelId}`,
    ),
    bulk(
      db,
      sql`UPDATE scoring_models SET status = 'active', activated_at = ${nowIso}, retired_at = NULL, reason = ${reason}
        WHERE id = ${modelId} AND +tenant_id = ${scope.tenantId} AND status <> 'active'`,
    ),
    markFleet(scope, db, nowIso),
  ] as const;

/** Holds while exactly this model (null: none) is the active one, and the pin is as it was read. */
export const stillInForce = (scope: TenantScope, activeId: string | null, isPinned: boolean) => sql`
  (SELECT id FROM scoring_models WHERE tenant_id = ${scope.tenantId} AND status = 'active') IS ${activeId}
  AND coalesce((SELECT settings ->> '$.isModelPinned' FROM tenants WHERE id = ${scope.tenantId}), 0) = ${isPinned ? 1 : 0}`;

/** Holds while the model is there and its artefact is kept. */
export const isChoosable = (scope: TenantScope, modelId: string) => sql`
  EXISTS (SELECT 1 FROM scoring_models m WHERE m.id = ${modelId} AND m.tenant_id = ${scope.tenantId} AND m.artefact_bytes > 0)`;

/**
 * A person's choice: another model or the prior (null), pinned or not. False when the state is no longer `known`, or the
 * model's artefact has just gone: nothing is written then. What is chosen already is left as it is.
 */
export async function chooseModel(
  scope: TenantScope,
  db: Database,
  trail: AuditTrail,
  known: ModelInForce,
  choice: { model: ScoringModelRow | null; isPinned: boolean },
  now: Date,
): Promise<boolean> {
  const { model, isPinned } = choice;
  const before = { id: known.model?.id ?? null, version: known.model?.version ?? null, isPinned: known.isPinned };
  const after = { id: model?.id ?? null, version: model?.version ?? null, isPinned };
  const isSwitch = before.id !== after.id;
  if (!isSwitch && before.isPinned === isPinned) return true;
  const guard = requireThat(
    db,
    sql`${stillInForce(scope, before.id, before.isPinned)} AND ${model === null ? sql`1` : isChoosable(scope, model.id)}`,
  );
  const pin = bulk(
    db,
    sql`UPDATE tenants SET settings = json_set(settings, '$.isModelPinned', json(${isPinned ? 'true' : 'false'}))
      WHERE id = ${scope.tenantId}`,
  );
  const entry = trail.entry(db, {
    tenantId: scope.tenantId,
    action: 'scoring_model.choose',
    resourceType: 'scoring_model',
    resourceId: after.id,
    before,
    after,
  });
  const reason = model === null ? '' : reasonOfChoice(model.reason);
  const switched = isSwitch ? activation(scope, db, after.id, reason, now.toISOString()) : [];
  return (await commitGuarded(db, [guard, pin, ...switched, entry])) !== null;
}
