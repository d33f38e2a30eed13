/** Logs that one request cannot verify: by night a part at a time, and what a request says meanwhile. */
import { env } from 'cloudflare:workers';
import { beforeEach, expect, test, vi } from 'vitest';
import { auditChainOf } from '#durable-objects/stubs';
import { db, tenant } from '#test/workers/harness';
import { chainPending } from '../audit/chain.ts';
import { trailOfJob } from '../audit/trail.ts';
import { LogTooLong, verifyChain } from '../features/audit/verification.ts';
import { scopeForJob } from '../http/tenant-scope.ts';
import { verifyLongLogs } from './verify-long-logs.ts';

/** A night reads pages of five until it has ten or more entries: eleven from the first on, ten later. */
const bounds = { mostPerRequest: 12, mostPerNight: 10, rowsPerPage: 5 };
let day = 0;
const night = () => verifyLongLogs(env, new Date(Date.UTC(2027, 0, (day += 1), 3, 47)), bounds);
const verify = (chain: string) => verifyChain(scopeForJob(chain), env, db, chain, bounds);
const change = (chain: string, seq: number, action: string) =>
  env.DB.prepare('UPDATE audit_log SET action = ? WHERE chain = ? AND seq = ?').bind(action, chain, seq).run();

async function logOf(entries: number, { id } = { id: '' }): Promise<string> {
  const chain = id === '' ? (await tenant()).id : id;
  const trail = trailOfJob(new Date());
  const action = { tenantId: chain, action: 'test.entry', resourceType: 'test', resourceId: null };
  for (let n = 0; n < entries; n += 1) await trail.record(db, action);
  await chainPending(env, chain);
  return chain;
}

/** Logs of other tests are out of the way: a tenant's log is found by the tenant. */
beforeEach(async () => {
  await env.DB.exec('DROP TRIGGER IF EXISTS audit_log_no_update; DROP TRIGGER IF EXISTS audit_log_no_delete;');
  await env.DB.exec('DELETE FROM audit_log');
});

test('is refused until the nights have come far enough; then what they verified is left out, and said to be', async () => {
  expect(await night()).toEqual({ long: 0 });
  await logOf(6);
  expect(await night()).toEqual({ long: 0 });
  const chain = await logOf(30);
  await expect(verify(chain)).rejects.toThrow(LogTooLong);
  expect(await night()).toEqual({ long: 1, chain, through: 11 });
  await expect(verify(chain)).rejects.toThrow(LogTooLong);
  expect(await night()).toMatchObject({ through: 21 });
  const verdict = await verify(chain);
  expect(verdict).toMatchObject({ ok: true, checked: 9, head: { seq: 30 } });
  expect(verdict.reason).toMatch(/^entries 1 to 21 .*2027-01-04/);
  expect(await night()).toMatchObject({ through: 30 });
  expect(await verify(chain)).toMatchObject({ ok: true, checked: 0 });
  await logOf(3, { id: chain });
  expect(await verify(chain)).toMatchObject({ ok: true, checked: 3 });

  // What came after is found at once, in the log and at its end.
  await change(chain, 32, 'test.forged');
  expect(await verify(chain)).toMatchObject({ ok: false, brokenAt: 32 });
  await env.DB.prepare('DELETE FROM audit_log WHERE chain = ? AND seq > 31').bind(chain).run();
  expect(await verify(chain)).toMatchObject({ ok: false, brokenAt: 32, reason: expect.stringMatching(/ends with/) });
});

test('rounds begin anew, so that a change in the old part is found, kept, and forgotten once it is undone', async () => {
  const chain = await logOf(20);
  for (const through of [11, 20]) expect(await night()).toMatchObject({ through });
  await change(chain, 4, 'test.forged');
  expect(await verify(chain)).toMatchObject({ ok: true, checked: 0 });
  const logged = vi.spyOn(console, 'error').mockReturnValue();
  for (let n = 0; n < 2; n += 1) expect(await night()).toMatchObject({ through: 20, brokenAt: 4 });
  expect(logged.mock.calls.flat().join()).toContain('audit_log_broken');
  logged.mockRestore();
  expect(await verify(chain)).toMatchObject({ ok: false, brokenAt: 4, reason: expect.stringMatching(/entry 4/) });
  await change(chain, 4, 'test.entry');
  expect(await night()).toEqual({ long: 1, chain, through: 20 });
  expect(await verify(chain)).toMatchObject({ ok: true });
  // A log short enough is verified whole, whatever the nights have come to.
  const short = await logOf(12);
  expect(await verify(short)).toEqual({ ok: true, checked: 12, head: expect.anything() });
});

test('long logs take turns', async () => {
  const chains = [await logOf(12), await logOf(12)];
  const nights = [await night(), await night(), await night(), await night()].map(({ chain }) => chain);
  expect(new Set(nights.slice(0, 2))).toEqual(new Set(chains));
  expect(nights.slice(2)).toEqual(nights.slice(0, 2));
});

test('nobody can have the object say that something was verified which it never numbered', async () => {
  const chain = await logOf(3);
  const object = auditChainOf(env.AUDIT_CHAIN, chain);
  const { head } = await object.status();
  const walk = { at: null, reached: null, verified: null, broken: null };
  const at = '2027-01-01T00:00:00.000Z';
  for (const wrong of [
    { ...walk, reached: { seq: 9, hash: head?.hash ?? '' } },
    { ...walk, verified: { seq: 2, hash: head?.hash ?? '', at } },
  ]) {
    expect(await object.keepWalk(wrong)).toBe(false);
    expect((await object.status()).walk).toEqual(walk);
  }
  const right = { ...walk, at, verified: { ...(head ?? { seq: 0, hash: '' }), at } };
  expect(await object.keepWalk(right)).toBe(true);
  expect((await object.status()).walk).toEqual(right);
});
