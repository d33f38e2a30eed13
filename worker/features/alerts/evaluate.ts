/** Holds the vehicles' situation against the alerts and carries out what the rules decide, in one transaction. */
import { and, desc, eq, inArray, isNotNull, isNull, sql } from 'drizzle-orm';
import { describeFault, shortFaultText } from '#scoring';
import type { Database } from '../../db/client.ts';
import { alerts, faults, vehicles } from '../../db/schema/index.ts';
import { idsIn } from '../../db/scoped.ts';
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

async function readSituations(
  scope: TenantScope,
  db: Database,
  vehicleIds: readonly string[] | 'all',
): Promise<{ vehicles: VehicleSituation[]; faultsByVehicle: Map<string, FaultSituation[]> }> {
  const wanted = vehicleIds === 'all' ? undefined : idsIn(vehicleIds);
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

/** Alerts of the vehicles in question whose cause has not ended, plus the ended ones of every cause that holds now. */
async function readKnown(
  scope: TenantScope,
  db: Database,
  signals: readonly AlertSignal[],
  vehicleIds: readonly string[] | 'all',
): Promise<KnownAlert[]> {
  const [holding, ended] = await db.batch([
    db
      .select()
      .from(alerts)
      .where(
        and(
          eq(alerts.tenantId, scope.tenantId),
          isNull(alerts.causeEndedAt),
          inArray(alerts.type, ['fault', 'risk']),
          vehicleIds === 'all' ? undefined : sql`${alerts.vehicleId} in ${idsIn(vehicleIds)}`,
        ),
      ),
    db
      .select()
      .from(alerts)
      .where(
        and(
          eq(alerts.tenantId, scope.tenantId),
          sql`${alerts.cause} in ${idsIn(signals.map((signal) => signal.cause))}`,
          isNotNull(alerts.causeEndedAt),
        ),
      ),
  ]);
  return [...holding, ...ended];
}

/**
 * Brings the alerts of some or all vehicles of a tenant in line with faults and risk as they stand in D1.
 * State-based, so running it twice, or again after a crash, ends in the same alerts.
 */
export async function evaluateAlerts(
  scope: TenantScope,
  db: Database,
  { nowIso, vehicleIds }: { nowIso: string; vehicleIds: string[] | 'all' },
): Promise<AlertOutcome> {
  if (vehicleIds !== 'all' && vehicleIds.length === 0) return noOutcome;
  const situation = await readSituations(scope, db, vehicleIds);
  const signals = situation.vehicles.flatMap((vehicle) =>
    signalsOfVehicle(vehicle, situation.faultsByVehicle.get(vehicle.id) ?? []),
  );
  const known = await readKnown(scope, db, signals, vehicleIds);
  return carryOut(scope, db, decideAlerts(signals, known, new Date(nowIso)), nowIso);
}

const newestOfCause = (scope: TenantScope, db: Database, cause: string) =>
  db
    .select()
    .from(alerts)
    .where(and(eq(alerts.tenantId, scope.tenantId), eq(alerts.cause, cause)))
    .orderBy(desc(alerts.openedAt))
    .limit(1);

/**
 * Raises, repeats or reopens the alert of one cause outside the vehicles' own situation (a failed sync). With `isState` it
 * is something that simply holds, however often it is said: saying it again is no further occurrence.
 */
export async function raiseAlert(
  scope: TenantScope,
  db: Database,
  signal: AlertSignal,
  nowIso: string,
  { isState = false }: { isState?: boolean } = {},
): Promise<AlertOutcome> {
  const known = await newestOfCause(scope, db, signal.cause);
  const [last] = known;
  // Each raise is an occurrence of its own, so a person's "resolved" covers those before it only.
  const repeats = last !== undefined && last.causeEndedAt === null;
  const counted = repeats ? { ...signal, occurrenceCount: last.occurrenceCount + (isState ? 0 : 1) } : signal;
  return carryOut(scope, db, decideAlerts([counted], known, new Date(nowIso)), nowIso);
}

/** The cause is gone: resolves its live alert, and ends what a person's word covered. */
export async function resolveAlertCause(
  scope: TenantScope,
  db: Database,
  cause: string,
  nowIso: string,
): Promise<AlertOutcome> {
  const known = await newestOfCause(scope, db, cause);
  return carryOut(scope, db, decideAlerts([], known, new Date(nowIso)), nowIso);
}
