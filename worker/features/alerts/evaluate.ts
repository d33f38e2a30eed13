/** Holds the vehicles' situation against the alerts and carries out what the rules decide, in one transaction. */
import { and, eq, inArray, sql } from 'drizzle-orm';
import { liveAlertStatuses } from '#contracts/alerts';
import { describeFault, shortFaultText } from '#scoring';
import type { Database } from '../../db/client.ts';
import { alerts, faults, vehicles } from '../../db/schema/index.ts';
import type { TenantScope } from '../../http/tenant-scope.ts';
import {
  decideAlerts,
  signalsOfVehicle,
  type AlertSignal,
  type FaultSituation,
  type KnownAlert,
  type VehicleSituation,
} from './rules.ts';
import { carryOut, noOutcome, type AlertOutcome } from './write.ts';

const reasonsShown = 3;
const jsonIds = (ids: readonly string[]) => sql`(select value from json_each(${JSON.stringify(ids)}))`;

async function readSituations(
  db: Database,
  scope: TenantScope,
  vehicleIds: readonly string[] | 'all',
): Promise<{ vehicles: VehicleSituation[]; faultsByVehicle: Map<string, FaultSituation[]> }> {
  const wanted = vehicleIds === 'all' ? undefined : jsonIds(vehicleIds);
  const [vehicleRows, faultRows] = await db.batch([
    db
      .select({
        id: vehicles.id,
        unitNumber: vehicles.unitNumber,
        riskLevel: vehicles.riskLevel,
        riskScore: vehicles.riskScore,
        recommendedAction: vehicles.recommendedAction,
        // The newest prediction's reasons, heaviest first; only where an alert could need them.
        contributors: sql<string | null>`case when vehicles.risk_level in ('high', 'critical') then (
          select p.score -> '$.contributors' from predictions p
          where p.vehicle_id = vehicles.id order by p.created_at desc limit 1) end`,
      })
      .from(vehicles)
      .where(
        and(eq(vehicles.tenantId, scope.tenantId), wanted === undefined ? undefined : sql`${vehicles.id} in ${wanted}`),
      ),
    db
      .select()
      .from(faults)
      .where(
        and(
          eq(faults.tenantId, scope.tenantId),
          eq(faults.isActive, true),
          inArray(faults.severity, ['critical', 'major']),
          wanted === undefined ? undefined : sql`${faults.vehicleId} in ${wanted}`,
        ),
      ),
  ]);
  const situations = faultRows.map((row): FaultSituation => {
    const known = describeFault(row.spn, row.fmi);
    const isNamed = known.name !== `SPN ${row.spn}`;
    return {
      vehicleId: row.vehicleId,
      sourceAddress: row.sourceAddress,
      spn: row.spn,
      fmi: row.fmi,
      severity: row.severity === 'critical' ? 'critical' : 'major',
      title: isNamed ? shortFaultText(row.spn, row.fmi) : row.description.slice(0, 60),
      meaning: known.meaning,
      advice: known.advice,
      occurrenceCount: row.occurrenceCount,
    };
  });
  return {
    vehicles: vehicleRows.map(({ contributors, ...vehicle }) => ({ ...vehicle, reasons: reasonsOf(contributors) })),
    faultsByVehicle: Map.groupBy(situations, (fault) => fault.vehicleId),
  };
}

function reasonsOf(contributors: string | null): string[] {
  if (contributors === null) return [];
  const list = JSON.parse(contributors) as { points: number; text: string }[];
  return (
    list
      .filter((contributor) => contributor.points > 0)
      .sort((a, b) => b.points - a.points)
      .slice(0, reasonsShown)
      // How long and how often is true at the time of scoring only, and an alert stands longer than that.
      .map((contributor) => contributor.text.split(', ')[0] ?? contributor.text)
  );
}

/** Live alerts of the vehicles in question, plus the newest ended one of every cause that holds now. */
async function readKnown(
  db: Database,
  scope: TenantScope,
  signals: readonly AlertSignal[],
  vehicleIds: readonly string[] | 'all',
): Promise<KnownAlert[]> {
  const columns = {
    id: alerts.id,
    cause: alerts.cause,
    status: alerts.status,
    severity: alerts.severity,
    title: alerts.title,
    message: alerts.message,
    occurrenceCount: alerts.occurrenceCount,
    resolvedAt: alerts.resolvedAt,
    resolvedBy: alerts.resolvedBy,
    openedAt: alerts.openedAt,
  };
  const [live, ofCauses] = await db.batch([
    db
      .select(columns)
      .from(alerts)
      .where(
        and(
          eq(alerts.tenantId, scope.tenantId),
          inArray(alerts.status, [...liveAlertStatuses]),
          inArray(alerts.type, ['fault', 'risk']),
          vehicleIds === 'all' ? undefined : sql`${alerts.vehicleId} in ${jsonIds(vehicleIds)}`,
        ),
      ),
    db
      .select(columns)
      .from(alerts)
      .where(
        and(
          eq(alerts.tenantId, scope.tenantId),
          sql`${alerts.cause} in ${jsonIds(signals.map((signal) => signal.cause))}`,
          inArray(alerts.status, ['resolved', 'false_positive']),
        ),
      ),
  ]);
  const newest = new Map<string, KnownAlert & { openedAt: string }>();
  for (const alert of ofCauses) {
    const other = newest.get(alert.cause);
    if (other === undefined || other.openedAt < alert.openedAt) newest.set(alert.cause, alert);
  }
  // At most one live alert per cause exists, and it is the one that counts.
  for (const alert of live) newest.set(alert.cause, alert);
  return [...newest.values()];
}

/**
 * Brings the alerts of some or all vehicles of a tenant in line with faults and risk as they stand in D1.
 * State-based, so running it twice, or again after a crash, ends in the same alerts.
 */
export async function evaluateAlerts(
  db: Database,
  scope: TenantScope,
  { nowIso, vehicleIds }: { nowIso: string; vehicleIds: string[] | 'all' },
): Promise<AlertOutcome> {
  if (vehicleIds !== 'all' && vehicleIds.length === 0) return noOutcome;
  const situation = await readSituations(db, scope, vehicleIds);
  const signals = situation.vehicles.flatMap((vehicle) =>
    signalsOfVehicle(vehicle, situation.faultsByVehicle.get(vehicle.id) ?? []),
  );
  const known = await readKnown(db, scope, signals, vehicleIds);
  return carryOut(db, scope, decideAlerts(signals, known, new Date(nowIso)), nowIso);
}

/** Raises, repeats or reopens the alert of one cause outside the vehicles' own situation (a failed sync). */
export async function raiseAlert(
  db: Database,
  scope: TenantScope,
  signal: AlertSignal,
  nowIso: string,
): Promise<AlertOutcome> {
  const known = await db
    .select()
    .from(alerts)
    .where(and(eq(alerts.tenantId, scope.tenantId), eq(alerts.cause, signal.cause)))
    .orderBy(sql`${alerts.openedAt} desc`)
    .limit(1);
  const live = known.find((alert) => (liveAlertStatuses as readonly string[]).includes(alert.status));
  const repeated = live === undefined ? signal : { ...signal, occurrenceCount: live.occurrenceCount + 1 };
  return carryOut(db, scope, decideAlerts([repeated], known, new Date(nowIso)), nowIso);
}

/** Resolves the live alert of a cause, if there is one. */
export async function resolveAlertCause(
  db: Database,
  scope: TenantScope,
  cause: string,
  nowIso: string,
): Promise<AlertOutcome> {
  const live = await db
    .select({ id: alerts.id })
    .from(alerts)
    .where(
      and(eq(alerts.tenantId, scope.tenantId), eq(alerts.cause, cause), inArray(alerts.status, [...liveAlertStatuses])),
    );
  return carryOut(db, scope, { open: [], update: [], reopen: [], resolve: live.map((alert) => alert.id) }, nowIso);
}
