/**
 * What D1 knows of a fleet as it stood at an instant: which vehicles there were, how they were judged, what was wrong.
 *
 * A fault counts from its first sight until it was last cleared, an alert from its opening until it was last resolved: rows
 * are not kept per spell, so that one that went away and came back counts as there in between.
 */
import { sql } from 'drizzle-orm';
import { z } from 'zod';
import { recommendedActionSchema, riskLevelSchema } from '#contracts/risk';
import { bulk } from '../../db/batch.ts';
import type { Database } from '../../db/client.ts';
import type { ReadScope } from '../../http/tenant-scope.ts';

/** [riskScore, riskLevel, healthScore, recommendedAction] of the newest prediction by then. */
const predictionSchema = z
  .string()
  .transform((text): unknown => JSON.parse(text))
  .pipe(
    z.tuple([
      z.number().nullable(),
      riskLevelSchema.nullable(),
      z.number().nullable(),
      recommendedActionSchema.nullable(),
    ]),
  );

const vehicleRowSchema = z.object({
  id: z.string(),
  tenantId: z.string(),
  unitNumber: z.string(),
  make: z.string().nullable(),
  model: z.string().nullable(),
  firstSeenAt: z.string(),
  prediction: predictionSchema.nullable(),
});
const countRowSchema = z.object({ vehicleId: z.string(), count: z.number() });

export type VehicleThen = z.infer<typeof vehicleRowSchema>;

export interface FleetThen {
  vehicles: VehicleThen[];
  activeFaults: Map<string, number>;
  openAlerts: Map<string, number>;
}

const countsOf = (rows: unknown[]): Map<string, number> =>
  new Map(
    z
      .array(countRowSchema)
      .parse(rows)
      .map(({ vehicleId, count }) => [vehicleId, count]),
  );

/** The readable vehicles with all that is known of the instant `at` (RFC 3339, UTC), in one transaction. */
export async function readFleetThen(scope: ReadScope, db: Database, at: string): Promise<FleetThen> {
  const tenants = sql`(SELECT value FROM json_each(${JSON.stringify(scope.readableTenantIds)}))`;
  const mine = scope.onlyAssignedTo === null ? sql`` : sql`AND v.assigned_driver_id = ${scope.onlyAssignedTo}`;
  const [vehicles, faults, alerts] = await db.batch([
    bulk(
      db,
      sql`
      SELECT v.id, v.tenant_id AS tenantId, v.unit_number AS unitNumber, v.make, v.model, v.first_seen_at AS firstSeenAt,
        (SELECT json_array(p.risk_score, p.risk_level, p.score ->> 'healthScore', p.score ->> 'recommendedAction')
           FROM predictions p WHERE p.vehicle_id = v.id AND p.created_at <= ${at}
          ORDER BY p.created_at DESC, p.id DESC LIMIT 1) AS prediction
      FROM vehicles v WHERE v.tenant_id IN ${tenants} ${mine}
      ORDER BY v.tenant_id, v.unit_number`,
    ),
    bulk(
      db,
      sql`
      SELECT vehicle_id AS vehicleId, count(*) AS count FROM faults
      WHERE tenant_id IN ${tenants} AND is_active IN (0, 1) AND first_seen_at <= ${at}
        AND (is_active = 1 OR cleared_at > ${at})
      GROUP BY vehicle_id`,
    ),
    bulk(
      db,
      sql`
      SELECT vehicle_id AS vehicleId, count(*) AS count FROM (
        SELECT a.vehicle_id, a.opened_at FROM alerts a
        WHERE a.tenant_id IN ${tenants} AND a.status IN ('open', 'acknowledged', 'snoozed')
        UNION ALL
        -- What was resolved since was written since.
        SELECT b.vehicle_id, b.opened_at FROM alerts b
        WHERE b.tenant_id IN ${tenants} AND b.updated_at > ${at} AND b.status IN ('resolved', 'false_positive')
          AND coalesce(b.resolved_at, b.updated_at) > ${at})
      WHERE opened_at <= ${at} AND vehicle_id IS NOT NULL
      GROUP BY vehicle_id`,
    ),
  ]);
  return {
    vehicles: z.array(vehicleRowSchema).parse(vehicles.results),
    activeFaults: countsOf(faults.results),
    openAlerts: countsOf(alerts.results),
  };
}
