/**
 * Once a night: of the audit chains that become too long to be verified in one request, the one that has waited longest is
 * verified a part further, so that a request can begin where the nights have come to.
 */
import { auditChainOf } from '#durable-objects/stubs';
import { platformChain } from '../audit/trail.ts';
import { openDatabase } from '../db/client.ts';
import type { Env } from '../env.ts';
import { verificationBounds, walkByNight } from '../features/audit/verification.ts';
import { scopeForJob } from '../http/tenant-scope.ts';
import { logFailure } from '../log.ts';

// One step along the index for each chain, however long it is.
const longChainsSql = `
SELECT id FROM tenants WHERE (SELECT max(l.seq) FROM audit_log l WHERE l.chain = tenants.id) > ?1 LIMIT ?2`;

/** As many are asked when their turn was. */
const mostChains = 20;

/** Walks one night's part of one chain, if any is long; says loudly what does not hold. Answers where it came to. */
export async function verifyLongLogs(
  env: Env,
  now: Date,
  bounds = verificationBounds,
): Promise<{ long: number; chain?: string; through?: number | null; brokenAt?: number }> {
  // Well before the first request needs it.
  const longerThan = Math.floor(bounds.mostPerRequest / 2);
  const { results } = await env.DB.prepare(longChainsSql).bind(longerThan, mostChains).all<{ id: string }>();
  const turns: { chain: string; at: string }[] = [];
  for (const chain of [platformChain, ...results.map(({ id }) => id)]) {
    const { confirmed, walk } = await auditChainOf(env.AUDIT_CHAIN, chain).status();
    if (confirmed !== null && confirmed.seq > longerThan) turns.push({ chain, at: walk.at ?? '' });
  }
  const [next] = turns.sort((a, b) => (a.at < b.at ? -1 : 1));
  if (next === undefined) return { long: 0 };
  const { chain } = next;
  const on = { tenantId: chain, now };
  const { broken, verified } = await walkByNight(scopeForJob(chain), env, openDatabase(env.DB), on, bounds);
  if (broken !== null) logFailure('audit_log_broken', broken.reason, { chain, seq: broken.seq });
  const through = verified?.seq ?? null;
  return { long: turns.length, chain, through, ...(broken === null ? {} : { brokenAt: broken.seq }) };
}
