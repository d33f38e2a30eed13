/**
 * From the outbox into the log: entries that were committed with their changes are numbered and hashed by the chain's
 * object, written into `audit_log`, and confirmed. Every step may be repeated and may be the last that ever happens; the
 * next call takes up from there. The object gives an id one number for ever, the log takes a row once, and an entry
 * leaves the outbox only when it stands in the log.
 */
import { auditChainOf } from '#durable-objects/stubs';
import type { AuditEntryFields, ChainedEntry } from '#durable-objects/audit-chain/entry-hash';
import type { Env } from '../env.ts';
import { logFailure } from '../log.ts';

type ChainEnv = Pick<Env, 'DB' | 'AUDIT_CHAIN'>;

/** As one answer of the object holds; both may be changed without the other. */
const pageRows = 200;
/** Kept well below the 2 MB of a bound value, and of what one statement of D1 answers with ease. */
const pageBytes = 1_000_000;

const readSql = `
SELECT id, at, actor_type AS actorType, actor_id AS actorId, action, resource_type AS resourceType,
  resource_id AS resourceId, outcome, ip, user_agent AS userAgent, request_id AS requestId, before, after
FROM audit_outbox WHERE chain = ?1 AND id > ?2 ORDER BY id LIMIT ?3`;

const insertSql = `
INSERT INTO audit_log (id, chain, at, actor_type, actor_id, action, resource_type, resource_id, outcome, ip, user_agent,
  request_id, before, after, seq, prev_hash, hash)
SELECT value ->> 'id', ?1, value ->> 'at', value ->> 'actorType', value ->> 'actorId', value ->> 'action',
  value ->> 'resourceType', value ->> 'resourceId', value ->> 'outcome', value ->> 'ip', value ->> 'userAgent',
  value ->> 'requestId', value ->> 'before', value ->> 'after', value ->> 'seq', value ->> 'prevHash', value ->> 'hash'
FROM json_each(?2) WHERE true ON CONFLICT DO NOTHING`;

// Without the condition a trigger would take the whole batch back for one row that did not get into the log.
const deleteSql = `
DELETE FROM audit_outbox WHERE id IN (SELECT value FROM json_each(?1))
  AND EXISTS (SELECT 1 FROM audit_log l WHERE l.id = audit_outbox.id)`;

async function readOutbox(db: D1Database, chain: string, after: string): Promise<AuditEntryFields[]> {
  const { results } = await db.prepare(readSql).bind(chain, after, pageRows).all<AuditEntryFields>();
  const measure = new TextEncoder();
  let bytes = 0;
  const end = results.findIndex((entry, at) => {
    bytes += measure.encode(JSON.stringify(entry)).byteLength;
    return at > 0 && bytes > pageBytes;
  });
  return end === -1 ? results : results.slice(0, end);
}

async function writeLog(db: D1Database, chain: string, entries: readonly ChainedEntry[]): Promise<number> {
  const ids = JSON.stringify(entries.map(({ id }) => id));
  const [, deleted] = await db.batch([
    db.prepare(insertSql).bind(chain, JSON.stringify(entries)),
    db.prepare(deleteSql).bind(ids),
  ]);
  return deleted?.meta.changes ?? 0;
}

/**
 * Brings everything of one chain that is committed at this moment into the log; answers how many entries left the outbox.
 * `redeliver` asks the object even when nothing waits in D1: it may hold what a crash kept from the log. Throws when D1
 * or the object fails; nothing is lost then.
 */
export async function chainPending(
  env: ChainEnv,
  chain: string,
  { redeliver = false }: { redeliver?: boolean } = {},
): Promise<number> {
  const object = auditChainOf(env.AUDIT_CHAIN, chain);
  let moved = 0;
  // Entries are passed by even when the log did not take them, so that the loop ends whatever it finds.
  let passed = '';
  for (;;) {
    const entries = await readOutbox(env.DB, chain, passed);
    if (entries.length === 0 && !redeliver) return moved;
    const answer = await object.append(chain, entries);
    if (answer.entries.length > 0) {
      moved += await writeLog(env.DB, chain, answer.entries);
      await object.confirm(answer.through);
    }
    if (answer.refused.length > 0) {
      logFailure('audit_entry_refused', 'an entry in the outbox is not what was chained', {
        chain,
        ids: answer.refused.slice(0, 10),
      });
    }
    // What was numbered and did not fit into the answer comes first next time, before anything new.
    if (answer.more) continue;
    if (entries.length === 0) return moved;
    passed = entries.at(-1)?.id ?? passed;
  }
}

/** D1 answers a thousand statements an invocation; a chain takes four. The rest has its turn in five minutes. */
const chainsPerRun = 200;
const chainsAtOnce = 6;

/** Everything that waits, in whatever chain: for the sweep, and for a reader of all chains. */
export async function chainEverything(env: ChainEnv): Promise<{ chains: number; entries: number; failed: number }> {
  const waiting: string[] = [];
  for (let passed = ''; waiting.length < chainsPerRun;) {
    // One step along the index for each chain, however many entries it has.
    const next = await env.DB.prepare('SELECT chain FROM audit_outbox WHERE chain > ?1 ORDER BY chain LIMIT 1')
      .bind(passed)
      .first<{ chain: string }>();
    if (next === null) break;
    waiting.push(next.chain);
    passed = next.chain;
  }
  const result = { chains: waiting.length, entries: 0, failed: 0 };
  const queue = [...waiting];
  const work = async (): Promise<void> => {
    for (let chain = queue.shift(); chain !== undefined; chain = queue.shift()) {
      try {
        const moved = await chainPending(env, chain);
        result.entries += moved;
      } catch (cause) {
        result.failed += 1;
        logFailure('audit_chain_failed', cause, { chain });
      }
    }
  };
  await Promise.all(Array.from({ length: chainsAtOnce }, work));
  return result;
}

/** Writes that come within this time of each other are chained together. */
const collectMs = 50;
/** A pass that has not come back by then died with its request; another may take over. */
const deadAfterMs = 15_000;

/** Passes under way in this isolate. Requests never wait for each other's promises: whoever is late only leaves word. */
const passes = new Map<string, { startedMs: number; again: boolean }>();

/**
 * Chains soon what a request or job has just committed; for `waitUntil`. Of many calls at once one does the work for all.
 * Never throws: what is left over is found by the next call, by every reader, and by the sweep.
 */
export async function chainSoon(env: ChainEnv, chain: string): Promise<void> {
  const running = passes.get(chain);
  if (running !== undefined && Date.now() - running.startedMs < deadAfterMs) {
    running.again = true;
    return;
  }
  const own = { startedMs: Date.now(), again: true };
  passes.set(chain, own);
  try {
    while (own.again) {
      await new Promise((resolve) => setTimeout(resolve, collectMs));
      own.again = false;
      own.startedMs = Date.now();
      await chainPending(env, chain);
    }
  } catch (cause) {
    logFailure('audit_chain_failed', cause, { chain });
  } finally {
    if (passes.get(chain) === own) passes.delete(chain);
  }
}
