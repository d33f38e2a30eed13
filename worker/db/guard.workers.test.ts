import { eq, sql } from 'drizzle-orm';
import { describe, expect, test } from 'vitest';
import { db, tenant } from '#test/workers/harness';
import { bulk } from './batch.ts';
import { commitGuarded, isTaken, requireChanged, requireThat } from './guard.ts';
import { tenants } from './schema/index.ts';

const nameOf = async (id: string) =>
  (await db.select({ name: tenants.name }).from(tenants).where(eq(tenants.id, id)))[0]?.name;
const rename = (id: string, name: string) =>
  db.update(tenants).set({ name }).where(eq(tenants.id, id)).returning({ id: tenants.id });

describe('a guarded batch', () => {
  test('is taken back whole when a condition does not hold, wherever in it', async () => {
    const { id, name } = await tenant();
    expect(await commitGuarded(db, [rename(id, 'a'), requireThat(db, sql`1 = 2`)])).toBeNull();
    expect(await commitGuarded(db, [rename(id, 'b'), rename('nobody', 'b'), requireChanged(db)])).toBeNull();
    expect(await commitGuarded(db, [rename(id, 'c'), requireThat(db, sql`NULL`), rename(id, 'd')])).toBeNull();
    expect(await nameOf(id)).toBe(name);
  });

  test('answers what its statements answered when every condition holds', async () => {
    const { id } = await tenant();
    const done = await commitGuarded(db, [rename(id, 'renamed'), requireChanged(db), requireThat(db, sql`1 = 1`)]);
    expect(done?.[0]).toEqual([{ id }]);
    expect(await nameOf(id)).toBe('renamed');
  });

  test('fails as ever for any other reason', async () => {
    const broken = commitGuarded(db, [bulk(db, sql`INSERT INTO tenants (id) VALUES ('x')`)]);
    await expect(broken).rejects.toThrow(/NOT NULL/);
  });

  test('a value that is taken is told apart', async () => {
    const { id } = await tenant();
    const again = { id, name: 'x', kind: 'fleet', settings: {}, createdAt: '', updatedAt: '' } as const;
    const cause: unknown = await db.batch([db.insert(tenants).values(again)]).catch((thrown: unknown) => thrown);
    expect(isTaken(cause, 'tenants.id')).toBe(true);
    expect(isTaken(cause, 'users.email')).toBe(false);
    expect(isTaken('no error', 'users.email')).toBe(false);
  });
});
