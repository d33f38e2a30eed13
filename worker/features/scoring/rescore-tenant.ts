/** Scoring with all that follows from it: alerts brought in line, live rooms told. For whoever is not a sync run. */
import type { Database } from '../../db/client.ts';
import { openDatabase } from '../../db/client.ts';
import type { Env } from '../../env.ts';
import type { TenantScope } from '../../http/tenant-scope.ts';
import { logFailure } from '../../log.ts';
import { evaluateAlerts } from '../alerts/evaluate.ts';
import { publishNews } from '../sync/run-news.ts';
import { rescoreDirtyVehicles, type RescoreOptions } from './rescore.ts';

/** What an invocation may spend: a request's work goes on for half a minute after its answer. */
const soonMs = 20_000;
const soonVehicles = 10_000;

interface ToldScores {
  /** Vehicles that were scored. */
  vehicleIds: string[];
  counters: number[];
  nowIso: string;
  /** Looks at the alerts of every vehicle of the tenant. */
  looksAtAll?: boolean;
}

/** Alerts of these vehicles as faults and risk now stand, and the rooms told of both. */
export async function tellOfScores(
  scope: TenantScope,
  env: Env,
  db: Database,
  { vehicleIds, counters, nowIso, looksAtAll = false }: ToldScores,
): Promise<void> {
  const alerts = await evaluateAlerts(scope, db, { nowIso, vehicleIds: looksAtAll ? 'all' : vehicleIds });
  await publishNews(env, db, scope.tenantId, {
    counters: [...counters, ...alerts.counters],
    vehicleIds: [...new Set([...vehicleIds, ...alerts.vehicleIds])],
    alertIds: [...alerts.openedIds, ...alerts.changedIds, ...alerts.resolvedIds],
  });
}

/** What a change has committed already, to be told together with the scores that follow from it. */
export interface CommittedNews {
  vehicleIds: readonly string[];
  counters: readonly number[];
}

/**
 * Scores a tenant's marked vehicles and tells of it; answers how many. With `alertsOf: 'all'` the alerts of every vehicle
 * are looked at: whoever died between scoring and alerts left vehicles that nobody else finds changed.
 */
export async function rescoreTenant(
  scope: TenantScope,
  env: Env,
  db: Database,
  { alertsOf = 'scored', news, ...options }: RescoreOptions & { alertsOf?: 'scored' | 'all'; news?: CommittedNews },
): Promise<{ scored: number; isDone: boolean }> {
  const { scoredVehicleIds, counters, isDone } = await rescoreDirtyVehicles(scope, db, env.ARTIFACTS, options);
  await tellOfScores(scope, env, db, {
    vehicleIds: [...new Set([...scoredVehicleIds, ...(news?.vehicleIds ?? [])])],
    counters: [...counters, ...(news?.counters ?? [])],
    nowIso: options.nowIso,
    looksAtAll: alertsOf === 'all' && isDone,
  });
  return { scored: scoredVehicleIds.length, isDone };
}

/** What has `waitUntil`: an ExecutionContext, or a request's `c.executionCtx`. */
type Waiter = Pick<ExecutionContext, 'waitUntil'>;

/**
 * Scores the tenant's marked vehicles once the answer is on its way, as many as fit into the time. Safe to lose: the marks
 * stay, and the sweep finds them within minutes.
 */
export function rescoreSoon(
  scope: TenantScope,
  env: Env,
  ctx: Waiter,
  news: CommittedNews = { vehicleIds: [], counters: [] },
): void {
  const startedMs = Date.now();
  const work = rescoreTenant(scope, env, openDatabase(env.DB), {
    nowIso: new Date(startedMs).toISOString(),
    atMost: soonVehicles,
    news,
    mayGoOn: () => Date.now() - startedMs < soonMs,
  });
  ctx.waitUntil(work.catch((cause: unknown) => logFailure('rescore_failed', cause, { tenantId: scope.tenantId })));
}
