/**
 * Every night: data keys under the current master key, the next signing key when it is time, new data keys every 90 days,
 * values sealed under them, and keys deleted that nothing needs. Killed anywhere, the next night goes on from there. A key
 * that does not open is counted, and fails the job when all the others are done.
 */
import { eq } from 'drizzle-orm';
import { trailOfJob } from '../audit/trail.ts';
import { openDatabase } from '../db/client.ts';
import { tenantKeys } from '../db/schema/index.ts';
import { configOf, type Env } from '../env.ts';
import { rotateSigningKeys } from '../http/signing-keys.ts';
import { logFailure } from '../log.ts';
import { openMasterKeys } from '../secrets/master-keys.ts';
import {
  deleteUnusedKeys,
  renewDataKeys,
  resealValues,
  rewrapDataKeys,
  type RotationBounds,
  type RotationWork,
} from '../secrets/rotation.ts';

const nightly: RotationBounds = { rowsPerChunk: 100, maxChunks: 10, newKeys: 100 };

export interface RotationCounts {
  keysRewrapped: number;
  signingKeysMade: number;
  dataKeysMade: number;
  valuesResealed: number;
  keysDeleted: number;
  /** Values that could not be opened: each is in the log with its place. */
  failed: number;
}

/**
 * One night's rotation. Throws when D1 does not answer; before anything else when no data key opens, for then the master key
 * is not the one that wraps them; and after everything else when some do not.
 */
export async function rotateKeys(env: Env, now: Date, bounds: RotationBounds = nightly): Promise<RotationCounts> {
  const db = openDatabase(env.DB);
  const work = { db, config: configOf(env), trail: trailOfJob(now), now, bounds };
  const troubles: string[] = [];
  const wrapped = await rewrapDataKeys(work);
  if (wrapped.failed > 0) {
    troubles.push(`${wrapped.failed} data keys open neither with MASTER_KEY nor with MASTER_KEY_PREVIOUS`);
    // A wrong master key in the configuration: nothing more may come under it.
    if (wrapped.rewrapped === 0 && !(await isMasterInUse(work))) throw new Error(troubles[0]);
  }
  const isSigningKeyMade = await rotateSigningKeys(env, db, work.trail, now).catch((cause: unknown) => {
    // It is sealed for the platform: what is wrong with the platform's data key must not stop the tenants'.
    logFailure('signing_key_not_made', cause);
    troubles.push('the next signing key could not be made');
    return false;
  });
  const dataKeysMade = await renewDataKeys(work);
  const values = await resealValues(work);
  const keysDeleted = await deleteUnusedKeys(work);
  const counts = {
    keysRewrapped: wrapped.rewrapped,
    signingKeysMade: isSigningKeyMade ? 1 : 0,
    dataKeysMade,
    valuesResealed: values.resealed,
    keysDeleted,
    failed: values.failed,
  };
  if (troubles.length > 0) throw new Error(`${troubles.join('; ')}; the rest was done: ${JSON.stringify(counts)}`);
  return counts;
}

/** True when data keys are under the current master key already. */
async function isMasterInUse({ db, config }: RotationWork): Promise<boolean> {
  const { current } = await openMasterKeys(config);
  return (await db.$count(tenantKeys, eq(tenantKeys.masterKeyId, current.id))) > 0;
}
