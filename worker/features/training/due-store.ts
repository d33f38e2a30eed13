/** Which tenants have something to learn from tonight: told from a few indexed rows each, before any run is begun. */
import { sql } from 'drizzle-orm';
import { z } from 'zod';
import { featureListVersion } from '#scoring';
import type { Database } from '../../db/client.ts';
import { readSettings } from '../tenant/stored-settings.ts';
import { fewestFailures, fewestLandmarks, type TrainingCandidate } from './rules.ts';

const rowSchema = z.object({
  id: z.string(),
  settings: z.string(),
  lastRunAt: z.string().nullable(),
  isNew: z.number(),
  landmarks: z.number(),
  failures: z.number(),
});

/**
 * Active tenants after `afterId`, by id, with what speaks for or against a training at `now`. Counts stop at what is
 * enough; of the predictions the newest are looked at. New is an outcome that was entered since the last run, or that happened on a day which that run could not see
 * whole. A run that failed did not learn anything.
 * @unscoped the nightly job asks for all tenants
 */
export async function listTrainingCandidates(
  db: Database,
  nowIso: string,
  afterId: string,
  limit: number,
): Promise<TrainingCandidate[]> {
  const today = nowIso.slice(0, 10);
  const rows = await db.all(sql`
    SELECT tenants.id AS id, tenants.settings AS settings, last.started_at AS lastRunAt,
      EXISTS (
        SELECT 1 FROM service_events e
        WHERE e.tenant_id = tenants.id AND e.kind <> 'inspection' AND e.at < ${today} AND (last.started_at IS NULL
          OR e.created_at > last.started_at OR e.at >= substr(last.started_at, 1, 10))
      ) AS isNew,
      (SELECT count(*) FROM (
        SELECT p.feature_list FROM predictions p WHERE p.tenant_id = tenants.id AND p.created_at < ${today}
        ORDER BY p.created_at DESC LIMIT ${fewestLandmarks}) WHERE feature_list = ${featureListVersion}
      ) AS landmarks,
      (SELECT count(*) FROM (
        SELECT 1 FROM service_events e
        WHERE e.tenant_id = tenants.id AND e.kind IN ('repair', 'breakdown') AND e.at < ${today} LIMIT ${fewestFailures})
      ) AS failures
    FROM tenants LEFT JOIN training_runs last ON last.id = (
      SELECT r.id FROM training_runs r WHERE r.tenant_id = tenants.id AND r.status IN ('succeeded', 'refused')
      ORDER BY r.started_at DESC LIMIT 1)
    WHERE tenants.id > ${afterId} AND tenants.is_active = 1 ORDER BY tenants.id LIMIT ${limit}`);
  return rows.map((row) => {
    const { settings, isNew, ...rest } = rowSchema.parse(row);
    // Stays in the list, by which the job pages on, and asks for nothing.
    const hasPredictions = readSettings(rest.id, settings)?.flags.predictions ?? false;
    return { ...rest, hasPredictions, hasNewOutcomes: isNew === 1 };
  });
}
