import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { newId } from '#worker/ids';
import { auditChainOf } from '../stubs.ts';
import { mostPerAnswer, type AuditChain } from './audit-chain.ts';
import { chainKeyOf, entryHash, genesisHash, type AuditEntryFields, type ChainedEntry } from './entry-hash.ts';

const entry = (fields: Partial<AuditEntryFields> = {}): AuditEntryFields => ({
  id: newId(),
  at: '2026-11-20T09:11:24.000Z',
  actorType: 'job',
  actorId: null,
  action: 'test.one',
  resourceType: 'test',
  resourceId: null,
  outcome: 'success',
  ip: null,
  userAgent: null,
  requestId: null,
  before: null,
  after: '{"a":"ü"}',
  ...fields,
});
const chainFor = () => {
  const name = newId();
  return { name, object: auditChainOf(env.AUDIT_CHAIN, name), evict: () => evictDurableObject(stubOf(name)) };
};
const stubOf = (name: string) => env.AUDIT_CHAIN.get(env.AUDIT_CHAIN.idFromName(name));
const seqs = (entries: readonly ChainedEntry[]) => entries.map(({ seq }) => seq);

describe('numbering', () => {
  it('is in the order of the ids, each following the one before', async () => {
    const { name, object } = chainFor();
    const [first, second, third] = [entry(), entry(), entry()];
    const { entries, through, more, refused } = await object.append(name, [third, first, second]);
    expect(entries.map(({ id }) => id)).toEqual([first.id, second.id, third.id]);
    expect([seqs(entries), through, more, refused]).toEqual([[1, 2, 3], 3, false, []]);
    const key = chainKeyOf(env.AUDIT_KEY, name);
    let prevHash = genesisHash;
    for (const chained of entries) {
      expect(chained.prevHash).toBe(prevHash);
      expect(chained.hash).toBe(entryHash(key, { chain: name, seq: chained.seq, prevHash }, chained));
      prevHash = chained.hash;
    }
    expect(await object.hashes(1, 10)).toEqual(entries.map(({ hash }) => hash));
    expect(await object.hashes(2, 1)).toEqual([entries[1]?.hash]);
  });

  it('gives an older id that comes late the next number', async () => {
    const { name, object } = chainFor();
    const late = entry();
    await object.append(name, [entry(), entry()]);
    const { entries } = await object.append(name, [late]);
    expect(entries.at(-1)).toMatchObject({ id: late.id, seq: 3 });
  });

  it('gives an id one number for ever: again, beside itself, at once, after confirmation, after eviction', async () => {
    const { name, object, evict } = chainFor();
    const [one, two] = [entry(), entry()];
    const first = await object.append(name, [one, two, one]);
    expect(seqs(first.entries)).toEqual([1, 2]);
    expect((await object.append(name, [two, one])).entries).toEqual(first.entries);
    const many = await Promise.all(Array.from({ length: 20 }, () => object.append(name, [one, two])));
    for (const answer of many) expect(answer.entries).toEqual(first.entries);
    await object.confirm(2);
    expect((await object.append(name, [one, two])).entries).toEqual(first.entries);
    await evict();
    expect((await object.append(name, [two])).entries).toEqual([first.entries[1]]);
    expect((await object.status()).head).toEqual({ seq: 2, hash: first.entries[1]?.hash });
  });

  it('never numbers an id again under another content', async () => {
    const { name, object } = chainFor();
    const one = entry();
    const first = await object.append(name, [one]);
    // Unconfirmed: what was kept counts.
    expect((await object.append(name, [{ ...one, action: 'test.other' }])).entries).toEqual(first.entries);
    await object.confirm(1);
    const forged = await object.append(name, [{ ...one, action: 'test.other' }]);
    expect(forged).toMatchObject({ entries: [], refused: [one.id], through: 0 });
    expect((await object.status()).head?.seq).toBe(1);
  });

  it('answers for one chain only', async () => {
    const { name, object, evict } = chainFor();
    await object.append(name, [entry()]);
    const asAnother = () =>
      runInDurableObject(stubOf(name), (held) =>
        (held as unknown as AuditChain).append('platform', [entry()]).catch((cause: unknown) => String(cause)),
      );
    expect(await asAnother()).toMatch(/is the chain/);
    await evict();
    expect(await asAnother()).toMatch(/is the chain/);
    expect((await object.status()).head?.seq).toBe(1);
  });
});

describe('delivery', () => {
  it('repeats what is not confirmed, and forgets its content once it is', async () => {
    const { name, object, evict } = chainFor();
    const first = await object.append(name, [entry(), entry()]);
    await evict();
    const second = await object.append(name, [entry()]);
    expect(seqs(second.entries)).toEqual([1, 2, 3]);
    expect(second.entries.slice(0, 2)).toEqual(first.entries);
    expect(await object.status()).toMatchObject({ head: { seq: 3 }, confirmed: null });
    await object.confirm(2);
    expect(await object.status()).toMatchObject({ head: { seq: 3 }, confirmed: { seq: 2 } });
    expect(seqs((await object.append(name, [])).entries)).toEqual([3]);
    await object.confirm(3);
    await evict();
    expect(await object.append(name, [])).toEqual({ entries: [], through: 0, more: false, refused: [] });
    expect(await object.status()).toMatchObject({ head: { seq: 3 }, confirmed: { seq: 3 } });
    const kept = await runInDurableObject(
      stubOf(name),
      (_, { storage }) => storage.sql.exec('SELECT count(*) AS n FROM numbered WHERE entry IS NOT NULL').one()['n'],
    );
    expect(kept).toBe(0);
  });

  it('goes in parts, by rows and by bytes, from the lowest number on', async () => {
    const { name, object } = chainFor();
    await object.append(
      name,
      Array.from({ length: mostPerAnswer.rows + 5 }, () => entry()),
    );
    const part = await object.append(name, []);
    expect([part.entries.length, part.more, part.through]).toEqual([mostPerAnswer.rows, true, mostPerAnswer.rows]);
    await object.confirm(part.through);
    expect(seqs((await object.append(name, [])).entries)).toEqual([201, 202, 203, 204, 205]);

    const large = chainFor();
    const answer = await large.object.append(
      large.name,
      Array.from({ length: 4 }, () => entry({ after: JSON.stringify({ text: 'ü'.repeat(200_000) }) })),
    );
    expect([seqs(answer.entries), answer.more]).toEqual([[1, 2], true]);
  });
});

it('an empty chain has no head and no hashes', async () => {
  const { name, object } = chainFor();
  expect(await object.status()).toMatchObject({ head: null, confirmed: null });
  expect(await object.hashes(1, 5)).toEqual([]);
  expect(await object.append(name, [])).toMatchObject({ entries: [], more: false });
});
