/** Tampering, done in raw SQL by somebody who has taken the triggers away: every kind of it is found, and where. */
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, test } from 'vitest';
import { chainKeyOf, entryHash, hashedFields, type AuditEntryFields } from '#durable-objects/audit-chain/entry-hash';
import { auditChainOf } from '#durable-objects/stubs';
import { db } from '#test/workers/harness';
import { chainPending } from '#worker/audit/chain';
import { keepHead, listHeads } from '#worker/audit/daily-heads';
import { trailOfJob } from '#worker/audit/trail';
import { scopeForJob } from '#worker/http/tenant-scope';
import { newId } from '#worker/ids';
import { verifyChain } from './verification.ts';

const triggers = ['audit_log_no_update', 'audit_log_no_delete', 'audit_log_no_replace'];
const verify = (chain: string) => verifyChain(scopeForJob(chain), env, db, chain);
const run = (sql: string, ...bound: unknown[]) =>
  env.DB.prepare(sql)
    .bind(...bound)
    .run();

async function commit(chain: string, count: number): Promise<void> {
  const trail = trailOfJob(new Date());
  for (let n = 1; n <= count; n += 1) {
    await trail.record(db, {
      tenantId: chain,
      action: 'test.entry',
      resourceType: 'test',
      resourceId: `${n}`,
      before: { n },
      after: { n: n + 1 },
    });
  }
  await chainPending(env, chain);
}

/** A chain of ten entries whose log nothing protects. */
async function bareChain(): Promise<string> {
  const chain = newId();
  await commit(chain, 10);
  return chain;
}

interface RawRow extends Record<string, unknown> {
  id: string;
  seq: number;
  hash: string;
  prev_hash: string;
}
const rowAt = async (chain: string, seq: number): Promise<RawRow> => {
  const row = await env.DB.prepare('SELECT * FROM audit_log WHERE chain = ? AND seq = ?')
    .bind(chain, seq)
    .first<RawRow>();
  if (row === null) throw new Error(`no row ${seq}`);
  return row;
};
const columnOf = (field: string) => field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const fieldsOf = (row: RawRow) =>
  Object.fromEntries(hashedFields.map((field) => [field, row[columnOf(field)]])) as unknown as AuditEntryFields;

/** What somebody who has stolen the audit key can do: a log from `seq` on in which every hash is right. */
async function rewriteWithKey(chain: string, seq: number, through: number): Promise<void> {
  const key = chainKeyOf(env.AUDIT_KEY, chain);
  let prevHash = seq === 1 ? '0'.repeat(64) : (await rowAt(chain, seq - 1)).hash;
  for (let at = seq; at <= through; at += 1) {
    const row = await rowAt(chain, at);
    if (at === seq) row['action'] = 'test.forged';
    const hash = entryHash(key, { chain, seq: at, prevHash }, fieldsOf(row));
    const set = 'UPDATE audit_log SET action = ?, prev_hash = ?, hash = ? WHERE chain = ? AND seq = ?';
    await run(set, row['action'], prevHash, hash, chain, at);
    prevHash = hash;
  }
}

describe('while the triggers stand', () => {
  test('nothing of the log is changed, replaced or deleted', async () => {
    const chain = await bareChain();
    const { id } = await rowAt(chain, 3);
    const columns = [
      'id',
      'chain',
      'at',
      'actor_type',
      'action',
      'resource_type',
      'outcome',
      'seq',
      'prev_hash',
      'hash',
    ];
    const forged = (conflict: string) => `INSERT ${conflict} INTO audit_log (${columns.join(', ')})`;
    const values = (own: { id: string; seq: number }) => [
      own.id,
      chain,
      'x',
      'job',
      'x',
      'x',
      'denied',
      own.seq,
      'x',
      'x',
    ];
    const before = await env.DB.prepare('SELECT * FROM audit_log WHERE chain = ?').bind(chain).all();

    for (const sql of [
      'UPDATE audit_log SET action = ? WHERE id = ?',
      'UPDATE OR IGNORE audit_log SET action = ? WHERE id = ?',
      'UPDATE OR REPLACE audit_log SET action = ? WHERE id = ?',
    ]) {
      await expect(run(sql, 'x', id)).rejects.toThrow('append-only');
    }
    await expect(run('DELETE FROM audit_log WHERE id = ?', id)).rejects.toThrow('append-only');
    await expect(run('DELETE FROM audit_log')).rejects.toThrow('append-only');
    const marks = `VALUES (${columns.map(() => '?').join(', ')})`;
    for (const own of [
      { id, seq: 99 },
      { id: newId(), seq: 3 },
    ]) {
      for (const conflict of ['', 'OR REPLACE', 'OR IGNORE']) await run(`${forged(conflict)} ${marks}`, ...values(own));
    }
    for (const target of ['(id)', '(chain, seq)']) {
      const upsert = `${forged('')} ${marks} ON CONFLICT ${target} DO UPDATE SET action = 'x'`;
      await run(upsert, ...values({ id, seq: 3 }));
    }
    expect((await env.DB.prepare('SELECT * FROM audit_log WHERE chain = ?').bind(chain).all()).results).toEqual(
      before.results,
    );
    expect(await verify(chain)).toMatchObject({ ok: true, checked: 10 });
  });

  test('nothing of the outbox is changed, and nothing leaves it but into the log', async () => {
    const chain = newId();
    await trailOfJob(new Date()).record(db, {
      ...{ tenantId: chain, action: 'test.entry', resourceType: 'test', resourceId: null },
    });
    await expect(run('UPDATE audit_outbox SET action = ? WHERE chain = ?', 'x', chain)).rejects.toThrow('append-only');
    await expect(run('DELETE FROM audit_outbox WHERE chain = ?', chain)).rejects.toThrow('only into the log');
  });
});

describe('with the triggers gone', () => {
  beforeEach(async () => {
    for (const name of triggers) await env.DB.exec(`DROP TRIGGER IF EXISTS ${name}`);
  });

  test('an untouched chain is whole: its own, and an empty one', async () => {
    const chain = await bareChain();
    const { hash } = await rowAt(chain, 10);
    expect(await verify(chain)).toEqual({ ok: true, head: { seq: 10, hash }, checked: 10 });
    expect(await verify(newId())).toEqual({ ok: true, head: null, checked: 0 });
  });

  test.each([...hashedFields.map(columnOf), 'hash', 'prev_hash'])('a changed %s is found', async (column) => {
    const chain = await bareChain();
    const value = column === 'id' ? newId() : 'changed';
    await run(`UPDATE audit_log SET ${column} = ? WHERE chain = ? AND seq = 4`, value, chain);
    expect(await verify(chain)).toMatchObject({ ok: false, brokenAt: 4, head: { seq: 10 } });
  });

  test('a value emptied or made null is found, and so is another type', async () => {
    for (const value of ["''", 'NULL', "x'7b7d'", '7']) {
      const chain = await bareChain();
      await run(`UPDATE audit_log SET after = ${value} WHERE chain = ? AND seq = 6`, chain);
      expect(await verify(chain)).toMatchObject({ ok: false, brokenAt: 6 });
    }
  });

  test('an entry moved to another chain is missing in the one and too many in the other', async () => {
    const [from, to] = [await bareChain(), await bareChain()];
    await run('UPDATE audit_log SET chain = ?, seq = 11 WHERE chain = ? AND seq = 5', to, from);
    expect(await verify(from)).toMatchObject({ ok: false, brokenAt: 5 });
    expect(await verify(to)).toMatchObject({ ok: false, brokenAt: 11 });
  });

  test('a removed entry is found: in the middle, the first, and with the rest renumbered', async () => {
    for (const seq of [1, 5]) {
      const chain = await bareChain();
      await run('DELETE FROM audit_log WHERE chain = ? AND seq = ?', chain, seq);
      expect(await verify(chain)).toMatchObject({ ok: false, brokenAt: seq });
    }
    const chain = await bareChain();
    await run('DELETE FROM audit_log WHERE chain = ? AND seq = 5', chain);
    for (let seq = 6; seq <= 10; seq += 1) {
      await run('UPDATE audit_log SET seq = ? WHERE chain = ? AND seq = ?', seq - 1, chain, seq);
    }
    expect(await verify(chain)).toMatchObject({ ok: false, brokenAt: 5 });
  });

  test('a log cut off at its end, or altogether, is found', async () => {
    for (const left of [7, 0]) {
      const chain = await bareChain();
      await run('DELETE FROM audit_log WHERE chain = ? AND seq > ?', chain, left);
      const verdict = await verify(chain);
      expect(verdict).toMatchObject({ ok: false, brokenAt: left + 1, checked: left });
      expect(verdict.head?.seq ?? 0).toBe(left);
    }
  });

  test('an inserted entry is found: pushed in between, at the end, below the first, twice under one number', async () => {
    const insert = async (chain: string, seq: number) => {
      const { id: _, ...row } = { ...(await rowAt(chain, 10)), seq };
      const names = Object.keys(row);
      const marks = names.map(() => '?').join(', ');
      await run(
        `INSERT INTO audit_log (id, ${names.join(', ')}) VALUES (?, ${marks})`,
        ...[newId(), ...Object.values(row)],
      );
    };
    const between = await bareChain();
    for (let seq = 10; seq >= 4; seq -= 1) {
      await run('UPDATE audit_log SET seq = ? WHERE chain = ? AND seq = ?', seq + 1, between, seq);
    }
    await insert(between, 4);
    expect(await verify(between)).toMatchObject({ ok: false, brokenAt: 4 });

    const end = await bareChain();
    await insert(end, 11);
    expect(await verify(end)).toMatchObject({ ok: false, brokenAt: 11 });

    for (const seq of [0, -3]) {
      const below = await bareChain();
      await insert(below, seq);
      expect(await verify(below)).toMatchObject({ ok: false, brokenAt: seq });
    }

    const twice = await bareChain();
    await env.DB.exec('DROP INDEX audit_log_chain_seq');
    await insert(twice, 10);
    expect(await verify(twice)).toMatchObject({ ok: false, brokenAt: 10 });
    await run('DELETE FROM audit_log WHERE chain = ?', twice);
    await env.DB.exec('CREATE UNIQUE INDEX audit_log_chain_seq ON audit_log (chain, seq)');
  });

  test('exchanged entries are found', async () => {
    const chain = await bareChain();
    for (const [from, to] of [
      [4, 99],
      [7, 4],
      [99, 7],
    ]) {
      await run('UPDATE audit_log SET seq = ? WHERE chain = ? AND seq = ?', to, chain, from);
    }
    expect(await verify(chain)).toMatchObject({ ok: false, brokenAt: 4 });
  });

  test('a log written anew with the key itself is found by the object that numbered the old one', async () => {
    const chain = await bareChain();
    await rewriteWithKey(chain, 6, 10);
    expect(await verify(chain)).toMatchObject({ ok: false, brokenAt: 6, reason: expect.stringMatching(/numbered/) });
    const added = await bareChain();
    const { id: _, ...last } = await rowAt(added, 10);
    const forged = { ...last, id: newId(), seq: 11, prev_hash: last.hash };
    const key = chainKeyOf(env.AUDIT_KEY, added);
    const hash = entryHash(key, { chain: added, seq: 11, prevHash: last.hash }, fieldsOf(forged));
    const row = { ...forged, hash };
    await run(
      `INSERT INTO audit_log (${Object.keys(row).join(', ')}) VALUES (${Object.keys(row)
        .map(() => '?')
        .join(', ')})`,
      ...Object.values(row),
    );
    expect(await verify(added)).toMatchObject({
      ok: false,
      brokenAt: 11,
      reason: expect.stringMatching(/never numbered/),
    });
  });

  test('log and object put back together are found by the daily head', async () => {
    const chain = await bareChain();
    const head = (await auditChainOf(env.AUDIT_CHAIN, chain).status()).confirmed;
    expect(await keepHead(env.ARTIFACTS, chain, head ?? { seq: 0, hash: '' }, new Date())).toBe('written');
    expect(await verify(chain)).toMatchObject({ ok: true });
    const stub = env.AUDIT_CHAIN.get(env.AUDIT_CHAIN.idFromName(chain));
    await runInDurableObject(stub, (_, { storage }) => void storage.sql.exec('DELETE FROM numbered WHERE seq > 7'));
    await run('DELETE FROM audit_log WHERE chain = ? AND seq > 7', chain);
    expect(await verify(chain)).toMatchObject({ ok: false, brokenAt: 8, reason: expect.stringMatching(/daily heads/) });
    // Filled up again with other entries, it is another chain than the one whose head was kept.
    await commit(chain, 3);
    expect(await verify(chain)).toMatchObject({
      ok: false,
      brokenAt: 10,
      reason: expect.stringMatching(/kept that day/),
    });
  });

  test('an unreadable daily head is no proof of anything', async () => {
    const chain = await bareChain();
    await env.ARTIFACTS.put(`audit-heads/${chain}/2026-11-01.json`, '{}');
    expect(await verify(chain)).toMatchObject({ ok: false, brokenAt: 1, checked: 10 });
  });

  test('entries that are added while it walks, or wait for a crashed Worker, are no tampering', async () => {
    const chain = await bareChain();
    const adding = Array.from({ length: 5 }, () => commit(chain, 3));
    const verdicts = await Promise.all([verify(chain), ...adding, verify(chain)]);
    expect(verdicts.filter((verdict) => verdict !== undefined).map(({ ok }) => ok)).toEqual([true, true]);
    expect(await verify(chain)).toMatchObject({ ok: true, checked: 25 });
  });

  test('a chain of several pages is walked to its end', async () => {
    const chain = newId();
    const trail = trailOfJob(new Date());
    const action = { tenantId: chain, action: 'test.entry', resourceType: 'test', resourceId: null };
    for (let n = 0; n < 23; n += 1) {
      const [first, ...more] = Array.from({ length: 100 }, () => trail.entry(db, action));
      if (first !== undefined) await db.batch([first, ...more]);
    }
    await chainPending(env, chain);
    expect(await verify(chain)).toMatchObject({ ok: true, checked: 2300, head: { seq: 2300 } });
    await run('UPDATE audit_log SET outcome = ? WHERE chain = ? AND seq = 2001', 'denied', chain);
    expect(await verify(chain)).toMatchObject({ ok: false, brokenAt: 2001 });
    await run('UPDATE audit_log SET outcome = ? WHERE chain = ? AND seq = 2001', 'success', chain);
    await env.DB.exec('DROP INDEX audit_log_chain_seq');
    await run(
      `INSERT INTO audit_log SELECT '${newId()}', chain, at, actor_type, actor_id, action, resource_type, resource_id,
        outcome, ip, user_agent, request_id, before, after, seq, prev_hash, hash
        FROM audit_log WHERE chain = ? AND seq = 1001`,
      chain,
    );
    expect(await verify(chain)).toMatchObject({ ok: false, brokenAt: 1001 });
  });
});

describe('a daily head', () => {
  test('is never overwritten; one that says more or something else is a contradiction', async () => {
    const chain = newId();
    const day = new Date('2026-11-20T03:17:00Z');
    const keep = (seq: number, hash: string, now = day) => keepHead(env.ARTIFACTS, chain, { seq, hash }, now);
    expect(await keep(5, 'aa')).toBe('written');
    expect([await keep(5, 'aa'), await keep(6, 'bb')]).toEqual(['kept', 'kept']);
    expect([await keep(5, 'cc'), await keep(4, 'aa')]).toEqual(['contradicts', 'contradicts']);
    const stored = await env.ARTIFACTS.get(`audit-heads/${chain}/2026-11-20.json`);
    expect(await stored?.json()).toEqual({ chain, seq: 5, hash: 'aa', at: day.toISOString() });
    expect(await keep(6, 'bb', new Date('2026-11-21T03:17:00Z'))).toBe('written');
    expect(await listHeads(env.ARTIFACTS, chain)).toEqual([
      { seq: 5, hash: 'aa' },
      { seq: 6, hash: 'bb' },
    ]);
  });
});
