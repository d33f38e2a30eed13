/** The Worker with doors of its own for the benchmark: each path does one thing whose time is then measured outside. */
import { openDatabase } from '../../worker/db/client.ts';
import type { Env } from '../../worker/env.ts';
import { scopeForJob } from '../../worker/http/tenant-scope.ts';
import { previewRisk } from '../../worker/features/scoring/preview.ts';
import { rescoreTenant } from '../../worker/features/scoring/rescore-tenant.ts';
import { rescoreDirtyVehicles, scoreAll } from '../../worker/features/scoring/rescore.ts';
import { listFleet, readFeatures } from '../../worker/features/scoring/features-store.ts';
import { modelsOfRows } from '../../worker/features/scoring/models.ts';
import { defaultRiskTerms } from '../../worker/features/scoring/settings-rules.ts';
import worker from '../../worker/index.ts';

export * from '../../worker/index.ts';

/** Reading alone, or reading and scoring: what the whole is made of. */
async function inPart(env: Env, tenantId: string, now: Date, scores: boolean): Promise<number> {
  const scope = scopeForJob(tenantId);
  const db = openDatabase(env.DB);
  const ids = await listFleet(scope, db, 100_000);
  let done = 0;
  for (let from = 0; from < ids.length; from += 250) {
    const { vehicles, modelRows } = await readFeatures(scope, db, ids.slice(from, from + 250), { now });
    if (scores) scoreAll(vehicles, await modelsOfRows(env.ARTIFACTS, modelRows), now);
    done += vehicles.length;
  }
  return done;
}

export default {
  ...worker,
  async fetch(request: Request, env: Env): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    const tenantId = searchParams.get('tenant') ?? '';
    const nowIso = searchParams.get('now') ?? '';
    const scope = scopeForJob(tenantId);
    const db = openDatabase(env.DB);
    switch (pathname) {
      case '/rescore':
        return Response.json(
          (await rescoreDirtyVehicles(scope, db, env.ARTIFACTS, { nowIso })).scoredVehicleIds.length,
        );
      case '/rescore-and-tell':
        return Response.json((await rescoreTenant(scope, env, db, { nowIso, alertsOf: 'all' })).scored);
      case '/read':
        return Response.json(await inPart(env, tenantId, new Date(nowIso), false));
      case '/read-and-score':
        return Response.json(await inPart(env, tenantId, new Date(nowIso), true));
      case '/preview': {
        const preview = await previewRisk(scope, db, env.ARTIFACTS, defaultRiskTerms(), new Date(nowIso), 100_000);
        return Response.json(preview?.vehicleCount ?? 0);
      }
      default:
        return new Response(null, { status: 404 });
    }
  },
};
