/** A second factor that was lost, or that a thief has set up: an administrator takes it away. */
import { eq } from 'drizzle-orm';
import { describe, expect, test, vi } from 'vitest';
import { commonRouteTests } from '#test/workers/common-route-tests';
import { account, auditOf, signedIn, signIn, userRow, type TestAccount } from '#test/workers/accounts';
import { auditEntriesOf, call, db, person, tenant } from '#test/workers/harness';
import { mailTo } from '#test/workers/mail';
import { recoveryCodes, users } from '#worker/db/schema/index';

// Hashing a password is slow on purpose, and a machine may be busy.
vi.setConfig({ testTimeout: 30_000 });

commonRouteTests('DELETE /users/:id/mfa', {
  method: 'DELETE',
  path: async (owner) => {
    const { userId } = await person(owner, 'viewer');
    await protect(userId);
    return `/users/${userId}/mfa`;
  },
  permission: 'users:manage',
  namesThing: true,
  takesBody: false,
});

const at = new Date().toISOString();
async function protect(userId: string): Promise<void> {
  await db
    .update(users)
    .set({ mfaEnabledAt: at, mfaSecretSealed: 'v1.1.x.y', lastTotpStep: 7 })
    .where(eq(users.id, userId));
  await db.insert(recoveryCodes).values({ userId, codeHash: `hash of ${userId}`, createdAt: at });
}
const reset = (token: string, userId: string) => call('DELETE', `/users/${userId}/mfa`, { token });
const codesOf = ({ userId }: { userId: string }) => db.$count(recoveryCodes, eq(recoveryCodes.userId, userId));

async function protectedPerson(): Promise<{ admin: TestAccount; them: TestAccount }> {
  const admin = await account();
  const them = await account({ of: admin.of, role: 'dispatcher' });
  await protect(them.userId);
  return { admin, them };
}

describe('taking a second factor away', () => {
  test('leaves the password alone, ends every session, is in the log, and its owner is told by whom', async () => {
    const { admin, them } = await protectedPerson();
    expect((await signIn(them.email)).body.error.code).toBe('MFA_REQUIRED');
    const answer = await reset(admin.token, them.userId);
    expect([answer.status, answer.text]).toEqual([204, '']);
    expect(await userRow(them.userId)).toMatchObject({
      ...{ mfaEnabledAt: null, mfaSecretSealed: null, lastTotpStep: null },
    });
    expect(await codesOf(them)).toBe(0);
    expect((await call('GET', '/auth/me', { token: them.token })).body.error.code).toBe('TOKEN_REVOKED');
    expect((await signedIn(them.email)).accessToken).toMatch(/^ey/);
    expect(await mailTo(them.email)).toMatchObject([
      { template: 'mfa_changed', data: { enabled: false, ip: null, by: 'Person fleet_admin' } },
    ]);
    const [entry] = (await auditEntriesOf(admin.of?.id ?? '')).filter(({ action }) => action === 'mfa.reset');
    expect(entry).toMatchObject({ actorId: admin.userId, resourceId: them.userId, outcome: 'success' });
  });

  test('where there is none is 409 and changes nothing', async () => {
    const admin = await account();
    const them = await person(admin.of, 'viewer');
    const answer = await reset(admin.token, them.userId);
    expect([answer.status, answer.body.error.code]).toEqual([409, 'CONFLICT']);
    expect((await call('GET', '/auth/me', { token: them.token })).status).toBe(200);
    expect(await auditOf(admin.of?.id ?? '')).not.toContain('mfa.reset success');
    expect(await mailTo(them.email)).toEqual([]);
  });

  test('never one’s own: a stolen token must not take it away', async () => {
    const { admin } = await protectedPerson();
    await protect(admin.userId);
    expect((await reset(admin.token, admin.userId)).status).toBe(409);
    expect((await userRow(admin.userId)).mfaEnabledAt).toBe(at);
    expect(await codesOf(admin)).toBe(1);
  });

  test('of another tenant’s people is 404; of anybody is the operator’s', async () => {
    const { them } = await protectedPerson();
    const stranger = await person(await tenant(), 'fleet_admin');
    expect((await reset(stranger.token, them.userId)).status).toBe(404);
    expect((await userRow(them.userId)).mfaEnabledAt).toBe(at);
    const operator = await person(null, 'super_admin');
    expect((await reset(operator.token, them.userId)).status).toBe(204);
  });
});
