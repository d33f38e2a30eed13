/** People with a password, for tests of signing in; and what the audit log says of them. */
import { and, asc, eq, isNull } from 'drizzle-orm';
import { signInResultSchema, type SignInResult } from '#contracts/auth';
import type { Role } from '#contracts/roles';
import { auditLog, auditOutbox, sessions, users } from '#worker/db/schema/index';
import { hashPassword } from '#worker/features/auth/passwords';
import { call, db, person, tenant, type Answer, type TestPerson, type TestTenant } from './harness.ts';

export const password = 'Right-Word-2026!';
/** Hashed once: it takes its time by design. */
let hashed: Promise<string> | undefined;

export interface TestAccount extends TestPerson {
  of: TestTenant | null;
}

/** Somebody of a tenant of their own who can sign in with `password`. */
export async function account({
  settings = {},
  role = 'fleet_admin',
  of,
}: { settings?: object; role?: Role; of?: TestTenant | null } = {}): Promise<TestAccount> {
  hashed ??= hashPassword(password);
  const owner = of === undefined ? await tenant('fleet', settings) : of;
  return { ...(await person(owner, role, { passwordHash: await hashed })), of: owner };
}

export const signIn = (email: string, word = password, more: object = {}): Promise<Answer> =>
  call('POST', '/auth/login', { body: { email, password: word, ...more } });

/** Signs in and answers what came back; fails the test when it was refused. */
export async function signedIn(email: string, more: object = {}): Promise<SignInResult & { refreshToken: string }> {
  const answer = await signIn(email, password, more);
  const result = signInResultSchema.parse(answer.body.data);
  return { ...result, refreshToken: result.refreshToken ?? '' };
}

/** Ends a session behind everybody's back: in D1 alone. */
export const endSession = (sessionId: string, reason: NonNullable<(typeof sessions.$inferSelect)['endReason']>) =>
  db
    .update(sessions)
    .set({ endedAt: new Date().toISOString(), endReason: reason })
    .where(and(eq(sessions.id, sessionId), isNull(sessions.endedAt)));

export const userRow = async (userId: string) => {
  const [row] = await db.select().from(users).where(eq(users.id, userId));
  if (row === undefined) throw new Error('no such user');
  return row;
};

/** Entries of a tenant's chain (or `platform`), chained or still waiting, as `action outcome reason`. */
export async function auditOf(chain: string): Promise<string[]> {
  const columns = (table: typeof auditLog | typeof auditOutbox) => ({
    id: table.id,
    action: table.action,
    outcome: table.outcome,
    after: table.after,
  });
  const [chained, waiting] = await db.batch([
    db.select(columns(auditLog)).from(auditLog).where(eq(auditLog.chain, chain)).orderBy(asc(auditLog.seq)),
    db.select(columns(auditOutbox)).from(auditOutbox).where(eq(auditOutbox.chain, chain)).orderBy(asc(auditOutbox.id)),
  ]);
  const seen = new Map([...chained, ...waiting].map((row) => [row.id, row]));
  return [...seen.values()]
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .map(({ action, outcome, after }) => {
      const reason = after === null ? undefined : (JSON.parse(after) as { reason?: string }).reason;
      return [action, outcome, ...(reason === undefined ? [] : [reason])].join(' ');
    });
}
