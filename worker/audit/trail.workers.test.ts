import { eq } from 'drizzle-orm';
import { expect, test } from 'vitest';
import { db, tenant } from '#test/workers/harness';
import { auditOutbox, tenants } from '#worker/db/schema/index';
import { newId } from '#worker/ids';
import { trailOfJob } from './trail.ts';

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
