import { env } from 'cloudflare:workers';
import { eq } from 'drizzle-orm';
import { describe, expect, test } from 'vitest';
import { auditEntrySchema, auditVerificationSchema, type AuditEntry } from '#contracts/audit';
import { commonRouteTests } from '#test/workers/common-route-tests';
import { alert, call, db, link, person, tenant, truck, type TestTenant } from '#test/workers/harness';
import { chainPending } from '#worker/audit/chain';
import { trailOfJob } from '#worker/audit/trail';
import { auditLog, tenants } from '#worker/db/schema/index';
import { newId } from '#worker/ids';

const route = { method: 'GET', permission: 'audit:read', namesThing: false, takesBody: false } as const;
commonRouteTests('GET /audit', { ...route, path: () => '/audit' });
commonRouteTests('GET /audit/verify', { ...route, path: () => '/audit/verify', callers: 'people' });

const read = async (token: string, query = '') => {
  const answer = await call('GET', `/audit${query}`, { token });
  expect(answer.status, answer.text).toBe(200);
  const entries = (answer.body.data as unknown[]).map((entry) => auditEntrySchema.parse(entry));
  return { entries, nextCursor: (answer.body.meta as { nextCursor: string | null }).nextCursor };
};
const actions = (entries: readonly AuditEntry[]) => entries.map(({ action }) => action);

/** Entries of a tenant that nobody has brought into the log yet. */
async function commit(
  of: TestTenant | null,
  count: number,
  fields: { action?: string; at?: Date } = {},
): Promise<void> {
  const trail = trailOfJob(fields.at ?? new Date());
  for (let n = 0; n < count; n += 1) {
    await trail.record(db, {
      tenantId: of?.id ?? null,
      action: fields.action ?? `test.${n}`,
      resourceType: 'test',
      resourceId: null,
    });
  }
}

describe('GET /audit', () => {
  test('shows at once what was committed, newest first, with who it was', async () => {
    const fleet = await tenant();
    const { token, userId, email } = await person(fleet, 'fleet_admin');
    const id = await alert(fleet, await truck(fleet));
    const acknowledged = await call('PUT', `/alerts/${id}/acknowledge`, {
      token,
      body: { comment: 'on it' },
      headers: { 'user-agent': 'test/1', 'cf-connecting-ip': '203.0.113.9' },
    });
    expect(acknowledged.status).toBe(200);
    await call('PUT', `/alerts/${id}/acknowledge`, { token });
    await call('PUT', `/alerts/${id}/resolve`, { token, body: { comment: 'done' } });
    expect((await call('PUT', `/alerts/${id}/resolve`, { token })).status).toBe(409);
    const { entries } = await read(token);
    expect(entries).toMatchObject([
      {
        ...{ seq: 2, action: 'alert.resolve', resourceId: id },
        ...{ before: { status: 'acknowledged' }, after: { status: 'resolved', comment: 'done' } },
      },
      {
        ...{ seq: 1, action: 'alert.acknowledge', actorType: 'user', actorId: userId, outcome: 'success' },
        ...{
          actorName: `Person fleet_admin (${email})`,
          ip: '203.0.113.9',
          userAgent: 'test/1',
          resourceType: 'alert',
        },
        ...{ before: { status: 'open' }, after: { status: 'acknowledged', comment: 'on it' } },
        requestId: acknowledged.headers.get('x-request-id'),
      },
    ]);
    expect(entries[0]?.prevHash).toBe(entries[1]?.hash);
  });

  test('pages on while entries are added, none twice and none left out', async () => {
    const fleet = await tenant();
    const { token } = await person(fleet, 'fleet_admin');
    await commit(fleet, 7);
    const seen: number[] = [];
    let cursor: string | null = null;
    do {
      const page = await read(token, `?limit=3${cursor === null ? '' : `&cursor=${cursor}`}`);
      seen.push(...page.entries.map(({ seq }) => seq));
      cursor = page.nextCursor;
      await commit(fleet, 2);
      await chainPending(env, fleet.id);
    } while (cursor !== null);
    expect(seen).toEqual([7, 6, 5, 4, 3, 2, 1]);
    for (const wrong of ['x', '-1', '1.5', '9'.repeat(20), newId(), "1'--"]) {
      const answer = await call('GET', `/audit?cursor=${encodeURIComponent(wrong)}`, { token });
      expect([answer.status, answer.body.error.code]).toEqual([400, 'VALIDATION_FAILED']);
    }
    expect((await call('GET', '/audit?limit=101', { token })).status).toBe(400);
    expect((await call('GET', '/audit?page=1', { token })).status).toBe(400);
  });

  test('filters by actor, action, outcome and time', async () => {
    const fleet = await tenant();
    const { token, userId } = await person(fleet, 'fleet_admin');
    await commit(fleet, 1, { action: 'test.old', at: new Date('2026-01-01T00:00:00Z') });
    await commit(fleet, 1, { action: 'test.new', at: new Date('2026-02-01T00:00:00Z') });
    const viewer = await person(fleet, 'viewer');
    expect((await call('GET', '/audit', { token: viewer.token })).status).toBe(403);
    await call('PUT', `/alerts/${await alert(fleet, null)}/acknowledge`, { token });
    expect(actions((await read(token, '?action=test.old')).entries)).toEqual(['test.old']);
    expect(actions((await read(token, `?actorId=${userId}`)).entries)).toEqual(['alert.acknowledge']);
    expect(actions((await read(token, '?outcome=denied')).entries)).toEqual(['access.denied']);
    expect(actions((await read(token, '?to=2026-01-31T00:00:00Z')).entries)).toEqual(['test.old']);
    expect(actions((await read(token, '?from=2026-01-15T00:00:00Z&to=2026-02-01T00:00:00Z')).entries)).toEqual([
      'test.new',
    ]);
    expect((await read(token, '?action=none')).entries).toEqual([]);
  });

  test('is the own tenant’s alone: no link opens it, another’s id is as unknown', async () => {
    const [fleet, dealer] = [await tenant(), await tenant('dealer')];
    await link(dealer, fleet);
    await commit(fleet, 2);
    const dealerAdmin = await person(dealer, 'dealer_admin');
    expect((await read(dealerAdmin.token)).entries).toEqual([]);
    for (const path of ['/audit', '/audit/verify']) {
      const foreign = await call('GET', `${path}?tenantId=${fleet.id}`, { token: dealerAdmin.token });
      const unknown = await call('GET', `${path}?tenantId=${newId()}`, { token: dealerAdmin.token });
      expect([foreign.status, unknown.status]).toEqual([404, 404]);
      expect({ ...foreign.body.error, requestId: '' }).toEqual({ ...unknown.body.error, requestId: '' });
    }
    const { token } = await person(fleet, 'fleet_admin');
    expect((await read(token, `?tenantId=${fleet.id}`)).entries).toHaveLength(2);
    // What the dealer's person does in the fleet stands in the fleet's log, under the dealer's name.
    const id = await alert(fleet, null);
    expect((await call('PUT', `/alerts/${id}/acknowledge`, { token: dealerAdmin.token })).status).toBe(200);
    const [entry] = (await read(token)).entries;
    expect(entry).toMatchObject({ action: 'alert.acknowledge', actorId: dealerAdmin.userId, actorName: dealer.name });
    expect(JSON.stringify(entry)).not.toContain(dealerAdmin.email);
  });

  test('the operator reads all chains, or one', async () => {
    const { token, email } = await person(null, 'super_admin');
    const [one, two] = [await tenant(), await tenant()];
    await commit(one, 2, { action: 'test.one' });
    await commit(two, 1, { action: 'test.two' });
    await commit(null, 1, { action: 'test.platform' });
    const all = await read(token, '?limit=4');
    expect(actions(all.entries)).toEqual(['test.platform', 'test.two', 'test.one', 'test.one']);
    const rest = await read(token, `?limit=1&cursor=${(await read(token, '?limit=1')).nextCursor}`);
    expect(actions(rest.entries)).toEqual(['test.two']);
    expect(actions((await read(token, `?tenantId=${one.id}`)).entries)).toEqual(['test.one', 'test.one']);
    expect((await call('GET', `/audit?tenantId=${newId()}`, { token })).status).toBe(404);
    expect((await call('GET', '/audit?cursor=5', { token })).status).toBe(400);
    // To the operator its own people have names, to a tenant they are the operator.
    expect((await call('GET', `/audit/verify?tenantId=${one.id}`, { token })).status).toBe(200);
    expect((await read(token, `?tenantId=${one.id}`)).entries[0]?.actorName).toContain(email);
    const admin = await person(one, 'fleet_admin');
    expect((await read(admin.token)).entries[0]).toMatchObject({
      action: 'audit.verify',
      actorName: 'Platform operator',
    });
  });

  test('a log that was tampered with is shown all the same', async () => {
    const fleet = await tenant();
    const { token } = await person(fleet, 'fleet_admin');
    await commit(fleet, 2);
    await chainPending(env, fleet.id);
    await env.DB.exec('DROP TRIGGER audit_log_no_update');
    const change = (after: string, seq: number) =>
      env.DB.prepare('UPDATE audit_log SET after = ? WHERE chain = ? AND seq = ?').bind(after, fleet.id, seq).run();
    await change('{"broken', 1);
    await change('[1]', 2);
    const { entries } = await read(token);
    expect(entries.map(({ after }) => after)).toEqual([{ unreadable: '[1]' }, { unreadable: '{"broken' }]);
    const verdict = await call('GET', '/audit/verify', { token });
    expect(verdict.body.data).toMatchObject({ ok: false, brokenAt: 1 });
  });
});

describe('GET /audit/verify', () => {
  const verify = async (token: string, query = '') => {
    const answer = await call('GET', `/audit/verify${query}`, { token });
    expect(answer.status, answer.text).toBe(200);
    return auditVerificationSchema.parse(answer.body.data);
  };

  test('proves the own chain, what was committed a moment ago included, and is itself an entry', async () => {
    const fleet = await tenant();
    const { token, userId } = await person(fleet, 'fleet_admin');
    await commit(fleet, 3);
    const verdict = await verify(token);
    expect(verdict).toEqual({ ok: true, checked: 3, head: { seq: 3, hash: expect.stringMatching(/^[0-9a-f]{64}$/) } });
    const [entry] = (await read(token)).entries;
    expect(entry).toMatchObject({
      ...{ seq: 4, action: 'audit.verify', actorId: userId, resourceId: fleet.id, outcome: 'success' },
      ...{ after: { ok: true, checked: 3 }, prevHash: verdict.head?.hash },
    });
    expect(await verify(token)).toMatchObject({ ok: true, checked: 4 });
  });

  test('each person may ask six times a minute, apart from everything else', async () => {
    const fleet = await tenant();
    const [one, other] = [await person(fleet, 'fleet_admin'), await person(fleet, 'fleet_admin')];
    const answers = await Promise.all(Array.from({ length: 14 }, () => call('GET', '/audit/verify', one)));
    const refused = answers.filter(({ status }) => status === 429);
    // Six, and six more when a minute begins meanwhile.
    expect([2, 8]).toContain(refused.length);
    expect(refused[0]?.headers.get('ratelimit-limit')).toBe('6');
    expect(refused[0]?.headers.get('retry-after')).not.toBeNull();
    expect((await call('GET', '/audit', one)).status).toBe(200);
    expect((await verify(other.token)).ok).toBe(true);
  });

  test('of the operator proves the platform’s chain, or one tenant’s', async () => {
    const { token } = await person(null, 'super_admin');
    const fleet = await tenant();
    await commit(fleet, 2);
    await commit(null, 1);
    const platform = await verify(token);
    expect(platform.ok).toBe(true);
    const [last] = await db
      .select()
      .from(auditLog)
      .where(eq(auditLog.hash, platform.head?.hash ?? ''));
    expect(last?.chain).toBe('platform');
    expect(await verify(token, `?tenantId=${fleet.id}`)).toMatchObject({ ok: true, checked: 2 });
    expect((await read(token, '?action=audit.verify')).entries.map(({ resourceId }) => resourceId)).toEqual(
      expect.arrayContaining([fleet.id, null]),
    );
    await db.update(tenants).set({ isActive: false }).where(eq(tenants.id, fleet.id));
    expect(await verify(token, `?tenantId=${fleet.id}`)).toMatchObject({ ok: true, checked: 3 });
  });
});
