/** What the routes for a tenant's people and those of the operator share: doing it, saying why not, showing who it is. */
import type { User } from '#contracts/users';
import { readScopeOf, tenantScopeOf, userOf } from '../../http/authenticate.ts';
import type { AppContext } from '../../http/context.ts';
import { AppError, notFound } from '../../http/errors.ts';
import { ownTenantOnly, type ReadScope } from '../../http/tenant-scope.ts';
import { mailEntry, sendSoon } from '../../mail/outbox.ts';
import { emailHashOf } from '../auth/lockout.ts';
import { closeSockets } from '../auth/revocation.ts';
import { activatePerson, resetSecondFactor, suspendPerson, type FailedChange } from './change.ts';
import { toUser } from './present.ts';
import type { Refusal } from './rules.ts';
import { readLocks, type PersonRow } from './store.ts';

/** Whose people the caller may see: their own tenant's; the operator every tenant's and the operators, or one tenant's. */
export async function peopleScopeOf(c: AppContext, tenantId?: string): Promise<ReadScope> {
  if (c.get('caller').tenant === null && tenantId === undefined) return readScopeOf(c);
  return ownTenantOnly(await tenantScopeOf(c, tenantId));
}

export async function presentPeople(c: AppContext, rows: readonly PersonRow[]): Promise<User[]> {
  const hashes = await Promise.all(rows.map(({ email }) => emailHashOf(c.env, email)));
  const locks = await readLocks(c.get('db'), hashes, c.get('now'));
  return rows.map((row, at) => toUser(row, locks.get(hashes[at] ?? '') ?? null));
}

export async function presentPerson(c: AppContext, row: PersonRow): Promise<User> {
  const [user] = await presentPeople(c, [row]);
  if (user === undefined) throw new Error('one row is one person');
  return user;
}

/** Throws what a rule has found. */
export function requireAllowed(...refusals: (Refusal | null)[]): void {
  for (const refusal of refusals) {
    switch (refusal?.kind) {
      case undefined:
        continue;
      case 'unknown_role':
        throw new AppError('VALIDATION_FAILED', `role: must be one of ${refusal.allowed.join(', ')}.`, {
          details: { issues: [{ path: 'role', message: `must be one of ${refusal.allowed.join(', ')}` }] },
        });
      case 'holds_less':
        throw new AppError('FORBIDDEN', `This needs the permission ${refusal.required}.`, {
          details: { required: refusal.required },
        });
      case 'oneself':
        throw new AppError(
          'CONFLICT',
          'Nobody suspends, deletes or changes the role of themselves, or resets their own two-step sign-in. Ask another administrator.',
        );
    }
  }
}

const failed = {
  gone: () => notFound('user'),
  stale: () => new AppError('CONFLICT', 'It has been changed at the same moment. Read it again.'),
  last_administrator: () =>
    new AppError(
      'CONFLICT',
      'This is the last administrator: nobody would be left to manage people. Name another first.',
    ),
} as const;

/** What a change has led to, or the error that says why it was not made. */
export function requireDone<T extends { kind: 'changed' | 'unchanged' }>(result: T | FailedChange): T {
  if (isFailed(result)) throw failed[result.kind]();
  return result;
}
const isFailed = (result: { kind: string }): result is FailedChange => result.kind in failed;

/**
 * Closes what a person has open. Ended sessions are named one by one as well: a room remembers those, so that a ticket
 * asked for a moment earlier opens nothing.
 */
export const closeSocketsOf = (
  c: AppContext,
  { id, tenantId }: PersonRow,
  endedSessionIds: readonly string[] = [],
): Promise<void> => closeSockets(c.env, tenantId, { userIds: [id], endedSessionIds });

/** Suspends and shuts every live socket; see suspendPerson. */
export async function suspend(
  c: AppContext,
  scope: ReadScope,
  person: PersonRow,
  { mayBeLast }: { mayBeLast: boolean },
): Promise<User> {
  const result = await suspendPerson(scope, c.get('db'), c.get('audit'), person, { now: c.get('now'), mayBeLast });
  const { row, endedSessionIds } = requireDone(result);
  // Asked for again it closes again: the first time may not have reached the room.
  await closeSocketsOf(c, row, endedSessionIds);
  return presentPerson(c, row);
}

/** Lets in again; see activatePerson. */
export async function activate(c: AppContext, scope: ReadScope, person: PersonRow): Promise<User> {
  const emailHash = await emailHashOf(c.env, person.email);
  const result = await activatePerson(scope, c.get('db'), c.get('audit'), person, { now: c.get('now'), emailHash });
  return presentPerson(c, requireDone(result).row);
}

const dayMs = 86_400_000;

/** Takes a second factor away and tells its owner; see resetSecondFactor. */
export async function resetMfa(c: AppContext, scope: ReadScope, person: PersonRow): Promise<void> {
  const db = c.get('db');
  const now = c.get('now');
  const { tenantId, email: to, name } = person;
  const data = { name, enabled: false, at: now, ip: null, by: userOf(c).name };
  const expiresAt = new Date(now.getTime() + dayMs);
  const message = { tenantId, to, template: 'mfa_changed', data, expiresAt } as const;
  const mail = await mailEntry(c.env, db, message, now, { onlyIfChanged: true });
  const result = requireDone(await resetSecondFactor(scope, db, c.get('audit'), person, { now, mail }));
  if (result.kind === 'unchanged') throw new AppError('CONFLICT', 'Two-step sign-in is not on.');
  sendSoon(c);
  await closeSocketsOf(c, person, result.endedSessionIds);
}
