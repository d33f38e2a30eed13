/** Once a night: the head of every audit chain goes to R2, where no change of the database or of the object reaches it. */
import { auditChainOf } from '#durable-objects/stubs';
import { keepHead, type KeptHead } from '../audit/daily-heads.ts';
import { platformChain } from '../audit/trail.ts';
import type { Env } from '../env.ts';
import { logFailure } from '../log.ts';

const chainsAtOnce = 6;

/** Three calls each: an invocation may make a thousand. */
const nightlyChains = 200;
const dayMs = 86_400_000;

/** With more chains than a night has room for, those that had no turn come first the next night. */
function chainsOfTheNight(chains: readonly string[], now: Date, most: number): string[] {
  if (chains.length <= most) return [...chains];
  const first = (Math.floor(now.getTime() / dayMs) * most) % chains.length;
  return [...chains.slice(first), ...chains.slice(0, first)].slice(0, most);
}

export type KeptHeads = Record<KeptHead | 'failed', number>;

/** Keeps today's head of every chain that has entries; one chain's trouble does not stop the others. */
export async function keepAuditHeads(env: Env, now: Date, maxChains = nightlyChains): Promise<KeptHeads> {
  const { results } = await env.DB.prepare(
    'SELECT id FROM tenants WHERE EXISTS (SELECT 1 FROM audit_log l WHERE l.chain = tenants.id) ORDER BY id',
  ).all<{ id: string }>();
  const queue = chainsOfTheNight([platformChain, ...results.map(({ id }) => id)], now, maxChains);
  const result: KeptHeads = { written: 0, kept: 0, contradicts: 0, failed: 0 };
  const work = async (): Promise<void> => {
    for (let chain = queue.shift(); chain !== undefined; chain = queue.shift()) {
      try {
        // Of what is known to be in the log: an entry on its way there may still be numbered when the log is read.
        const { confirmed } = await auditChainOf(env.AUDIT_CHAIN, chain).status();
        if (confirmed === null) continue;
        const kept = await keepHead(env.ARTIFACTS, chain, confirmed, now);
        result[kept] += 1;
        if (kept === 'contradicts') {
          logFailure('audit_head_contradicts', 'the head kept today is not of this chain', {
            chain,
            seq: confirmed.seq,
          });
        }
      } catch (cause) {
        result.failed += 1;
        logFailure('audit_head_not_kept', cause, { chain });
      }
    }
  };
  await Promise.all(Array.from({ length: chainsAtOnce }, work));
  return result;
}
