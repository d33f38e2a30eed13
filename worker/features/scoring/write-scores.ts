/**
 * Writes scores: predictions kept, vehicles updated, marks cleared, the change counted, all in one transaction. A vehicle
 * that changed since it was read, or that another run has scored meanwhile, is left as it is, mark and all: nothing old
 * is ever written over something newer, and of two runs at once one keeps the prediction.
 */
import { sql } from 'drizzle-orm';
import type { VehicleScore } from '#contracts/risk';
import { featureListVersion } from '#scoring';
import type { AuditedAction, AuditTrail } from '../../audit/trail.ts';
import { bulk } from '../../db/batch.ts';
import type { Database } from '../../db/client.ts';
import { movedOn } from '../../db/score-mark.ts';
import type { TenantScope } from '../../http/tenant-scope.ts';
import { bumpChangeCounter } from '../live/publish.ts';

export interface ScoredVehicle {
  id: string;
  predictionId: string;
  readUpdatedAt: string;
  score: VehicleScore;
  /** NaN where unknown. */
  vector: readonly number[];
}

export interface WrittenScores {
  vehicleIds: string[];
  /** The change's count; none when nothing was written. */
  counters: number[];
}

/** Characters of one bound value: D1 takes 2 MB, and some characters are several bytes. */
const mostCharacters = 1_000_000;

/** What stands in D1 of one scored vehicle; JSON says null for NaN. */
const rowOf = ({ id, predictionId, readUpdatedAt, score, vector }: ScoredVehicle): string =>
  JSON.stringify([
    id,
    predictionId,
    readUpdatedAt,
    score,
    vector,
    score.failureProbability?.days7 ?? null,
    score.failureProbability?.days30 ?? null,
    score.failureProbability?.days90 ?? null,
  ]);

const updateOf = ({ id, readUpdatedAt, score }: ScoredVehicle) => [
  ...[id, readUpdatedAt, score.riskScore, score.riskLevel, score.healthScore, score.recommendedAction],
];

/** Cuts the scored vehicles into parts that a statement can bind. */
function inParts(scored: readonly ScoredVehicle[]): { scored: ScoredVehicle[]; rows: string }[] {
  const parts: { scored: ScoredVehicle[]; rows: string[]; characters: number }[] = [];
  for (const vehicle of scored) {
    const row = rowOf(vehicle);
    let part = parts.at(-1);
    if (part === undefined || part.characters + row.length > mostCharacters) {
      part = { scored: [], rows: [], characters: 0 };
      parts.push(part);
    }
    part.scored.push(vehicle);
    part.rows.push(row);
    part.characters += row.length + 1;
  }
  return parts.map((part) => ({ scored: part.scored, rows: `[${part.rows.join(',')}]` }));
}

export interface WriteOptions {
  nowIso: string;
  /** The R2 object with the whole input; null when it could not be kept. */
  featuresKey: string | null;
  /** Written along where a person asked for the scoring. */
  audited?: { trail: AuditTrail; action: AuditedAction };
}

async function writePart(
  scope: TenantScope,
  db: Database,
  { scored, rows }: { scored: ScoredVehicle[]; rows: string },
  { nowIso, featuresKey, audited }: WriteOptions,
): Promise<WrittenScores> {
  const { tenantId } = scope;
  const keepPredictions = bulk(
    db,
    sql`
    INSERT INTO predictions (id, tenant_id, vehicle_id, created_at, model_version, risk_score, risk_level, score,
      chance7, chance30, chance90, feature_vector, feature_list, features_key)
    SELECT r.value ->> 1, ${tenantId}, v.id, ${nowIso}, r.value ->> '$[3].modelVersion', r.value ->> '$[3].riskScore',
      r.value ->> '$[3].riskLevel', r.value -> 3, r.value ->> 5, r.value ->> 6, r.value ->> 7, r.value -> 4,
      ${featureListVersion}, ${featuresKey}
    FROM json_each(${rows}) AS r
    CROSS JOIN vehicles v
    WHERE v.id = r.value ->> 0 AND +v.tenant_id = ${tenantId} AND v.updated_at = r.value ->> 2`,
  );
  const updateVehicles = bulk(
    db,
    sql`
    UPDATE vehicles SET risk_score = r.value ->> 2, risk_level = r.value ->> 3, health_score = r.value ->> 4,
      recommended_action = r.value ->> 5, is_score_dirty = 0, updated_at = ${movedOn(nowIso)}
    FROM json_each(${JSON.stringify(scored.map(updateOf))}) AS r
    WHERE vehicles.id = r.value ->> 0 AND +vehicles.tenant_id = ${tenantId}
      AND vehicles.updated_at = r.value ->> 1
    RETURNING vehicles.id`,
  );
  const bump = bumpChangeCounter(db, tenantId, sql`changes() > 0`);
  const [, updated, bumped] = await (audited === undefined
    ? db.batch([keepPredictions, updateVehicles, bump])
    : db.batch([
        keepPredictions,
        updateVehicles,
        bump,
        audited.trail.entry(db, audited.action, { onlyIfChanged: true }),
      ]));
  const { results } = updated as unknown as { results: { id: string }[] };
  return { vehicleIds: results.map(({ id }) => id), counters: bumped.map(({ counter }) => counter) };
}

/** Keeps these scores; answers which vehicles had not changed meanwhile and now have theirs. */
export async function writeScores(
  scope: TenantScope,
  db: Database,
  scored: readonly ScoredVehicle[],
  options: WriteOptions,
): Promise<WrittenScores> {
  const written: WrittenScores = { vehicleIds: [], counters: [] };
  for (const part of inParts(scored)) {
    const { vehicleIds, counters } = await writePart(scope, db, part, options);
    written.vehicleIds.push(...vehicleIds);
    written.counters.push(...counters);
  }
  return written;
}
