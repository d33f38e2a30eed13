/**
 * Whom a provider means: people found by its subject or by their address, let in, made on first sign-in, and signed out when
 * the provider says so.
 * @unscoped runs before anybody has signed in; the provider, found by the id in the address, says which tenant it is about.
 */
import { and, eq, gt, isNotNull, isNull, sql } from 'drizzle-orm';
import type { Role } from '#contracts/roles';
import type { AuditTrail } from '../../audit/trail.ts';
import { bulk } from '../../db/batch.ts';
import type { Database } from '../../db/client.ts';
import { commitGuarded, requireThat } from '../../db/guard.ts';
import { invitations, sessions, userIdentities, users } from '../../db/schema/index.ts';
import type { Client } from '../../http/client-address.ts';
import { hashToken } from '../../http/tokens.ts';
import { newId } from '../../ids.ts';
import { newSession, type OpenedSession } from '../auth/store.ts';
import type { Situation, VouchedPerson } from './rules.ts';
import type { ProviderAtTheDoor } from './store.ts';

const knownColumns = {
  id: users.id,
  tenantId: users.tenantId,
  isDeactivated: users.isDeactivated,
  deletedAt: users.deletedAt,
};

/** Everything that decides who a vouched-for person is, as of one moment. */
export async function readSituation(
  db: Database,
  { provider, tenant }: ProviderAtTheDoor,
  person: VouchedPerson,
  nowIso: string,
): Promise<Situation> {
  const [bySubject, byEmail, deleted, invited] = await db.batch([
    db
      .select(knownColumns)
      .from(userIdentities)
      .innerJoin(users, eq(users.id, userIdentities.userId))
      .where(and(eq(userIdentities.providerId, provider.id), eq(userIdentities.subject, person.subject))),
    db
      .select(knownColumns)
      .from(users)
      .where(and(eq(users.email, person.email), isNull(users.deletedAt))),
    db
      .select({ id: users.id })
      .from(users)
      .where(and(eq(users.tenantId, tenant.id), eq(users.email, person.email), isNotNull(users.deletedAt)))
      .limit(1),
    db
      .select({ id: invitations.id, role: invitations.role })
      .from(invitations)
      .where(
        and(
          eq(invitations.tenantId, tenant.id),
          eq(invitations.email, person.email),
          isNull(invitations.acceptedAt),
          isNull(invitations.revokedAt),
          gt(invitations.expiresAt, nowIso),
        ),
      ),
  ]);
  return {
    tenantId: tenant.id,
    isProviderActive: provider.isActive,
    isTenantActive: tenant.isActive,
    defaultRole: provider.defaultRole,
    bySubject: bySubject[0] ?? null,
    byEmail: byEmail[0] ?? null,
    wasDeleted: deleted.length > 0,
    invitation: invited[0] ?? null,
  };
}

/** The provider's subject means this person from now on, and whatever invitation was open is taken. */
const linkStatements = (
  db: Database,
  trail: AuditTrail,
  { provider, tenant }: ProviderAtTheDoor,
  person: VouchedPerson,
  userId: string,
  nowIso: string,
) => [
  db
    .insert(userIdentities)
    .values({ id: newId(), userId, providerId: provider.id, subject: person.subject, createdAt: nowIso })
    .onConflictDoUpdate({
      target: [userIdentities.providerId, userIdentities.subject],
      set: { userId, createdAt: nowIso },
    }),
  trail.entry(db, {
    tenantId: tenant.id,
    action: 'user.update',
    resourceType: 'user',
    resourceId: userId,
    after: { identityProviderId: provider.id, identityProviderName: provider.name },
  }),
  db
    .update(invitations)
    .set({ acceptedAt: nowIso })
    .where(
      and(
        eq(invitations.tenantId, tenant.id),
        eq(invitations.email, person.email),
        isNull(invitations.acceptedAt),
        isNull(invitations.revokedAt),
      ),
    ),
  trail.entry(
    db,
    { tenantId: tenant.id, action: 'invitation.accept', resourceType: 'user', resourceId: userId },
    { onlyIfChanged: true },
  ),
];

export interface Admission {
  userId: string;
  /** Set for somebody who is made by this sign-in. */
  create: { role: Role } | null;
  isNewIdentity: boolean;
  /** The provider's own session (`sid`), if it names one. */
  providerSession: string | undefined;
}

/**
 * How a session remembers the provider that opened it: by provider and session, both short and of one form. Without a
 * session id it is the provider's alone.
 */
export const providerSessionId = async (providerId: string, sid: string | undefined): Promise<string> =>
  `${providerId}/${sid === undefined ? '' : await hashToken(sid)}`;

/** Condition: nobody has switched off the provider or the tenant since the door was opened. */
const isOpen = ({ provider, tenant }: ProviderAtTheDoor) =>
  sql`EXISTS (SELECT 1 FROM oidc_providers p JOIN tenants t ON t.id = p.tenant_id
    WHERE p.id = ${provider.id} AND t.id = ${tenant.id} AND p.is_active = 1 AND t.is_active = 1)`;

/** Condition: the person is there, and nobody has suspended them since it was decided to let them in. */
const isWelcome = (userId: string, { tenant }: ProviderAtTheDoor) =>
  sql`EXISTS (SELECT 1 FROM users
    WHERE id = ${userId} AND tenant_id = ${tenant.id} AND is_deactivated = 0 AND deleted_at IS NULL)`;

/**
 * Lets a person in: makes them where they are new, links the provider's subject, opens the session, all in one batch; null
 * when what decided it holds no longer. Rejects when somebody else took the address, or the subject, in the same moment.
 */
export async function admit(
  db: Database,
  trail: AuditTrail,
  door: ProviderAtTheDoor,
  person: VouchedPerson,
  { userId, create, isNewIdentity, providerSession }: Admission,
  { client, now }: { client: Client; now: Date },
): Promise<OpenedSession | null> {
  const nowIso = now.toISOString();
  const { tenant, provider } = door;
  trail.actAs('user', userId, tenant.id);
  const session = await newSession(
    db,
    trail,
    { id: userId, tenantId: tenant.id },
    { client, method: 'oidc', providerSessionId: await providerSessionId(provider.id, providerSession) },
    now,
  );
  const made =
    create === null
      ? []
      : [
          db.insert(users).values({
            ...{ id: userId, tenantId: tenant.id, email: person.email, name: person.name, role: create.role },
            ...{ createdAt: nowIso, updatedAt: nowIso },
          }),
          trail.entry(db, {
            tenantId: tenant.id,
            action: 'user.create',
            resourceType: 'user',
            resourceId: userId,
            after: { email: person.email, name: person.name, role: create.role, identityProviderId: provider.id },
          }),
        ];
  const linked = isNewIdentity ? linkStatements(db, trail, door, person, userId, nowIso) : [];
  // The person before what refers to them.
  const admitted = await commitGuarded(db, [
    requireThat(db, isOpen(door)),
    ...made,
    requireThat(db, isWelcome(userId, door)),
    ...linked,
    ...session.statements,
  ]);
  return admitted === null ? null : session.opened;
}

export interface LogoutNotice {
  /** The logout token's own id: it counts once. */
  jti: string;
  sub: string | null;
  sid: string | null;
}

export type LogoutResult = { kind: 'replayed' } | { kind: 'ended'; sessionIds: string[] };

/**
 * Ends what a provider's logout names: the sessions of that provider session, or all that this provider opened for that
 * person. The token is noted in the same batch, so that it counts once, and is not spent when the ending fails.
 */
export async function endProviderSessions(
  db: Database,
  trail: AuditTrail,
  { provider, tenant }: ProviderAtTheDoor,
  { jti, sub, sid }: LogoutNotice,
  now: Date,
): Promise<LogoutResult> {
  const nowIso = now.toISOString();
  const jtiHash = await hashToken(jti);
  const named = sid === null ? null : await providerSessionId(provider.id, sid);
  // Of the provider's own: its id and the slash, whatever session follows ('0' comes right after '/').
  const isOfProvider = sql`${sessions.providerSessionId} >= ${`${provider.id}/`}
    and ${sessions.providerSessionId} < ${`${provider.id}0`}`;
  const isOfSubject = sql`${sessions.userId} in (select user_id from user_identities
    where provider_id = ${provider.id} and subject = ${sub})`;
  const [noted, ended] = await db.batch([
    bulk(
      db,
      sql`INSERT INTO idempotency_keys (owner_id, route, key, body_hash, status, created_at)
        VALUES (${provider.id}, 'logout_token', ${jtiHash}, ${jtiHash}, 200, ${nowIso}) ON CONFLICT DO NOTHING`,
    ),
    db
      .update(sessions)
      .set({ endedAt: nowIso, endReason: 'provider_logout' })
      .where(
        and(
          named === null ? isOfProvider : eq(sessions.providerSessionId, named),
          sub === null ? undefined : isOfSubject,
          isNull(sessions.endedAt),
          sql`changes() > 0`,
        ),
      )
      .returning({ id: sessions.id }),
    trail.entry(
      db,
      {
        tenantId: tenant.id,
        action: 'session.end',
        resourceType: 'oidc_provider',
        resourceId: provider.id,
        after: { reason: 'provider_logout' },
      },
      { onlyIfChanged: true },
    ),
  ]);
  if (noted.meta.changes === 0) return { kind: 'replayed' };
  return { kind: 'ended', sessionIds: ended.map((session) => session.id) };
}
