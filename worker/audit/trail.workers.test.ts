import { eq } from 'drizzle-orm';
import { expect, test } from 'vitest';
import { db, tenant } from '#test/workers/harness';
import { auditOutbox, tenants } from '#worker/db/schema/index';
import { newOpaqueToken } from '#worker/http/tokens';
import { newId } from '#worker/ids';
import { AuditTrail, trailOfJob } from './trail.ts';

test('what comes from outside is kept as SQLite gives it back, in measure, and without tokens', async () => {
  const { id } = await tenant();
  const trail = trailOfJob(new Date());
  const token = newOpaqueToken('tk_live_');
  trail.actor = { ...trail.actor, userAgent: `a\0b \ud800 ${token}` };
  await trail.record(db, {
    ...{ tenantId: id, action: 'test.entry', resourceType: 'test', resourceId: 'x'.repeat(5_000) },
    ...{ before: { text: 'x'.repeat(40_000) }, after: { comment: `see ${token}`, nested: [{ apiKey: 'a' }] } },
  });
  const [row] = await db.select().from(auditOutbox).where(eq(auditOutbox.chain, id));
  expect(row).toMatchObject({
    ...{ userAgent: 'a\ufffdb \ufffd [secret]', resourceId: 'x'.repeat(500) },
    ...{
      before: '{"omitted":"40011 characters"}',
      after: '{"comment":"see [secret]","nested":[{"apiKey":"[secret]"}]}',
    },
  });
});

test('an entry shares the fate of the change before it in the batch', async () => {
  const { id } = await tenant();
  const trail = trailOfJob(new Date());
  const action = { tenantId: id, action: 'tenant.update', resourceType: 'tenant', resourceId: id };
  const rename = (tenantId: string, name: string) =>
    db.update(tenants).set({ name }).where(eq(tenants.id, tenantId)).returning({ id: tenants.id });
  await db.batch([
    rename(id, 'renamed'),
    trail.entry(db, { ...action, after: { name: 'renamed', passwordHash: 'x' } }, { onlyIfChanged: true }),
    rename(newId(), 'nobody'),
    trail.entry(db, { ...action, action: 'tenant.never' }, { onlyIfChanged: true }),
  ]);
  const rows = await db.select().from(auditOutbox).where(eq(auditOutbox.chain, id));
  expect(rows).toMatchObject([
    {
      action: 'tenant.update',
      actorType: 'job',
      outcome: 'success',
      after: '{"name":"renamed","passwordHash":"[secret]"}',
    },
  ]);
  expect([...trail.touched]).toEqual([id]);
  await expect(
    db.batch([
      trail.entry(db, action),
      db.insert(tenants).values({ id, name: 'x', kind: 'fleet', settings: {}, createdAt: '', updatedAt: '' }),
    ]),
  ).rejects.toThrow();
  expect(await db.select().from(auditOutbox).where(eq(auditOutbox.chain, id))).toHaveLength(1);
});

test('where somebody acted from stands in their own organisation’s chain alone; a stranger’s address in any', async () => {
  const [own, other] = [await tenant(), await tenant()];
  const from = { ip: '203.0.113.9', userAgent: 'test/1' };
  const trail = new AuditTrail({ actorType: 'anonymous', actorId: null, ...from, requestId: 'r' }, new Date());
  const seenIn = async (tenantId: string | null) => {
    await trail.record(db, { tenantId, action: 'test.entry', resourceType: 'test', resourceId: null });
    const rows = await db
      .select()
      .from(auditOutbox)
      .where(eq(auditOutbox.chain, tenantId ?? 'platform'))
      .orderBy(auditOutbox.id);
    const last = rows.at(-1);
    return { ip: last?.ip, userAgent: last?.userAgent, actorId: last?.actorId };
  };
  const nowhere = { ip: null, userAgent: null };
  expect(await seenIn(own.id)).toEqual({ ...from, actorId: null });
  for (const kind of ['user', 'api_key'] as const) {
    trail.actAs(kind, 'somebody', own.id);
    expect(await seenIn(own.id)).toEqual({ ...from, actorId: 'somebody' });
    for (const chain of [other.id, null]) expect(await seenIn(chain)).toEqual({ ...nowhere, actorId: 'somebody' });
  }
  trail.actAs('user', 'operator', null);
  expect(await seenIn(null)).toEqual({ ...from, actorId: 'operator' });
  expect(await seenIn(own.id)).toEqual({ ...nowhere, actorId: 'operator' });
  trail.actAsStranger();
  expect(await seenIn(other.id)).toEqual({ ...from, actorId: null });
  expect([trail.actor.actorType, trail.actorTenantId]).toEqual(['anonymous', null]);
});
