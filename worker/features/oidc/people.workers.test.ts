import { env } from 'cloudflare:workers';
import { and, eq, isNull } from 'drizzle-orm';
import { describe, expect, test } from 'vitest';
import { db, tenant } from '#test/workers/harness';
import {
  account,
  choose,
  control,
  entriesOf,
  expectNobodyLetIn,
  Jar,
  land,
  leave,
  navigate,
  provider,
  rotatingUrl,
  signedIn,
  somebody,
  walk,
} from '#test/workers/sso-walk';
import { invitations, oidcProviders, sessions, tenants, userIdentities, users } from '#worker/db/schema/index';
import { trailOfJob } from '#worker/audit/trail';
import { newId } from '#worker/ids';
import { admit } from './people-store.ts';
import { findProvider } from './store.ts';

const userByEmail = async (email: string) =>
  (
    await db
      .select()
      .from(users)
      .where(and(eq(users.email, email), isNull(users.deletedAt)))
  )[0];

describe('who is let in', () => {
  test('a newcomer of an allowed domain, with the default role; known by the subject the next time', async () => {
    const here = await tenant();
    const of = await provider(here);
    const newcomer = somebody();
    const landing = await walk(of, newcomer.id, '/alerts?status=open');
    expect(landing.response.status).toBe(303);
    expect(landing.location).toBe('/sign-in?sso=done&next=%2Falerts%3Fstatus%3Dopen');
    const { user } = await signedIn(landing);
    expect(user).toMatchObject({ email: newcomer.email, role: 'viewer', tenantId: here.id });
    const [session] = await db.select().from(sessions).where(eq(sessions.userId, user.id));
    expect(session).toMatchObject({
      method: 'oidc',
      providerSessionId: expect.stringMatching(`^${of.id}/[0-9a-f]{64}$`),
    });
    const created = await entriesOf(here.id, 'user.create');
    expect(created).toMatchObject([{ actorType: 'user', actorId: user.id, resourceId: user.id, outcome: 'success' }]);
    expect(await entriesOf(here.id, 'session.create')).toMatchObject([{ actorId: user.id, resourceId: session?.id }]);

    await db
      .update(users)
      .set({ email: `moved-${user.id}@sso.example` })
      .where(eq(users.id, user.id));
    expect((await signedIn(await walk(of, newcomer.id))).user.id).toBe(user.id);
  });

  test('whoever has the address in this tenant, with the role they have', async () => {
    const here = await tenant();
    const of = await provider(here, { defaultRole: null });
    const known = somebody();
    const id = await account(here, known.email);
    expect((await signedIn(await walk(of, known.id))).user).toMatchObject({ id, role: 'technician' });
    expect(await db.select().from(userIdentities).where(eq(userIdentities.userId, id))).toMatchObject([
      { providerId: of.id, subject: known.id },
    ]);
  });

  test('an invited person, with the role of the invitation, which is taken', async () => {
    const here = await tenant();
    const of = await provider(here, { defaultRole: null });
    const invited = somebody();
    const at = new Date();
    await db.insert(invitations).values({
      ...{
        id: newId(),
        tenantId: here.id,
        email: invited.email,
        role: 'dispatcher',
        tokenHash: newId(),
        invitedBy: newId(),
      },
      ...{ createdAt: at.toISOString(), expiresAt: new Date(at.getTime() + 60_000).toISOString() },
    });
    expect((await signedIn(await walk(of, invited.id))).user.role).toBe('dispatcher');
    const [row] = await db.select().from(invitations).where(eq(invitations.email, invited.email));
    expect(row?.acceptedAt).not.toBeNull();
  });

  test('somebody whose address stands in the UserInfo answer only', async () => {
    const landing = await walk(await provider(await tenant()), 'claims_in_userinfo:sso.example');
    expect((await signedIn(landing)).user).toMatchObject({ email: 'claims-in-userinfo@sso.example' });
  });

  test('people signed in with keys that the provider changed in between', async () => {
    const of = await provider(await tenant(), {}, rotatingUrl);
    expect((await walk(of, somebody().id)).sso).toBe('done');
    await control('rotate-keys', {}, rotatingUrl);
    expect((await walk(of, somebody().id)).sso).toBe('done');
  });

  test('two tabs of a newcomer make one person', async () => {
    const here = await tenant();
    const of = await provider(here);
    const newcomer = somebody();
    const jars = [new Jar(), new Jar(), new Jar()];
    const backs = await Promise.all(jars.map(async (jar) => choose(await leave(of, jar), newcomer.id)));
    const landings = await Promise.all(backs.map((back, at) => land(back, jars[at] ?? new Jar())));
    expect(landings.map(({ sso }) => sso)).toEqual(['done', 'done', 'done']);
    expect(await db.select().from(users).where(eq(users.tenantId, here.id))).toHaveLength(1);
  });
});

describe('who is not let in', () => {
  test('the address of another tenant, of the operator, or nobody’s where nobody is made', async () => {
    const of = await provider(await tenant());
    const [foreign, operator, nobody] = [somebody(), somebody(), somebody()];
    await account(await tenant(), foreign.email);
    await account(null, operator.email, { role: 'super_admin' });
    expectNobodyLetIn(await walk(of, foreign.id), 'not_allowed');
    expectNobodyLetIn(await walk(of, operator.id), 'not_allowed');
    const closed = await provider(await tenant(), { defaultRole: null });
    expectNobodyLetIn(await walk(closed, nobody.id), 'not_allowed');
    expect(await userByEmail(nobody.email)).toBeUndefined();
  });

  test('the suspended, known by subject or by address', async () => {
    const here = await tenant();
    const of = await provider(here);
    const [one, other] = [somebody(), somebody()];
    const { user } = await signedIn(await walk(of, one.id));
    await db.update(users).set({ isDeactivated: true }).where(eq(users.id, user.id));
    await account(here, other.email, { isDeactivated: true });
    expectNobodyLetIn(await walk(of, one.id), 'deactivated');
    expectNobodyLetIn(await walk(of, other.id), 'deactivated');
  });

  test('the deleted, until somebody enters them again', async () => {
    const here = await tenant();
    const of = await provider(here);
    const gone = somebody();
    const { user } = await signedIn(await walk(of, gone.id));
    await db.update(users).set({ deletedAt: new Date().toISOString() }).where(eq(users.id, user.id));
    expectNobodyLetIn(await walk(of, gone.id), 'not_allowed');
    const id = await account(here, gone.email);
    expect((await signedIn(await walk(of, gone.id))).user.id).toBe(id);
  });

  test('anybody, through a provider or a tenant that was switched off on the way', async () => {
    const here = await tenant();
    const of = await provider(here);
    const off = async (table: typeof oidcProviders | typeof tenants, id: string, isActive: boolean) =>
      db.update(table).set({ isActive }).where(eq(table.id, id));
    for (const [table, id] of [
      [oidcProviders, of.id],
      [tenants, here.id],
    ] as const) {
      const jar = new Jar();
      const back = await choose(await leave(of, jar), somebody().id);
      await off(table, id, false);
      expectNobodyLetIn(await land(back, jar), 'deactivated');
      const start = await navigate(`/auth/oidc/${of.id}/start`, new Jar());
      expect([start.status, start.headers.get('location')]).toEqual([303, '/sign-in?sso=deactivated']);
      await off(table, id, true);
    }
  });

  test('whom a batch finds suspended, deleted or shut out, though all was well when it was decided', async () => {
    const here = await tenant();
    const of = await provider(here);
    const known = somebody();
    const id = await account(here, known.email);
    const door = await findProvider(db, of.id);
    if (door === null) throw new Error('no provider');
    const person = { subject: known.id, email: known.email, name: 'Known' };
    const come = (userId: string, create: { role: 'viewer' } | null) =>
      admit(
        db,
        trailOfJob(new Date()),
        door,
        { ...person, ...(create === null ? {} : { subject: userId, email: `${userId}@sso.example` }) },
        { userId, create, isNewIdentity: true, providerSession: undefined },
        { client: { ip: null, userAgent: null }, now: new Date() },
      );
    const at = new Date().toISOString();
    const moments = [
      ['provider', () => db.update(oidcProviders).set({ isActive: false }).where(eq(oidcProviders.id, of.id))],
      ['tenant', () => db.update(tenants).set({ isActive: false }).where(eq(tenants.id, here.id))],
      ['person', () => db.update(users).set({ isDeactivated: true }).where(eq(users.id, id))],
      ['person', () => db.update(users).set({ deletedAt: at }).where(eq(users.id, id))],
    ] as const;
    for (const [whose, happens] of moments) {
      await happens();
      expect(await come(id, null)).toBeNull();
      const newcomer = newId();
      expect((await come(newcomer, { role: 'viewer' })) === null).toBe(whose !== 'person');
      expect(await db.$count(users, eq(users.id, newcomer))).toBe(whose === 'person' ? 1 : 0);
      await db.update(oidcProviders).set({ isActive: true }).where(eq(oidcProviders.id, of.id));
      await db.update(tenants).set({ isActive: true }).where(eq(tenants.id, here.id));
      await db.update(users).set({ isDeactivated: false }).where(eq(users.id, id));
    }
    expect(await db.$count(sessions, eq(sessions.userId, id))).toBe(0);
    expect(await db.$count(userIdentities, eq(userIdentities.userId, id))).toBe(0);
  });

  test('somebody suspended between the decision and the batch, every time', async () => {
    const here = await tenant();
    const of = await provider(here);
    const newcomer = somebody();
    await env.DB.prepare(
      `CREATE TRIGGER meddling AFTER INSERT ON users WHEN NEW.email = '${newcomer.email}'
        BEGIN UPDATE users SET is_deactivated = 1 WHERE id = NEW.id; END`,
    ).run();
    try {
      expectNobodyLetIn(await walk(of, newcomer.id), 'deactivated');
    } finally {
      await env.DB.prepare('DROP TRIGGER meddling').run();
    }
    expect(await userByEmail(newcomer.email)).toBeUndefined();
    expect(await entriesOf(here.id, 'sign_in')).toMatchObject([{ outcome: 'denied', actorId: null }]);
  });
});
