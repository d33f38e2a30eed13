/** People as their administrators see them. Deleted people exist for nobody. */
import { and, asc, desc, eq, gt, isNull, or, sql, type SQL } from 'drizzle-orm';
import type { TenantKind } from '#contracts/tenants';
import type { UserListQuery } from '#contracts/users';
import type { Database } from '../../db/client.ts';
import { signInFailures, tenants, users } from '../../db/schema/index.ts';
import { idsIn, inTenants } from '../../db/scoped.ts';
import { pageWindow } from '../../http/routes.ts';
import type { ReadScope, TenantScope } from '../../http/tenant-scope.ts';

/** Column names are written out: drizzle drops the table's name in a select of one table. */
const knownToProvider = sql<number>`exists (select 1 from user_identities i where i.user_id = users.id)`;
const lastSeen = sql<string | null>`(select max(s.last_used_at) from sessions s where s.user_id = users.id)`;

export const personColumns = {
  id: users.id,
  tenantId: users.tenantId,
  email: users.email,
  name: users.name,
  role: users.role,
  isDeactivated: users.isDeactivated,
  mfaEnabledAt: users.mfaEnabledAt,
  createdAt: users.createdAt,
  updatedAt: users.updatedAt,
  hasPassword: sql<number>`users.password_hash is not null`,
  isKnownToProvider: knownToProvider,
  lastSeenAt: lastSeen,
};

/** A person without any secret of theirs. */
export interface PersonRow {
  id: string;
  tenantId: string | null;
  email: string;
  name: string;
  role: typeof users.$inferSelect.role;
  isDeactivated: boolean;
  mfaEnabledAt: string | null;
  createdAt: string;
  updatedAt: string;
  hasPassword: number;
  isKnownToProvider: number;
  lastSeenAt: string | null;
}

/** The operator who has not chosen a tenant also sees the operators, who belong to none. */
const seesOperators = (scope: ReadScope): boolean => scope.ownTenantId === null && !('tenantId' in scope);

/** People that exist for the caller. Links open no people: the scope is one tenant, or the operator's. */
export function visiblePeople(scope: ReadScope): SQL | undefined {
  const ofTenants = inTenants(users.tenantId, scope);
  return and(isNull(users.deletedAt), seesOperators(scope) ? or(ofTenants, isNull(users.tenantId)) : ofTenants);
}

/** One page of people by name, and how many there are. */
export async function listPeople(
  scope: ReadScope,
  db: Database,
  query: UserListQuery,
): Promise<{ rows: PersonRow[]; total: number }> {
  const text = query.q?.toLowerCase();
  const where = and(
    visiblePeople(scope),
    query.role === undefined ? undefined : eq(users.role, query.role),
    text === undefined
      ? undefined
      : or(sql`instr(lower(${users.name}), ${text}) > 0`, sql`instr(${users.email}, ${text}) > 0`),
  );
  const { limit, offset } = pageWindow(query);
  const [rows, [count]] = await db.batch([
    db
      .select(personColumns)
      .from(users)
      .where(where)
      .orderBy(sql`lower(${users.name})`, asc(users.id))
      .limit(limit)
      .offset(offset),
    db
      .select({ total: sql<number>`count(*)` })
      .from(users)
      .where(where),
  ]);
  return { rows, total: count?.total ?? 0 };
}

export async function getPerson(scope: ReadScope, db: Database, userId: string): Promise<PersonRow | null> {
  const [row] = await db
    .select(personColumns)
    .from(users)
    .where(and(eq(users.id, userId), visiblePeople(scope)));
  return row ?? null;
}

/** Whether anybody, anywhere, signs in with this address; and who, if it is somebody of the scope's own tenant. */
export async function findAddress(
  scope: TenantScope,
  db: Database,
  email: string,
): Promise<{ isTaken: boolean; own: PersonRow | null }> {
  const [row] = await db
    .select(personColumns)
    .from(users)
    .where(and(eq(users.email, email), isNull(users.deletedAt)));
  return { isTaken: row !== undefined, own: row?.tenantId === scope.tenantId ? row : null };
}

/** The tenant whose people they are. */
export async function getHome(scope: TenantScope, db: Database): Promise<typeof tenants.$inferSelect | null> {
  const [row] = await db.select().from(tenants).where(eq(tenants.id, scope.tenantId));
  return row ?? null;
}

/** The kind of tenant a person (already found visible) belongs to; null for an operator. */
export async function homeOf(scope: ReadScope, db: Database, person: PersonRow): Promise<TenantKind | null> {
  if (person.tenantId === null) return null;
  const [row] = await db
    .select({ kind: tenants.kind })
    .from(tenants)
    .where(and(eq(tenants.id, person.tenantId), inTenants(tenants.id, scope)));
  return row?.kind ?? null;
}

/**
 * Until when addresses are shut, by their hash; open ones are absent.
 * @unscoped the hashes are those of people that a scope has been asked for, and name no tenant
 */
export async function readLocks(db: Database, emailHashes: readonly string[], now: Date): Promise<Map<string, string>> {
  const rows = await db
    .select({ emailHash: signInFailures.emailHash, lockedUntil: signInFailures.lockedUntil })
    .from(signInFailures)
    .where(
      and(sql`${signInFailures.emailHash} in ${idsIn(emailHashes)}`, gt(signInFailures.lockedUntil, now.toISOString())),
    )
    .orderBy(desc(signInFailures.lockedUntil));
  return new Map(rows.flatMap((row) => (row.lockedUntil === null ? [] : [[row.emailHash, row.lockedUntil]])));
}
