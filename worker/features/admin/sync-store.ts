/**
 * The sync of many tenants at once: a fixed number of statements, however many tenants a page has.
 * @unscoped the operator's: every route of it asks for admin:manage
 */
import { asc, eq, sql } from 'drizzle-orm';
import { z } from 'zod';
import type { TenantSyncStatus } from '#contracts/admin';
import type { Database } from '../../db/client.ts';
import { syncCredentials, syncRuns, tenants } from '../../db/schema/index.ts';
import { idsIn } from '../../db/scoped.ts';
import { pageWindow } from '../../http/routes.ts';
import { toProviderOption, type SyncCredentialsRow } from '../sync/credentials-store.ts';
import { toSyncRun } from '../sync/present.ts';
import { chooseProvider } from '../sync/provider.ts';
import { describeSync, failuresCountedTo } from './rules.ts';

/** As in the tenant's own status: one truck whose page keeps failing does not make a run bad; a half-empty list does. */
const good = `(r.status = 'succeeded' or (r.status = 'partial' and r.error_code is not 'SUSPICIOUS_RESULT'))`;

interface History {
  tenantId: string;
  lastSucceededAt: string | null;
  isRunning: number;
  failures: number;
}

async function readHistories(db: Database, ids: readonly string[]): Promise<Map<string, History>> {
  const rows = await db.all<History>(sql`
    SELECT i.value AS tenantId,
      (SELECT r.finished_at FROM sync_logs r WHERE r.tenant_id = i.value AND ${sql.raw(good)}
        ORDER BY r.started_at DESC LIMIT 1) AS lastSucceededAt,
      EXISTS (SELECT 1 FROM sync_logs r WHERE r.tenant_id = i.value AND r.status IN ('queued', 'running')) AS isRunning,
      (SELECT count(*) FROM (SELECT 1 FROM sync_logs f WHERE f.tenant_id = i.value AND f.status = 'failed'
        AND f.started_at > coalesce((SELECT r.started_at FROM sync_logs r WHERE r.tenant_id = i.value AND ${sql.raw(good)}
          ORDER BY r.started_at DESC LIMIT 1), '')
        ORDER BY f.started_at DESC LIMIT ${failuresCountedTo})) AS failures
    FROM json_each(${JSON.stringify(ids)}) i`);
  return new Map(rows.map((row) => [row.tenantId, row]));
}

/** One page of tenants in the order of their making, each with how its sync fares. */
export async function listSyncStatus(
  db: Database,
  query: { page?: number | undefined; pageSize?: number | undefined },
  nowMs: number,
): Promise<{ statuses: TenantSyncStatus[]; total: number }> {
  const { limit, offset } = pageWindow(query);
  const [page, [count]] = await db.batch([
    db
      .select({ id: tenants.id, name: tenants.name, isActive: tenants.isActive })
      .from(tenants)
      .orderBy(asc(tenants.id))
      .limit(limit)
      .offset(offset),
    db.select({ total: sql<number>`count(*)` }).from(tenants),
  ]);
  const ids = page.map((tenant) => tenant.id);
  const [histories, [credentials, lastRuns]] = await Promise.all([
    readHistories(db, ids),
    db.batch([
      db
        .select()
        .from(syncCredentials)
        .where(sql`${syncCredentials.tenantId} in ${idsIn(ids)}`),
      db
        .select()
        .from(syncRuns)
        .where(
          sql`${syncRuns.id} in (select (select r.id from sync_logs r where r.tenant_id = i.value
            order by r.started_at desc, r.id desc limit 1) from json_each(${JSON.stringify(ids)}) i)`,
        ),
    ]),
  ]);
  const credentialsOf = Map.groupBy(credentials, (row) => row.tenantId);
  const lastRunOf = new Map(lastRuns.map((row) => [row.tenantId, toSyncRun(row)]));
  const statuses = page.map(({ id, name, isActive }): TenantSyncStatus => {
    const choice = chooseProvider((credentialsOf.get(id) ?? []).map(toProviderOption));
    const lastRun = lastRunOf.get(id) ?? null;
    const history = histories.get(id);
    const lastSucceededAt = history?.lastSucceededAt ?? null;
    const consecutiveFailures = history?.failures ?? 0;
    return {
      tenantId: id,
      tenantName: name,
      isActive,
      provider: choice.kind === 'chosen' ? choice.provider : null,
      ...describeSync({ isActive, choice, lastRun, lastSucceededAt, consecutiveFailures }, nowMs),
      isRunning: history?.isRunning === 1,
      lastSucceededAt,
      consecutiveFailures,
      lastRun,
    };
  });
  return { statuses, total: count?.total ?? 0 };
}

export interface TenantToSync {
  id: string;
  isActive: boolean;
  credentials: SyncCredentialsRow[];
  /** Providers whose run is on its way. */
  running: string[];
}

/** Tenants that a trigger speaks of, one or all, in the order of their making. */
export async function listTenantsToSync(db: Database, tenantId: string | undefined): Promise<TenantToSync[]> {
  const [found, credentials] = await db.batch([
    db
      .select({
        id: tenants.id,
        isActive: tenants.isActive,
        running: sql<string>`(select json_group_array(r.provider) from sync_logs r
          where r.tenant_id = tenants.id and r.status in ('queued', 'running'))`,
      })
      .from(tenants)
      .where(tenantId === undefined ? undefined : eq(tenants.id, tenantId))
      .orderBy(asc(tenants.id)),
    db
      .select()
      .from(syncCredentials)
      .where(tenantId === undefined ? undefined : eq(syncCredentials.tenantId, tenantId))
      .orderBy(asc(syncCredentials.provider)),
  ]);
  const credentialsOf = Map.groupBy(credentials, (row) => row.tenantId);
  return found.map(({ id, isActive, running }) => ({
    ...{ id, isActive, credentials: credentialsOf.get(id) ?? [] },
    running: z.array(z.string()).parse(JSON.parse(running)),
  }));
}
