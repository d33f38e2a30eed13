/** Runs the verification of one chain over D1, its object and R2, a thousand rows at a time. */
import type { AuditVerification } from '#contracts/audit';
import type { ChainHead, NightlyWalk } from '#durable-objects/audit-chain/audit-chain';
import { chainKeyOf } from '#durable-objects/audit-chain/entry-hash';
import { auditChainOf } from '#durable-objects/stubs';
import { chainPending } from '../../audit/chain.ts';
import { listHeads } from '../../audit/daily-heads.ts';
import type { Database } from '../../db/client.ts';
import { configOf, type Env } from '../../env.ts';
import type { ReadScope } from '../../http/tenant-scope.ts';
import { chainToVerify, readChain, readLogHead } from './store.ts';
import { ChainVerifier } from './verify.ts';

export interface VerificationBounds {
  /**
   * Entries that one request verifies. At 30,000 a second and two of Cloudflare's 1,000 subrequests for every thousand, no
   * more than this fits well into one.
   */
  mostPerRequest: number;
  /** Entries that one night verifies, all of one chain: some 200 subrequests, beside those of the daily heads. */
  mostPerNight: number;
  /** About 700 bytes a row. */
  rowsPerPage: number;
}

export const verificationBounds: VerificationBounds = {
  mostPerRequest: 300_000,
  mostPerNight: 100_000,
  rowsPerPage: 1_000,
};

/** The log goes further than one request can verify, and the nights have not come far enough. */
export class LogTooLong extends Error {
  override readonly name = 'LogTooLong';
}

interface Walk {
  scope: ReadScope;
  env: Env;
  db: Database;
  tenantId: string | undefined;
}

/** Walks on from `start` to the end of the chain, or until `most` entries have been read; `isAtEnd` says which. */
async function walkOn(
  { scope, env, db, tenantId }: Walk,
  { start, most, rowsPerPage }: { start: ChainHead | null; most: number; rowsPerPage: number },
): Promise<{ verifier: ChainVerifier; isAtEnd: boolean }> {
  const chain = chainToVerify(scope, tenantId);
  const object = auditChainOf(env.AUDIT_CHAIN, chain);
  const dailyHeads = await listHeads(env.ARTIFACTS, chain);
  const key = chainKeyOf(configOf(env).auditKey, chain);
  const verifier = new ChainVerifier({ chain, key, dailyHeads, start });
  for (let from = start?.seq ?? null; ; from = verifier.after) {
    // One row more: the first of a later page is the last of the one before.
    const rows = await readChain(scope, db, { tenantId, from, limit: rowsPerPage + 1 });
    verifier.take(rows, await object.hashes(verifier.after + 1, rowsPerPage + 1));
    if (verifier.found !== null || rows.length <= rowsPerPage) return { verifier, isAtEnd: true };
    if (verifier.after - (start?.seq ?? 0) >= most) return { verifier, isAtEnd: false };
  }
}

/**
 * Verifies the chain of the scope's own tenant; for the operator that of `tenantId`, or the platform's. Entries that are
 * being added meanwhile do no harm: what the object had confirmed when the walk began must be there, what came later
 * may be. Of a log longer than one request can verify, what the nights have verified is left out, and the answer says so;
 * throws LogTooLong where they have not come far enough.
 */
export async function verifyChain(
  scope: ReadScope,
  env: Env,
  db: Database,
  tenantId: string | undefined,
  bounds = verificationBounds,
): Promise<AuditVerification> {
  const chain = chainToVerify(scope, tenantId);
  // What a crash kept from the log comes into it now, and is no sign of tampering.
  await chainPending(env, chain, { redeliver: true });
  const { confirmed, walk } = await auditChainOf(env.AUDIT_CHAIN, chain).status();
  const through = confirmed?.seq ?? 0;
  const start = through > bounds.mostPerRequest ? walk.verified : null;
  if (through - (start?.seq ?? 0) > bounds.mostPerRequest) {
    throw new LogTooLong(`${through} entries, of which ${start?.seq ?? 0} have been verified by night`);
  }
  // Two stretches more than there is: entries are added meanwhile, and the walk may end with any of them.
  const most = bounds.mostPerRequest + 2 * bounds.rowsPerPage;
  const { verifier } = await walkOn({ scope, env, db, tenantId }, { start, most, ...bounds });
  const verdict = verifier.end(through, await readLogHead(scope, db, tenantId));
  if (start === null) return verdict;
  // What the night has found lies before whatever this walk finds.
  const { broken } = walk;
  if (broken !== null) return { ...verdict, ok: false, brokenAt: broken.seq, reason: broken.reason };
  const leftOut = `entries 1 to ${start.seq} were not verified again: they were by ${start.at}`;
  return verdict.ok ? { ...verdict, reason: leftOut } : verdict;
}

/**
 * One night's part of a long chain: walks on from where the last night ended, and begins anew once it has been at the end.
 * What it reached is kept in the chain's object. A break stops the walk there until the log holds again: every night says
 * so. Answers what is kept.
 */
export async function walkByNight(
  scope: ReadScope,
  env: Env,
  db: Database,
  { tenantId, now }: { tenantId: string | undefined; now: Date },
  { mostPerNight, rowsPerPage } = verificationBounds,
): Promise<NightlyWalk> {
  const object = auditChainOf(env.AUDIT_CHAIN, chainToVerify(scope, tenantId));
  const { confirmed, walk } = await object.status();
  const start = walk.reached;
  const most = mostPerNight;
  const { verifier, isAtEnd } = await walkOn({ scope, env, db, tenantId }, { start, most, rowsPerPage });
  const end = isAtEnd ? verifier.end(confirmed?.seq ?? 0, null) : null;
  const { reached, found } = verifier;
  const isFurther = reached !== null && reached.seq > (walk.verified?.seq ?? 0);
  const broken =
    found ?? (end === null || end.brokenAt === undefined ? null : { seq: end.brokenAt, reason: end.reason ?? '' });
  const at = now.toISOString();
  const kept: NightlyWalk = {
    at,
    reached: isAtEnd && broken === null ? null : reached,
    verified: isFurther ? { ...reached, at } : walk.verified,
    broken,
  };
  if (!(await object.keepWalk(kept))) throw new Error('the chain has been put back since it was walked');
  return kept;
}
