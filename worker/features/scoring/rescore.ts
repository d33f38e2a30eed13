/** Recomputes the score of every vehicle that changed, and keeps each prediction. */
import { and, eq, sql } from 'drizzle-orm';
import type { ScoringModels, VehicleFeatures, VehicleScore } from '#contracts/risk';
import { tenantSettingsSchema } from '#contracts/tenants';
import { defaultModels, scoreVehicle } from '#scoring';
import { bulk } from '../../db/batch.ts';
import type { Database } from '../../db/client.ts';
import { faults, tenants, vehicles } from '../../db/schema/index.ts';
import { newId } from '../../ids.ts';
import type { TenantScope } from '../../http/tenant-scope.ts';
import { bumpChangeCounter } from '../live/publish.ts';

type VehicleRow = typeof vehicles.$inferSelect;
type FaultRow = typeof faults.$inferSelect;

/** Vehicles scored per transaction: predictions are about 4 KB each as JSON. */
const vehiclesPerBatch = 200;
const dayMs = 86_400_000;

/** What is known of one vehicle today, as scoring takes it; null where D1 holds nothing yet. */
export function featuresOf(vehicle: VehicleRow, vehicleFaults: readonly FaultRow[], now: Date): VehicleFeatures {
  const observedDays = Math.max(0, (now.getTime() - Date.parse(vehicle.firstSeenAt)) / dayMs);
  return {
    vehicle: {
      make: vehicle.make,
      model: vehicle.model,
      year: vehicle.year,
      odometerMiles: vehicle.odometerMiles,
      engineHours: vehicle.engineHours,
      milesPerDay: null,
      hoursPerDay: null,
    },
    faults: vehicleFaults.map((fault) => ({
      spn: fault.spn,
      fmi: fault.fmi,
      sourceAddress: fault.sourceAddress,
      isActive: fault.isActive,
      firstSeenAt: fault.firstSeenAt,
      lastSeenAt: fault.lastSeenAt,
      clearedAt: fault.clearedAt,
      occurrenceCount: fault.occurrenceCount,
      reopenCount: fault.reopenCount,
    })),
    lamps: vehicleFaults.flatMap((fault) =>
      fault.isActive && fault.lamps !== null
        ? [{ ...fault.lamps, sourceAddress: fault.sourceAddress, at: fault.lastSeenAt }]
        : [],
    ),
    signals: [],
    service: { lastServiceAt: null, milesSinceService: null, repairs365Days: null },
    observedDays: Math.round(observedDays * 10) / 10,
  };
}

/** The models a tenant is scored with: the shared ones under the tenant's own bands. */
async function readModels(scope: TenantScope, db: Database): Promise<ScoringModels> {
  const [tenant] = await db.select({ settings: tenants.settings }).from(tenants).where(eq(tenants.id, scope.tenantId));
  return defaultModels(tenantSettingsSchema.parse(tenant?.settings ?? {}).riskBands);
}

interface ScoredVehicle {
  id: string;
  predictionId: string;
  /** As read: a change after that keeps the mark, and the next round scores it. */
  readUpdatedAt: string;
  score: VehicleScore;
}

const keepPredictions = sql`
  INSERT INTO predictions (id, tenant_id, vehicle_id, created_at, model_version, risk_score, risk_level, score)`;

/** One transaction: predictions kept, vehicles updated, the dirty mark cleared, the change counted. */
async function writeScores(scope: TenantScope, db: Database, nowIso: string, scored: ScoredVehicle[]): Promise<number> {
  const rows = JSON.stringify(scored);
  const [, , [bumped]] = await db.batch([
    bulk(
      db,
      sql`${keepPredictions}
      SELECT r.value ->> 'predictionId', ${scope.tenantId}, r.value ->> 'id', ${nowIso},
        r.value ->> '$.score.modelVersion', r.value ->> '$.score.riskScore', r.value ->> '$.score.riskLevel',
        r.value -> '$.score'
      FROM json_each(${rows}) AS r`,
    ),
    bulk(
      db,
      sql`
      UPDATE vehicles SET
        risk_score = r.value ->> '$.score.riskScore',
        risk_level = r.value ->> '$.score.riskLevel',
        health_score = r.value ->> '$.score.healthScore',
        recommended_action = r.value ->> '$.score.recommendedAction',
        is_score_dirty = (vehicles.updated_at <> r.value ->> 'readUpdatedAt'),
        updated_at = ${nowIso}
      FROM json_each(${rows}) AS r
      WHERE vehicles.id = r.value ->> 'id' AND +vehicles.tenant_id = ${scope.tenantId}`,
    ),
    bumpChangeCounter(db, scope.tenantId),
  ]);
  if (bumped === undefined) throw new Error(`tenant ${scope.tenantId} is gone`);
  return bumped.counter;
}

/** Scores every vehicle marked dirty. Running it again right away finds nothing to do. */
export async function rescoreDirtyVehicles(
  scope: TenantScope,
  db: Database,
  { nowIso }: { nowIso: string },
): Promise<{ scoredVehicleIds: string[]; counters: number[] }> {
  const models = await readModels(scope, db);
  const now = new Date(nowIso);
  const scoredVehicleIds: string[] = [];
  const counters: number[] = [];
  for (;;) {
    const dirty = await db
      .select()
      .from(vehicles)
      .where(and(eq(vehicles.tenantId, scope.tenantId), sql`is_score_dirty = 1`))
      .limit(vehiclesPerBatch);
    if (dirty.length === 0) return { scoredVehicleIds, counters };
    const dirtyIds = JSON.stringify(dirty.map((vehicle) => vehicle.id));
    const faultRows = await db
      .select()
      .from(faults)
      .where(sql`${faults.vehicleId} in (select value from json_each(${dirtyIds}))`);
    const faultsByVehicle = Map.groupBy(faultRows, (fault) => fault.vehicleId);
    const scored = dirty.map((vehicle) => ({
      id: vehicle.id,
      predictionId: newId(now.getTime()),
      readUpdatedAt: vehicle.updatedAt,
      score: scoreVehicle(featuresOf(vehicle, faultsByVehicle.get(vehicle.id) ?? [], now), models, now),
    }));
    counters.push(await writeScores(scope, db, nowIso, scored));
    scoredVehicleIds.push(...dirty.map((vehicle) => vehicle.id));
  }
}
