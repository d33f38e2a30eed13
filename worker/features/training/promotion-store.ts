/** What a training writes into the registry: the model with where it comes from, and whether it takes over. */
import { eq, sql } from 'drizzle-orm';
import type { ModelLineage } from '#contracts/scoring';
import type { ModelQuality } from '#contracts/scoring-models';
import { trailOfJob } from '../../audit/trail.ts';
import type { Database } from '../../db/client.ts';
import { commitGuarded, requireThat } from '../../db/guard.ts';
import { scoringModels } from '../../db/schema/index.ts';
import type { TenantScope } from '../../http/tenant-scope.ts';
import { newId } from '../../ids.ts';
import { activation, isChoosable, modelInForce, stillInForce, type ScoringModelRow } from './registry-store.ts';

export interface NewModel {
  version: string;
  status: 'candidate' | 'rejected';
  /** Why it was chosen or not, in words. */
  reason: string;
  lineage: ModelLineage;
  quality: ModelQuality;
  artefactKey: string;
  artefactDigest: string;
  artefactBytes: number;
}

/**
 * Writes a model into the registry, or finds it there: the same training, run again, has the same version. What was
 * judged anew is said anew, unless the model is or was in force.
 * @throws when another artefact has this version
 */
export async function registerModel(
  scope: TenantScope,
  db: Database,
  model: NewModel,
  nowIso: string,
): Promise<ScoringModelRow> {
  const wasNeverInForce = sql`${scoringModels.status} in ('candidate', 'rejected')`;
  const { status, reason, quality } = model;
  const [row] = await db
    .insert(scoringModels)
    .values({ id: newId(Date.parse(nowIso)), tenantId: scope.tenantId, createdAt: nowIso, ...model })
    .onConflictDoUpdate({
      target: [scoringModels.tenantId, scoringModels.version],
      set: {
        // The clean-up may have taken the artefact away, and it has just been stored again.
        artefactKey: model.artefactKey,
        artefactBytes: model.artefactBytes,
        status: sql`case when ${wasNeverInForce} then ${status} else ${scoringModels.status} end`,
        reason: sql`case when ${wasNeverInForce} then ${reason} else ${scoringModels.reason} end`,
        quality: sql`case when ${wasNeverInForce} then ${JSON.stringify(quality)} else ${scoringModels.quality} end`,
      },
      setWhere: eq(scoringModels.artefactDigest, model.artefactDigest),
    })
    .returning();
  if (row === undefined) throw new Error(`${model.version} is the version of another artefact`);
  return row;
}

/**
 * Puts a model in force in the place of the one it was compared with. `pinned`: a person has chosen, which stands;
 * `changed`: by now another model is in force than the one it was compared with. Asked again after it has taken effect,
 * it says `promoted` again.
 */
export async function promoteModel(
  scope: TenantScope,
  db: Database,
  promotion: { modelId: string; version: string; reason: string; comparedWith: string | null; runId: string },
  now: Date,
): Promise<'promoted' | 'pinned' | 'changed'> {
  const { modelId, version, reason, comparedWith, runId } = promotion;
  const entry = trailOfJob(now).entry(db, {
    tenantId: scope.tenantId,
    action: 'scoring_model.promote',
    resourceType: 'scoring_model',
    resourceId: modelId,
    before: { id: comparedWith },
    after: { id: modelId, version, reason, trainingRunId: runId },
  });
  const guard = requireThat(db, sql`${stillInForce(scope, comparedWith, false)} AND ${isChoosable(scope, modelId)}`);
  const done = await commitGuarded(db, [guard, ...activation(scope, db, modelId, reason, now.toISOString()), entry]);
  if (done !== null) return 'promoted';
  const inForce = await modelInForce(scope, db);
  if (inForce?.model?.id === modelId) return 'promoted';
  return inForce?.isPinned === true ? 'pinned' : 'changed';
}
