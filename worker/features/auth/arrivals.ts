/**
 * Becoming somebody: by invitation, by signing up a new fleet, or as the first administrator of a new installation.
 * @unscoped runs before a scope exists; an invitation, the flag or the setup token says who may come in
 */
import { timingSafeEqual } from 'node:crypto';
import { and, eq, isNull, sql } from 'drizzle-orm';
import type { AcceptInvitationInput, AuthOptions, InvitationPreview, SignUpInput } from '#contracts/auth';
import type { Role } from '#contracts/roles';
import { tenantSettingsSchema } from '#contracts/tenants';
import type { User } from '#contracts/users';
import { recordStranger } from '../../audit/strangers.ts';
import { bulk } from '../../db/batch.ts';
import { commitGuarded, isTaken, requireChanged, requireThat } from '../../db/guard.ts';
import { invitations, tenants, users } from '../../db/schema/index.ts';
import { configOf } from '../../env.ts';
import { clientOf } from '../../http/client-address.ts';
import type { AppContext } from '../../http/context.ts';
import { AppError } from '../../http/errors.ts';
import { hashToken } from '../../http/tokens.ts';
import { newId } from '../../ids.ts';
import { linkTo, mailEntry, sendSoon } from '../../mail/outbox.ts';
import { hashPassword } from './passwords.ts';
import { nameFromEmail } from './rules.ts';
import { findAccountByEmail, newSession, type Account, type OpenedSession, type UserRow } from './store.ts';

const dayMs = 24 * 3_600_000;

export interface Arrival {
  account: Account;
  opened: OpenedSession;
}

/** One answer for an invitation that was never sent, was used or revoked, or has run out. */
const invalidInvitation = (): AppError => {
  const message = 'This invitation is not valid: it has been used or revoked, has run out, or was never sent.';
  return new AppError('VALIDATION_FAILED', `token: ${message}`, { details: { issues: [{ path: 'token', message }] } });
};

const addressTaken = (): AppError => new AppError('CONFLICT', 'There is already an account with this address.');

const newUser = (
  fields: Pick<UserRow, 'tenantId' | 'email' | 'name' | 'passwordHash'> & { role: Role },
  now: Date,
): UserRow => ({
  id: newId(),
  ...fields,
  mfaSecretSealed: null,
  mfaEnabledAt: null,
  lastTotpStep: null,
  isDeactivated: false,
  createdAt: now.toISOString(),
  updatedAt: now.toISOString(),
  accessChangedAt: null,
  deletedAt: null,
});

/** Turns an address that somebody else holds by now into its 409. */
async function unlessTaken<T>(commit: () => Promise<T>): Promise<T> {
  try {
    return await commit();
  } catch (cause) {
    throw isTaken(cause, 'users.email') ? addressTaken() : cause;
  }
}

async function readInvitation(c: AppContext, token: string) {
  const [found] = await c
    .get('db')
    .select({ invitation: invitations, tenant: tenants })
    .from(invitations)
    .innerJoin(tenants, eq(tenants.id, invitations.tenantId))
    .where(eq(invitations.tokenHash, await hashToken(token)));
  if (found === undefined) return null;
  const { invitation, tenant } = found;
  const isOpen =
    invitation.acceptedAt === null &&
    invitation.revokedAt === null &&
    invitation.expiresAt > c.get('now').toISOString() &&
    tenant.isActive;
  return isOpen ? found : null;
}

type FoundInvitation = NonNullable<Awaited<ReturnType<typeof readInvitation>>>;

/** Writes down who tried an invitation that does not let anybody in, and throws the one answer for all of them. */
async function refuseInvitation(c: AppContext, action: string, found: FoundInvitation | null): Promise<never> {
  const denied = {
    tenantId: found?.tenant.id ?? null,
    action,
    resourceType: 'invitation',
    resourceId: found?.invitation.id ?? null,
    outcome: 'denied' as const,
    after: { reason: 'invalid_invitation' },
  };
  const target = found && { name: found.invitation.id, isKnown: true };
  await recordStranger(c.env, c.get('db'), c.get('audit'), denied, target);
  throw invalidInvitation();
}

/** The person whom an invitation makes, or who was entered by name when it was sent; null when they are gone or suspended. */
async function invitedUser(
  c: AppContext,
  invitation: typeof invitations.$inferSelect,
  fields: { name?: string; passwordHash?: string },
): Promise<UserRow | null> {
  const { userId, tenantId, email, role } = invitation;
  if (userId === null) {
    return newUser({ tenantId, email, role, name: '', passwordHash: null, ...fields }, c.get('now'));
  }
  const [entered] = await c.get('db').select().from(users).where(eq(users.id, userId));
  if (entered === undefined || entered.deletedAt !== null || entered.isDeactivated) return null;
  return { ...entered, ...fields };
}

/** What an open invitation leads to. Whoever holds its token may know: it was mailed to them alone. */
export async function previewInvitation(c: AppContext, token: string): Promise<InvitationPreview> {
  const found = await readInvitation(c, token);
  const user = found && (await invitedUser(c, found.invitation, {}));
  if (found === null || user === null) return refuseInvitation(c, 'invitation.preview', found);
  const [inviter] = await c
    .get('db')
    .select({ name: users.name })
    .from(users)
    .where(and(eq(users.id, found.invitation.invitedBy), isNull(users.deletedAt)));
  const needsName = found.invitation.userId === null;
  return {
    email: user.email,
    tenantName: found.tenant.name,
    role: user.role,
    invitedBy: inviter?.name ?? null,
    name: needsName ? null : user.name,
    needsName,
  };
}

/** Lets an invited person in: their account, their first session, and the invitation used up, or nothing of it. */
export async function acceptInvitation(c: AppContext, input: AcceptInvitationInput): Promise<Arrival> {
  const db = c.get('db');
  const now = c.get('now');
  const nowIso = now.toISOString();
  const trail = c.get('audit');
  const found = await readInvitation(c, input.token);
  // Only a real invitation is worth the work of hashing.
  const fields = found && { name: input.name, passwordHash: await hashPassword(input.password) };
  const user = found && fields && (await invitedUser(c, found.invitation, fields));
  if (found === null || user === null) return refuseInvitation(c, 'invitation.accept', found);
  const { invitation, tenant } = found;
  trail.actAs('user', user.id, user.tenantId);
  const wasEntered = invitation.userId !== null;
  // Entries are numbered as they are made: first who came, then what they did.
  const acceptedEntry = trail.entry(db, {
    tenantId: tenant.id,
    action: 'invitation.accept',
    resourceType: 'invitation',
    resourceId: invitation.id,
    after: { userId: user.id },
  });
  const personEntry = trail.entry(db, {
    tenantId: tenant.id,
    action: wasEntered ? 'user.update' : 'user.create',
    resourceType: 'user',
    resourceId: user.id,
    after: { email: user.email, name: user.name, role: user.role },
  });
  const session = await newSession(db, trail, user, { client: clientOf(c), method: 'password' }, now);
  const accepted = await unlessTaken(() =>
    commitGuarded(db, [
      bulk(
        db,
        sql`UPDATE invitations SET accepted_at = ${nowIso} WHERE id = ${invitation.id}
          AND accepted_at IS NULL AND revoked_at IS NULL AND expires_at > ${nowIso}`,
      ),
      requireChanged(db),
      acceptedEntry,
      wasEntered
        ? db
            .update(users)
            .set({ name: user.name, passwordHash: user.passwordHash, updatedAt: nowIso })
            .where(and(eq(users.id, user.id), eq(users.isDeactivated, false), isNull(users.deletedAt)))
        : db.insert(users).values(user),
      requireChanged(db),
      personEntry,
      ...session.statements,
    ]),
  );
  if (accepted === null) throw invalidInvitation();
  const { requireMfa } = tenantSettingsSchema.parse(tenant.settings);
  return { account: { user, tenant: { name: tenant.name, isActive: true, requireMfa } }, opened: session.opened };
}

/** A new fleet and its first administrator. */
export async function signUp(c: AppContext, input: SignUpInput): Promise<Arrival> {
  const db = c.get('db');
  const now = c.get('now');
  const trail = c.get('audit');
  if (!configOf(c.env).isSignUpOpen) {
    throw new AppError('FORBIDDEN', 'New organisations are set up by the operator. Ask for an invitation.', {
      details: { required: 'sign_up' },
    });
  }
  if ((await findAccountByEmail(db, input.email)) !== null) throw addressTaken();
  const at = now.toISOString();
  const tenantId = newId();
  const passwordHash = await hashPassword(input.password);
  const user = newUser({ tenantId, email: input.email, name: input.name, role: 'fleet_admin', passwordHash }, now);
  trail.actAs('user', user.id, user.tenantId);
  const tenantEntry = trail.entry(db, {
    tenantId,
    action: 'tenant.create',
    resourceType: 'tenant',
    resourceId: tenantId,
    after: { name: input.company, kind: 'fleet' },
  });
  const personEntry = trail.entry(db, {
    tenantId,
    action: 'user.create',
    resourceType: 'user',
    resourceId: user.id,
    after: { email: user.email, name: user.name, role: user.role },
  });
  const session = await newSession(db, trail, user, { client: clientOf(c), method: 'password' }, now);
  const mail = await mailEntry(
    c.env,
    db,
    {
      tenantId,
      to: user.email,
      template: 'welcome',
      data: { name: user.name, tenantName: input.company, link: linkTo(c.env, '/') },
      expiresAt: new Date(now.getTime() + 7 * dayMs),
    },
    now,
  );
  await unlessTaken(() =>
    db.batch([
      db
        .insert(tenants)
        .values({ id: tenantId, name: input.company, kind: 'fleet', settings: {}, createdAt: at, updatedAt: at }),
      tenantEntry,
      db.insert(users).values(user),
      personEntry,
      ...session.statements,
      mail,
    ]),
  );
  sendSoon(c);
  return {
    account: { user, tenant: { name: input.company, isActive: true, requireMfa: false } },
    opened: session.opened,
  };
}

/** Compares without telling by its time how much was right: digests have one length. */
async function isSame(offered: string, expected: string): Promise<boolean> {
  const [one, other] = await Promise.all([hashToken(offered), hashToken(expected)]);
  return timingSafeEqual(Buffer.from(one), Buffer.from(other));
}

const noSuperAdmin = sql`NOT EXISTS (SELECT 1 FROM users WHERE tenant_id IS NULL AND role = 'super_admin' AND deleted_at IS NULL)`;

/** Which ways in are open to somebody without an account or an invitation. */
export async function openWays(c: AppContext): Promise<AuthOptions> {
  const { isSignUpOpen, setupToken } = configOf(c.env);
  if (setupToken === null) return { signUpOpen: isSignUpOpen, setupOpen: false };
  const row = await c.get('db').get<{ open: number }>(sql`SELECT ${noSuperAdmin} AS open`);
  return { signUpOpen: isSignUpOpen, setupOpen: row?.open === 1 };
}

/** Makes the first super admin of an installation; works once. */
export async function setUp(c: AppContext, input: { token: string; email: string; password: string }): Promise<User> {
  const db = c.get('db');
  const now = c.get('now');
  const trail = c.get('audit');
  const { setupToken } = configOf(c.env);
  const action = { tenantId: null, action: 'setup.complete', resourceType: 'user' };
  const refuse = async (reason: string, error: AppError): Promise<never> => {
    await recordStranger(c.env, db, trail, { ...action, resourceId: null, outcome: 'denied', after: { reason } });
    throw error;
  };
  if (setupToken === null) {
    throw new AppError('FORBIDDEN', 'This installation has no setup token.', { details: { required: 'setup_token' } });
  }
  if (!(await isSame(input.token, setupToken))) {
    return refuse('wrong_token', new AppError('INVALID_CREDENTIALS', 'The setup token is wrong.'));
  }
  const done = new AppError('CONFLICT', 'This installation has been set up: it has a super admin.');
  const name = nameFromEmail(input.email);
  const passwordHash = await hashPassword(input.password);
  const user = newUser({ tenantId: null, email: input.email, name, role: 'super_admin', passwordHash }, now);
  trail.actAs('user', user.id, null);
  const made = await unlessTaken(() =>
    commitGuarded(db, [
      requireThat(db, noSuperAdmin),
      db.insert(users).values(user),
      trail.entry(db, { ...action, resourceId: user.id, after: { email: user.email, name, role: user.role } }),
    ]),
  );
  if (made === null) {
    trail.actAsStranger();
    return refuse('already_done', done);
  }
  const { id, tenantId, email, role, createdAt } = user;
  return {
    ...{ id, tenantId, email, name, role, mfaEnabled: false, isDeactivated: false, lockedUntil: null },
    ...{ hasSignedUp: true, lastSeenAt: null, createdAt },
  };
}
