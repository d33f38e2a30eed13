/** The audit log in D1: reading it. Only worker/audit writes it. */
import { and, asc, desc, eq, gte, lt, lte, sql } from 'drizzle-orm';
import type { AuditListQuery } from '#contracts/audit';
import { platformChain } from '../../audit/trail.ts';
import type { Database } from '../../db/client.ts';
import { auditLog } from '../../db/schema/index.ts';
import { idsIn } from '../../db/scoped.ts';
import type { ReadScope } from '../../http/tenant-scope.ts';

export type AuditLogRow = typeof auditLog.$inferSelect;

/** A scope that reads one chain: the own tenant's or, for the operator, the one that `tenantId` names. */
const oneChain = (scope: ReadScope, tenantId: string | undefined): string | null =>
  scope.ownTenantId ?? tenantId ?? null;

/** The chain to verify: the operator who names no tenant means the platform's. */
export const chainToVerify = (scope: ReadScope, tenantId: string | undefined): string =>
  oneChain(scope, tenantId) ?? platformChain;

/** The chain to list; null for all of them. */
export const chainToList = oneChain;

const defaultLimit = 20;
const seqPattern = /^\d{1,15}$/;
const idPattern = /^[0-9a-f-]{36}$/;
/** After every id and every number: the first page is read like the others, by the index. */
const afterAllIds = 'g';
const afterAllNumbers = Number.MAX_SAFE_INTEGER;

export interface AuditPage {
  rows: AuditLogRow[];
  nextCursor: string | null;
}

/**
 * Newest first. Within one chain the cursor is the last number shown, so that entries which are added meanwhile move
 * nothing; over all chains it is the last id, whose order is that of time. null when the cursor is neither.
 */
export async function listEntries(scope: ReadScope, db: Database, query: AuditListQuery): Promise<AuditPage | null> {
  const { cursor, limit = defaultLimit } = query;
  const chain = oneChain(scope, query.tenantId);
  if (cursor !== undefined && !(chain === null ? idPattern : seqPattern).test(cursor)) return null;
  const before =
    chain === null
      ? lt(auditLog.id, cursor ?? afterAllIds)
      : and(eq(auditLog.chain, chain), lt(auditLog.seq, cursor === undefined ? afterAllNumbers : Number(cursor)));
  const rows = await db
    .select()
    .from(auditLog)
    .where(
      and(
        before,
        query.actorId === undefined ? undefined : eq(auditLog.actorId, query.actorId),
        query.action === undefined ? undefined : eq(auditLog.action, query.action),
        query.outcome === undefined ? undefined : eq(auditLog.outcome, query.outcome),
        query.from === undefined ? undefined : gte(auditLog.at, query.from),
        query.to === undefined ? undefined : lte(auditLog.at, query.to),
      ),
    )
    .orderBy(chain === null ? desc(auditLog.id) : desc(auditLog.seq))
    .limit(limit + 1);
  const shown = rows.slice(0, limit);
  const last = rows.length > limit ? shown.at(-1) : undefined;
  return { rows: shown, nextCursor: last === undefined ? null : chain === null ? last.id : String(last.seq) };
}

/**
 * What the actors of these entries are called now. Of somebody from outside the tenant (a dealer's person, the operator)
 * the tenant learns the organisation, not the person.
 */
export async function namesOfActors(
  scope: ReadScope,
  db: Database,
  rows: readonly AuditLogRow[],
): Promise<Map<string, string>> {
  const ids = [...new Set(rows.flatMap(({ actorId }) => (actorId === null ? [] : [actorId])))];
  if (ids.length === 0) return new Map();
  const isOwn = (column: string) =>
    scope.ownTenantId === null ? sql`1` : sql`${sql.raw(column)} = ${scope.ownTenantId}`;
  const named = await db.all<{ id: string; name: string }>(sql`
    SELECT u.id AS id, CASE WHEN ${isOwn('u.tenant_id')} THEN u.name || ' (' || u.email || ')'
        ELSE coalesce(t.name, 'Platform operator') END AS name
      FROM users u LEFT JOIN tenants t ON t.id = u.tenant_id WHERE u.id IN ${idsIn(ids)}
    UNION ALL
    SELECT k.id, CASE WHEN ${isOwn('k.tenant_id')} THEN k.name ELSE t.name END
      FROM api_keys k JOIN tenants t ON t.id = k.tenant_id WHERE k.id IN ${idsIn(ids)}
    UNION ALL
    SELECT d.id, CASE WHEN ${isOwn('d.tenant_id')} THEN d.name ELSE t.name END
      FROM displays d JOIN tenants t ON t.id = d.tenant_id WHERE d.id IN ${idsIn(ids)}`);
  return new Map(named.map(({ id, name }) => [id, name]));
}

/** A stretch of one chain in the order of its numbers, from number `from` on; null: from its very first row. */
export async function readChain(
  scope: ReadScope,
  db: Database,
  { tenantId, from, limit }: { tenantId: string | undefined; from: number | null; limit: number },
): Promise<AuditLogRow[]> {
  return db
    .select()
    .from(auditLog)
    .where(
      // Numbers below 1 are nobody's: whoever wrote one in must not escape by it.
      and(eq(auditLog.chain, chainToVerify(scope, tenantId)), gte(auditLog.seq, from ?? Number.MIN_SAFE_INTEGER)),
    )
    .orderBy(asc(auditLog.seq))
    .limit(limit);
}

/** The last entry of one chain; null while it is empty. */
export async function readLogHead(
  scope: ReadScope,
  db: Database,
  tenantId: string | undefined,
): Promise<{ seq: number; hash: string } | null> {
  const [head] = await db
    .select({ seq: auditLog.seq, hash: auditLog.hash })
    .from(auditLog)
    .where(eq(auditLog.chain, chainToVerify(scope, tenantId)))
    .orderBy(desc(auditLog.seq))
    .limit(1);
  return head ?? null;
}
