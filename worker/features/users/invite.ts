/** Asking somebody in: what is written together when a person is invited, or entered by an administrator. */
import { sql } from 'drizzle-orm';
import { invitationDays } from '#contracts/auth';
import type { Role } from '#contracts/roles';
import type { AuditTrail } from '../../audit/trail.ts';
import { bulk } from '../../db/batch.ts';
import type { Database } from '../../db/client.ts';
import { commitGuarded, isTaken, requireThat } from '../../db/guard.ts';
import { invitations, users } from '../../db/schema/index.ts';
import type { Env } from '../../env.ts';
import { AppError } from '../../http/errors.ts';
import type { TenantScope } from '../../http/tenant-scope.ts';
import { hashToken, newOpaqueToken } from '../../http/tokens.ts';
import { newId } from '../../ids.ts';
import { dayMs, hasRoom, hourMs, noRoom, type MailLimit } from '../../mail/limits.ts';
import { linkTo, mailEntry } from '../../mail/outbox.ts';
import { hashPassword } from '../auth/passwords.ts';
import { revokeOpen, type InvitationRow } from './invitations-store.ts';
import { roleInWords } from './rules.ts';

/** A greeting is stale after this, like the link of an invitation. */
const mailDays = invitationDays;

const mailsPerAddressAndHour = 3;
const mailsPerTenantAndDay = 100;

/** An invitation is one mail, whatever became of it since. */
const invitationLimits = (tenantId: string, email: string): MailLimit[] => [
  {
    ...{ most: mailsPerAddressAndHour, withinMs: hourMs },
    rows: sql`FROM invitations WHERE tenant_id = ${tenantId} AND email = ${email}`,
  },
  { ...{ most: mailsPerTenantAndDay, withinMs: dayMs }, rows: sql`FROM invitations WHERE tenant_id = ${tenantId}` },
];

/** Somebody who is entered may be greeted, deleted and entered again; they themselves are in the list already. */
const greetingLimits = (tenantId: string, email: string): MailLimit[] => [
  {
    ...{ most: mailsPerAddressAndHour + 1, withinMs: hourMs },
    rows: sql`FROM users WHERE tenant_id = ${tenantId} AND email = ${email}`,
  },
  { ...{ most: mailsPerTenantAndDay + 1, withinMs: dayMs }, rows: sql`FROM users WHERE tenant_id = ${tenantId}` },
];

export interface InvitationToWrite {
  tenant: { id: string; name: string };
  email: string;
  role: Role;
  /** Somebody who is on the list already. */
  userId: string | null;
  inviter: { id: string; name: string };
}

/**
 * The invitation with its statements, to go into the batch of whatever else happens. An open one of the same address must
 * have been revoked before them.
 * @unscoped the tenant may be made in the same batch; the caller holds its scope, or is the operator
 */
export async function invitationStatements(
  env: Env,
  db: Database,
  trail: AuditTrail,
  { tenant, email, role, userId, inviter }: InvitationToWrite,
  now: Date,
) {
  const token = newOpaqueToken('inv_');
  const expiresAt = new Date(now.getTime() + invitationDays * dayMs);
  const row: InvitationRow = {
    id: newId(now.getTime()),
    tenantId: tenant.id,
    email,
    role,
    userId,
    tokenHash: await hashToken(token),
    invitedBy: inviter.id,
    createdAt: now.toISOString(),
    expiresAt: expiresAt.toISOString(),
    acceptedAt: null,
    revokedAt: null,
  };
  const mail = await mailEntry(
    env,
    db,
    {
      tenantId: tenant.id,
      to: email,
      template: 'invitation',
      data: {
        inviterName: inviter.name,
        tenantName: tenant.name,
        roleName: roleInWords(role),
        link: linkTo(env, '/accept-invitation', { token }),
      },
      expiresAt,
    },
    now,
  );
  const entry = trail.entry(db, {
    tenantId: tenant.id,
    action: 'invitation.create',
    resourceType: 'invitation',
    resourceId: row.id,
    after: { email, role, userId, expiresAt: row.expiresAt },
  });
  return { row, statements: [db.insert(invitations).values(row), entry, mail] as const };
}

/** Mails an invitation; an open one of the same address is replaced. RATE_LIMITED, and nothing written, after too many. */
export async function invite(
  scope: TenantScope,
  env: Env,
  db: Database,
  trail: AuditTrail,
  invitation: InvitationToWrite,
  now: Date,
): Promise<InvitationRow> {
  const { row, statements } = await invitationStatements(env, db, trail, invitation, now);
  const limits = invitationLimits(scope.tenantId, invitation.email);
  const written = await commitGuarded(db, [
    requireThat(db, hasRoom(limits, now)),
    revokeOpen(scope, db, invitation.email, now),
    ...statements,
  ]);
  if (written === null) throw await noRoom(db, limits, now);
  return row;
}

/**
 * Enters somebody. With a password they may sign in at once and are greeted, unless there were many greetings lately;
 * without one they are mailed an invitation, or it is RATE_LIMITED. CONFLICT when the address is taken by the time of the
 * write. Answers the new id.
 */
export async function createPerson(
  scope: TenantScope,
  env: Env,
  db: Database,
  trail: AuditTrail,
  input: {
    tenant: { id: string; name: string };
    email: string;
    name: string;
    role: Role;
    password: string | undefined;
    inviter: { id: string; name: string };
  },
  now: Date,
): Promise<string> {
  const { tenant, email, name, role, password, inviter } = input;
  const id = newId(now.getTime());
  const at = now.toISOString();
  const passwordHash = password === undefined ? null : await hashPassword(password);
  const user = db
    .insert(users)
    .values({ id, tenantId: tenant.id, email, name, role, passwordHash, createdAt: at, updatedAt: at });
  const entry = trail.entry(db, {
    tenantId: tenant.id,
    action: 'user.create',
    resourceType: 'user',
    resourceId: id,
    after: { email, name, role, isInvited: password === undefined },
  });
  const revoked = revokeOpen(scope, db, email, now);
  try {
    if (password === undefined) {
      const invitation = { tenant, email, role, userId: id, inviter };
      const { statements } = await invitationStatements(env, db, trail, invitation, now);
      const limits = invitationLimits(tenant.id, email);
      const room = requireThat(db, hasRoom(limits, now));
      const written = await commitGuarded(db, [room, user, entry, revoked, ...statements]);
      if (written === null) throw await noRoom(db, limits, now);
    } else {
      const expiresAt = new Date(now.getTime() + mailDays * dayMs);
      const data = { name, tenantName: tenant.name, link: linkTo(env, '/sign-in') };
      const greeting = { tenantId: tenant.id, to: email, template: 'welcome', data, expiresAt } as const;
      const room = hasRoom(greetingLimits(tenant.id, email), now);
      const ifRoom = bulk(db, sql`UPDATE users SET updated_at = updated_at WHERE id = ${id} AND ${room}`);
      const mail = await mailEntry(env, db, greeting, now, { onlyIfChanged: true });
      await db.batch([user, entry, revoked, ifRoom, mail]);
    }
  } catch (cause) {
    if (isTaken(cause, 'users.email')) throw addressInUse(cause);
    throw cause;
  }
  return id;
}

/** Says nothing of where: an administrator of one tenant must not learn who is in another. */
export const addressInUse = (cause?: unknown): AppError =>
  new AppError('CONFLICT', 'This e-mail address is in use already.', { cause });
