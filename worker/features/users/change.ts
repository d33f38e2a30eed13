/**
 * Changing people. Each change is one batch with its audit entry, and its condition stands in its statement: of two
 * administrators who suspend each other at the same moment the second finds that the first was the last.
 */
import { and, eq, gt, isNotNull, isNull, sql, type SQL } from 'drizzle-orm';
import type { Role } from '#contracts/roles';
import type { AuditTrail } from '../../audit/trail.ts';
import type { Database } from '../../db/client.ts';
import {
  invitations,
  passwordResets,
  recoveryCodes,
  signInFailures,
  userIdentities,
  users,
  vehicles,
} from '../../db/schema/index.ts';
import { idsIn } from '../../db/scoped.ts';
import type { ReadScope } from '../../http/tenant-scope.ts';
import type { MailEntry } from '../../mail/outbox.ts';
import { endSessionsOf } from '../auth/revocation.ts';
import { noSecondFactor } from '../auth/second-factor.ts';
import { bumpChangeCounter } from '../live/publish.ts';
import { managingRoles } from './rules.ts';
import { getPerson, personColumns, visiblePeople, type PersonRow } from './store.ts';

/** Why a change was not made. */
export interface FailedChange {
  kind: 'last_administrator' | 'stale' | 'gone';
}
/** What became of a change. `unchanged`: it was so already. */
export type ChangeResult =
  | {
      kind: 'changed' | 'unchanged';
      row: PersonRow;
      /** Sessions that it has ended. */
      endedSessionIds?: string[];
    }
  | FailedChange;

const managing = sql.raw(`(${managingRoles.map((role) => `'${role}'`).join(', ')})`);

/** Somebody who has a way in: a password, an identity provider, or a session that lives. */
const canSignIn = (person: 'users' | 'o'): SQL =>
  sql.raw(`(${person}.password_hash is not null
    or exists (select 1 from user_identities i where i.user_id = ${person}.id)
    or exists (select 1 from sessions s where s.user_id = ${person}.id and s.ended_at is null))`);

/** True while somebody else could still manage the tenant's people; or while this person never could. */
function leavesAnAdministrator({ tenantId }: PersonRow): SQL {
  const sameTenant = tenantId === null ? sql`o.tenant_id is null` : sql`o.tenant_id = ${tenantId}`;
  return sql`(users.role not in ${managing} or users.is_deactivated = 1 or not ${canSignIn('users')} or exists (
    select 1 from users o where ${sameTenant} and o.id <> users.id and o.role in ${managing}
      and o.is_deactivated = 0 and o.deleted_at is null and ${canSignIn('o')}))`;
}

/** The row as the rules have judged it, still. */
const asJudged = (scope: ReadScope, person: PersonRow): SQL | undefined =>
  and(eq(users.id, person.id), eq(users.role, person.role), visiblePeople(scope));

/** Why a statement changed nothing. */
async function explain(
  scope: ReadScope,
  db: Database,
  person: PersonRow,
  isSoAlready: (row: PersonRow) => boolean,
): Promise<ChangeResult> {
  const row = await getPerson(scope, db, person.id);
  if (row === null) return { kind: 'gone' };
  if (isSoAlready(row)) return { kind: 'unchanged', row };
  const mayBeLast = row.role === person.role && managingRoles.includes(row.role);
  return { kind: mayBeLast ? 'last_administrator' : 'stale' };
}

const entryFor = (person: PersonRow, action: string) => ({
  tenantId: person.tenantId,
  action,
  resourceType: 'user',
  resourceId: person.id,
});

/** Name and role. With `unchangedSince` nothing is written over a state that the client has not seen. */
export async function updatePerson(
  scope: ReadScope,
  db: Database,
  trail: AuditTrail,
  person: PersonRow,
  input: { name: string; role: Role },
  { now, unchangedSince }: { now: Date; unchangedSince: string | null },
): Promise<ChangeResult> {
  const { name, role } = input;
  if (name === person.name && role === person.role) return { kind: 'unchanged', row: person };
  const at = now.toISOString();
  const demotes = managingRoles.includes(person.role) && !managingRoles.includes(role);
  const [changed, , [row]] = await db.batch([
    db
      .update(users)
      .set({ name, role, updatedAt: at, ...(role === person.role ? {} : { accessChangedAt: at }) })
      .where(
        and(
          asJudged(scope, person),
          demotes ? leavesAnAdministrator(person) : undefined,
          unchangedSince === null ? undefined : eq(users.updatedAt, unchangedSince),
        ),
      )
      .returning({ id: users.id }),
    trail.entry(
      db,
      {
        ...entryFor(person, 'user.update'),
        before: { name: person.name, role: person.role },
        after: { name, role },
      },
      { onlyIfChanged: true },
    ),
    db
      .select(personColumns)
      .from(users)
      .where(and(eq(users.id, person.id), visiblePeople(scope))),
  ]);
  if (changed.length > 0 && row !== undefined) return { kind: 'changed', row };
  if (row === undefined) return { kind: 'gone' };
  const isStale = row.role !== person.role || (unchangedSince !== null && row.updatedAt !== unchangedSince);
  return { kind: isStale ? 'stale' : 'last_administrator' };
}

/**
 * Ends every session and keeps new ones from beginning. `mayBeLast` is the operator's: they can let the person in again,
 * which a tenant without administrators cannot.
 */
export async function suspendPerson(
  scope: ReadScope,
  db: Database,
  trail: AuditTrail,
  person: PersonRow,
  { now, mayBeLast = false }: { now: Date; mayBeLast?: boolean },
): Promise<ChangeResult> {
  const [changed, , ended] = await db.batch([
    db
      .update(users)
      .set({ isDeactivated: true, updatedAt: now.toISOString() })
      .where(
        and(
          asJudged(scope, person),
          eq(users.isDeactivated, false),
          mayBeLast ? undefined : leavesAnAdministrator(person),
        ),
      )
      .returning({ id: users.id }),
    trail.entry(
      db,
      { ...entryFor(person, 'user.suspend'), before: { isDeactivated: false }, after: { isDeactivated: true } },
      { onlyIfChanged: true },
    ),
    endSessionsOf(db, person.id, 'suspended', now, {
      onlyIf: sql`exists (select 1 from users u where u.id = ${person.id} and u.is_deactivated = 1)`,
    }),
  ]);
  if (changed.length === 0) return explain(scope, db, person, (row) => row.isDeactivated);
  const result = await afterwards(scope, db, person);
  return 'row' in result ? { ...result, endedSessionIds: ended.map((session) => session.id) } : result;
}

/** Lets somebody in again: ends a suspension, and opens an address that wrong passwords have shut. */
export async function activatePerson(
  scope: ReadScope,
  db: Database,
  trail: AuditTrail,
  person: PersonRow,
  { now, emailHash }: { now: Date; emailHash: string },
): Promise<ChangeResult> {
  const [activated, , unlocked] = await db.batch([
    db
      .update(users)
      .set({ isDeactivated: false, updatedAt: now.toISOString() })
      .where(and(asJudged(scope, person), eq(users.isDeactivated, true)))
      .returning({ id: users.id }),
    trail.entry(
      db,
      { ...entryFor(person, 'user.activate'), before: { isDeactivated: true }, after: { isDeactivated: false } },
      { onlyIfChanged: true },
    ),
    db
      .delete(signInFailures)
      .where(and(eq(signInFailures.emailHash, emailHash), gt(signInFailures.lockedUntil, now.toISOString())))
      .returning({ failedSignIns: signInFailures.failedSignIns }),
    trail.entry(db, entryFor(person, 'user.unlock'), { onlyIfChanged: true }),
  ]);
  if (activated.length + unlocked.length === 0) {
    return explain(scope, db, person, (row) => !row.isDeactivated);
  }
  return afterwards(scope, db, person);
}

async function afterwards(scope: ReadScope, db: Database, person: PersonRow): Promise<ChangeResult> {
  const row = await getPerson(scope, db, person.id);
  return row === null ? { kind: 'gone' } : { kind: 'changed', row };
}

/**
 * Takes away the second factor of somebody who has lost it, whoever set it up: every session ends, and the password alone
 * lets in again. `mail` tells them.
 */
export async function resetSecondFactor(
  scope: ReadScope,
  db: Database,
  trail: AuditTrail,
  person: PersonRow,
  { now, mail }: { now: Date; mail: MailEntry },
): Promise<ChangeResult> {
  const [changed, , , ended] = await db.batch([
    db
      .update(users)
      .set({ ...noSecondFactor, updatedAt: now.toISOString() })
      .where(and(asJudged(scope, person), isNotNull(users.mfaEnabledAt)))
      .returning({ id: users.id }),
    trail.entry(db, entryFor(person, 'mfa.reset'), { onlyIfChanged: true }),
    mail,
    endSessionsOf(db, person.id, 'mfa_changed', now, { onlyIf: sql`changes() > 0` }),
    // Without a factor nobody needs them, whoever took it away.
    db
      .delete(recoveryCodes)
      .where(
        and(
          eq(recoveryCodes.userId, person.id),
          sql`exists (select 1 from users u where u.id = ${person.id} and u.mfa_enabled_at is null)`,
        ),
      ),
  ]);
  if (changed.length === 0) return explain(scope, db, person, (row) => row.mfaEnabledAt === null);
  const result = await afterwards(scope, db, person);
  return 'row' in result ? { ...result, endedSessionIds: ended.map((session) => session.id) } : result;
}

/** Somebody is gone; with the vehicles that rooms must be told of. */
export interface DeletedPerson {
  kind: 'changed';
  endedSessionIds: string[];
  counters: number[];
  freedVehicleIds: string[];
}

/**
 * Somebody leaves. What they did keeps their id; their secrets and ways in are gone, their trucks have no driver, and the
 * address is free again.
 */
export async function deletePerson(
  scope: ReadScope,
  db: Database,
  trail: AuditTrail,
  person: PersonRow,
  now: Date,
): Promise<DeletedPerson | FailedChange> {
  const at = now.toISOString();
  const { email, name, role, isDeactivated } = person;
  const gone = sql`exists (select 1 from users u where u.id = ${person.id} and u.deleted_at is not null)`;
  const theirs = and(eq(vehicles.assignedDriverId, person.id), isNotNull(vehicles.assignedDriverId));
  const assignedVehicleIds = (await db.select({ id: vehicles.id }).from(vehicles).where(theirs)).map(({ id }) => id);
  // The entry names every truck that loses its driver: one that was given to them a moment ago makes this stale.
  const areAllKnown = sql`not exists (select 1 from vehicles v where v.assigned_driver_id = ${person.id}
    and v.id not in ${idsIn(assignedVehicleIds)})`;
  const [deleted, , ended, freed, counted] = await db.batch([
    db
      .update(users)
      .set({ ...noSecondFactor, deletedAt: at, updatedAt: at, passwordHash: null })
      .where(and(asJudged(scope, person), leavesAnAdministrator(person), areAllKnown))
      .returning({ id: users.id }),
    trail.entry(
      db,
      { ...entryFor(person, 'user.delete'), before: { email, name, role, isDeactivated, assignedVehicleIds } },
      { onlyIfChanged: true },
    ),
    endSessionsOf(db, person.id, 'user_deleted', now, { onlyIf: gone }),
    db
      .update(vehicles)
      .set({ assignedDriverId: null, updatedAt: at })
      .where(and(theirs, gone))
      .returning({ id: vehicles.id }),
    bumpChangeCounter(db, person.tenantId ?? '', sql`changes() > 0`),
    db
      .update(invitations)
      .set({ revokedAt: at })
      .where(
        and(eq(invitations.userId, person.id), isNull(invitations.acceptedAt), isNull(invitations.revokedAt), gone),
      ),
    db
      .update(passwordResets)
      .set({ usedAt: at })
      .where(and(eq(passwordResets.userId, person.id), isNull(passwordResets.usedAt), gone)),
    db.delete(userIdentities).where(and(eq(userIdentities.userId, person.id), gone)),
    db.delete(recoveryCodes).where(and(eq(recoveryCodes.userId, person.id), gone)),
  ]);
  if (deleted.length === 0) {
    const reason = await explain(scope, db, person, () => false);
    return 'row' in reason ? { kind: 'stale' } : reason;
  }
  return {
    kind: 'changed',
    endedSessionIds: ended.map((session) => session.id),
    counters: counted.map((row) => row.counter),
    freedVehicleIds: freed.map((vehicle) => vehicle.id),
  };
}
