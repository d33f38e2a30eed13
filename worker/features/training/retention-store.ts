/**
 * Which artefacts are kept: of the model in force, of those that were in force lately, and of the newest. The others are
 * taken away in two strokes, so that no model can be chosen whose artefact is about to go, and none that is half gone is
 * forgotten: first the row says that nothing is there (0 bytes), and once the object is deleted its key goes too.
 */
import { sql } from 'drizzle-orm';
import type { Database } from '../../db/client.ts';
import { idsIn } from '../../db/scoped.ts';

/** Newest models of a tenant whose artefacts are kept whatever became of them. */
export const keptNewest = 20;
/** Days for which one can go back to whatever was in force. */
export const keptDays = 90;

/**
 * First stroke, for the tenants of one page: answers the ids of the models that can no longer be chosen.
 * @unscoped the nightly clean-up goes through all tenants
 */
export async function withdrawOldArtefacts(
  db: Database,
  tenantIds: readonly string[],
  nowMs: number,
): Promise<string[]> {
  const inForceSince = new Date(nowMs - keptDays * 86_400_000).toISOString();
  const rows = await db.all<{ id: string }>(sql`
    UPDATE scoring_models SET artefact_bytes = 0
    WHERE tenant_id IN ${idsIn(tenantIds)} AND artefact_bytes > 0 AND status <> 'active'
      AND coalesce(retired_at, '') < ${inForceSince} AND coalesce(activated_at, '') < ${inForceSince}
      AND (
        SELECT count(*) FROM (
          SELECT 1 FROM scoring_models newer
          WHERE newer.tenant_id = scoring_models.tenant_id AND newer.created_at > scoring_models.created_at
          LIMIT ${keptNewest})
      ) >= ${keptNewest}
    RETURNING id`);
  return rows.map(({ id }) => id);
}

/**
 * Objects whose models can no longer be chosen, and which may still be there.
 * @unscoped the nightly clean-up goes through all tenants
 */
export async function listWithdrawn(db: Database, tenantIds: readonly string[], limit: number): Promise<string[]> {
  const rows = await db.all<{ key: string }>(sql`
    SELECT artefact_key AS key FROM scoring_models
    WHERE tenant_id IN ${idsIn(tenantIds)} AND artefact_bytes = 0 AND artefact_key <> '' LIMIT ${limit}`);
  return rows.map(({ key }) => key);
}

/**
 * Second stroke: these objects are gone.
 * @unscoped the nightly clean-up goes through all tenants
 */
export async function forgetArtefacts(
  db: Database,
  tenantIds: readonly string[],
  keys: readonly string[],
): Promise<void> {
  await db.run(sql`
    UPDATE scoring_models SET artefact_key = ''
    WHERE tenant_id IN ${idsIn(tenantIds)} AND artefact_bytes = 0 AND artefact_key IN ${idsIn(keys)}`);
}
