/** What the drift alarm looks at, and what it found last. */
import { sql, type SQL } from 'drizzle-orm';
import { bulk } from '../../db/batch.ts';
import type { Database } from '../../db/client.ts';
import type { TenantScope } from '../../http/tenant-scope.ts';
import { readSettings } from '../tenant/stored-settings.ts';
import type { CalibrationVerdict, WatchedPrediction } from './drift-rules.ts';

const dayMs = 86_400_000;
/**
 * Ages at which a truck's prediction is looked at, and how far back from there the newest one may lie: a watched truck has
 * one a day, in a demo's past one a week. Their 30 days are over, a day is left for what comes late, and none overlap.
 */
const agesDays = [31, 69] as const;
const windowDays = 8;

export interface CalibrationCandidate {
  tenantId: string;
  wasDrifting: boolean;
  since: string | null;
  /** Whether the tenant wants alerts at all. */
  wantsAlerts: boolean;
}

/**
 * Active tenants with predictions old enough that have not been looked at since `before`, the longest unseen first.
 * @unscoped the job goes over all tenants
 */
export async function listUnchecked(
  db: Database,
  { now, before, atMost }: { now: Date; before: string; atMost: number },
): Promise<CalibrationCandidate[]> {
  const oldEnough = new Date(now.getTime() - agesDays[0] * dayMs).toISOString();
  const rows = await db.all<{
    tenantId: string;
    settings: string;
    isDrifting: number | null;
    since: string | null;
  }>(sql`
    SELECT tenants.id AS tenantId, tenants.settings, c.is_drifting AS isDrifting, c.since
    FROM tenants LEFT JOIN calibration_checks c ON c.tenant_id = tenants.id
    WHERE tenants.is_active = 1 AND (c.checked_at IS NULL OR c.checked_at <= ${before})
      AND EXISTS (SELECT 1 FROM predictions p WHERE p.tenant_id = tenants.id AND p.created_at <= ${oldEnough})
    ORDER BY c.checked_at, tenants.id LIMIT ${atMost}`);
  return rows.flatMap(({ tenantId, settings, isDrifting, since }) => {
    const read = readSettings(tenantId, settings);
    return read === null ? [] : [{ tenantId, wasDrifting: isDrifting === 1, since, wantsAlerts: read.flags.alerts }];
  });
}

/** One prediction per truck about a month ago and one about two months ago, with what became of them. */
export async function readWatched(scope: TenantScope, db: Database, now: Date): Promise<WatchedPrediction[]> {
  const sample = (ageDays: number): SQL => {
    const untilMs = now.getTime() - ageDays * dayMs;
    const newest = sql`(SELECT max(q.created_at) FROM predictions q WHERE q.vehicle_id = v.id
      AND q.created_at > ${new Date(untilMs - windowDays * dayMs).toISOString()}
      AND q.created_at <= ${new Date(untilMs).toISOString()})`;
    return sql`
      SELECT p.created_at AS createdAt, p.chance7 AS chance7, p.chance30 AS chance30, p.failed_at AS failedAt,
        p.censored_at AS censoredAt
      FROM vehicles v CROSS JOIN predictions p
      WHERE v.tenant_id = ${scope.tenantId} AND p.vehicle_id = v.id AND p.created_at = ${newest}
        AND +p.tenant_id = ${scope.tenantId} AND p.chance7 IS NOT NULL AND p.chance30 IS NOT NULL
        AND (p.failed30 IS NOT NULL OR p.censored_at IS NOT NULL)`;
  };
  const samples = await db.batch([bulk(db, sample(agesDays[0])), bulk(db, sample(agesDays[1]))]);
  return samples.flatMap(({ results }) => results as WatchedPrediction[]);
}

/** Keeps what was found; `since` when it was first found so. */
export async function keepVerdict(
  scope: TenantScope,
  db: Database,
  { isDrifting, reason }: CalibrationVerdict,
  { checkedAt, since }: { checkedAt: string; since: string | null },
): Promise<void> {
  await db.run(sql`
    INSERT INTO calibration_checks (tenant_id, checked_at, is_drifting, since, reason)
    VALUES (${scope.tenantId}, ${checkedAt}, ${isDrifting ? 1 : 0}, ${since}, ${reason})
    ON CONFLICT (tenant_id) DO UPDATE SET checked_at = excluded.checked_at, is_drifting = excluded.is_drifting,
      since = excluded.since, reason = excluded.reason`);
}
