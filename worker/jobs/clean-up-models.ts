/** Once a night: artefacts nobody goes back to any more are deleted from R2, and what dead trainings have left there. */
import { asc, gt } from 'drizzle-orm';
import { openDatabase } from '../db/client.ts';
import { tenants } from '../db/schema/index.ts';
import type { Env } from '../env.ts';
import { forgetArtefacts, listWithdrawn, withdrawOldArtefacts } from '../features/training/retention-store.ts';
import { stepFilesPrefix } from '../features/training/step-files.ts';

const tenantsAtOnce = 50;
/** As many keys as one call of R2 deletes. */
const keysAtOnce = 1_000;
/** A training is over within two hours; a day leaves time to look at a broken one. */
const stepFilesKeptMs = 86_400_000;
/** Listings of R2 a night; what is left goes the next. */
const mostListings = 20;

export interface CleanUpModelsResult {
  withdrawn: number;
  artefactsDeleted: number;
  stepFilesDeleted: number;
}

/** Every step may be the last before a crash: the next night finds what is left. Rows of the registry stay. */
export async function cleanUpModels(env: Env, now: Date): Promise<CleanUpModelsResult> {
  const db = openDatabase(env.DB);
  const result: CleanUpModelsResult = { withdrawn: 0, artefactsDeleted: 0, stepFilesDeleted: 0 };
  for (let afterId: string | null = ''; afterId !== null;) {
    const page: { id: string }[] = await db
      .select({ id: tenants.id })
      .from(tenants)
      .where(gt(tenants.id, afterId))
      .orderBy(asc(tenants.id))
      .limit(tenantsAtOnce);
    const ids = page.map(({ id }) => id);
    result.withdrawn += (await withdrawOldArtefacts(db, ids, now.getTime())).length;
    const keys = await listWithdrawn(db, ids, keysAtOnce);
    if (keys.length > 0) {
      await env.ARTIFACTS.delete(keys);
      await forgetArtefacts(db, ids, keys);
      result.artefactsDeleted += keys.length;
    }
    afterId = page.length < tenantsAtOnce ? null : (ids.at(-1) ?? null);
  }
  result.stepFilesDeleted = await deleteOldStepFiles(env.ARTIFACTS, now.getTime() - stepFilesKeptMs);
  return result;
}

async function deleteOldStepFiles(bucket: R2Bucket, beforeMs: number): Promise<number> {
  let deleted = 0;
  let cursor: string | undefined;
  for (let listing = 0; listing < mostListings; listing += 1) {
    const page = await bucket.list({ prefix: stepFilesPrefix, ...(cursor === undefined ? {} : { cursor }) });
    const old = page.objects.filter(({ uploaded }) => uploaded.getTime() < beforeMs).map(({ key }) => key);
    if (old.length > 0) await bucket.delete(old);
    deleted += old.length;
    if (!page.truncated) break;
    cursor = page.cursor;
  }
  return deleted;
}
