/**
 * What a training learns from, as D1 has it: the feature vectors that were kept with predictions, what happened to those
 * vehicles afterwards, and their signals. Read in pages of vehicles, each in three statements of bounded size.
 */
import { sql } from 'drizzle-orm';
import { z } from 'zod';
import { serviceEventKinds } from '#contracts/service-events';
import {
  faultRateDays,
  featureListVersion,
  featureNames,
  type LandmarkRow,
  type TrainingInput,
  type VehicleSignals,
} from '#scoring';
import type { Database } from '../../db/client.ts';
import { idsIn } from '../../db/scoped.ts';
import type { TenantScope } from '../../http/tenant-scope.ts';
import { probesOf, type ReadingPlan } from './rules.ts';

const dayMs = 86_400_000;

/** How much there is: vehicles, and when the first prediction was kept. */
export async function takeCensus(
  scope: TenantScope,
  db: Database,
): Promise<{ vehicles: number; earliestAt: string | null }> {
  const [row] = await db.all<{ vehicles: number; earliestAt: string | null }>(sql`
    SELECT (SELECT count(*) FROM vehicles WHERE tenant_id = ${scope.tenantId}) AS vehicles,
      (SELECT min(created_at) FROM predictions WHERE tenant_id = ${scope.tenantId}) AS earliestAt`);
  return row ?? { vehicles: 0, earliestAt: null };
}

/** A page of what training learns from. */
export interface LandmarkPage {
  landmarks: LandmarkRow[];
  events: TrainingInput['events'][number][];
  vehicles: VehicleSignals[];
  /** Where the next page begins; null after the last. */
  nextVin: string | null;
}

const signalsSchema = z.array(
  z.object({
    name: z.string(),
    value: z.number(),
    at: z.string(),
    baselineMedian: z.number().nullable(),
    baselineMad: z.number().nullable(),
    n: z.number(),
    drift: z.object({ direction: z.enum(['up', 'down']), since: z.string() }).nullish(),
  }),
);
const vectorSchema = z.array(z.number().nullable()).length(featureNames.length);
const eventRowSchema = z.object({ vehicleId: z.string(), at: z.string(), kind: z.enum(serviceEventKinds) });

interface VehicleRow {
  id: string;
  vin: string;
  make: string | null;
  model: string | null;
  firstSeenAt: string;
  signals: string | null;
  faultsOpened: number;
}

/** The page of vehicles after `afterVin`, in the order of their VINs. Landmarks of another feature list do not count. */
export async function readLandmarks(
  scope: TenantScope,
  db: Database,
  plan: ReadingPlan,
  afterVin: string,
): Promise<LandmarkPage> {
  const { tenantId } = scope;
  const until = new Date(plan.untilMs).toISOString();
  const openedSince = new Date(plan.untilMs - faultRateDays * dayMs).toISOString();
  const vehicleRows = await db.all<VehicleRow>(sql`
    SELECT v.id, v.vin, v.make, v.model, v.first_seen_at AS firstSeenAt, s.signals,
      (SELECT count(*) FROM faults f
        WHERE f.vehicle_id = v.id AND f.first_seen_at >= ${openedSince} AND f.first_seen_at < ${until}) AS faultsOpened
    FROM vehicles v LEFT JOIN signal_states s ON s.vehicle_id = v.id
    WHERE v.tenant_id = ${tenantId} AND v.vin > ${afterVin} ORDER BY v.vin LIMIT ${plan.vehiclesPerPage}`);
  const ids = vehicleRows.map(({ id }) => id);
  const probes = ids.flatMap((id) => probesOf(id, plan));
  const [found, happened] = await Promise.all([
    db.all<{ vehicleId: string; at: string; vector: string }>(sql`
      SELECT p.vehicle_id AS vehicleId, p.created_at AS at, p.feature_vector AS vector
      FROM json_each(${JSON.stringify(probes)}) AS r
      JOIN predictions p ON p.id = (
        SELECT q.id FROM predictions q
        WHERE q.vehicle_id = r.value ->> 'vehicleId' AND q.created_at >= r.value ->> 'from'
          AND q.created_at < r.value ->> 'before' AND q.feature_list = ${featureListVersion}
          AND q.feature_vector IS NOT NULL
        ORDER BY q.created_at, q.id LIMIT 1)
      WHERE +p.tenant_id = ${tenantId} ORDER BY r.key`),
    db.all(sql`
      SELECT vehicle_id AS vehicleId, at, kind FROM service_events
      WHERE vehicle_id IN ${idsIn(ids)} AND at < ${until} AND kind <> 'inspection'
        AND +tenant_id = ${tenantId} ORDER BY vehicle_id, at, id`),
  ]);
  return {
    // One row that cannot be read is left out: it must not keep the others from teaching for ever.
    landmarks: found.flatMap(({ vehicleId, at, vector }) => {
      const x = vectorSchema.safeParse(JSON.parse(vector)).data;
      return x === undefined ? [] : [{ vehicleId, at, x }];
    }),
    events: happened.map((row) => eventRowSchema.parse(row)),
    vehicles: vehicleRows.map((row) => ({
      ...{ make: row.make, model: row.model, faultsOpened: row.faultsOpened },
      signals: signalsSchema.safeParse(JSON.parse(row.signals ?? '[]')).data ?? [],
      observedDays: Math.max(0, (plan.untilMs - Date.parse(row.firstSeenAt)) / dayMs),
    })),
    nextVin: vehicleRows.length < plan.vehiclesPerPage ? null : (vehicleRows.at(-1)?.vin ?? null),
  };
}
