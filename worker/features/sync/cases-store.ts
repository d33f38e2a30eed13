/** The shop's cases that a run has read: what decides which are read, and keeping them as service events. */
import { and, desc, eq, gte, inArray, lt, sql } from 'drizzle-orm';
import { serviceEventKinds, type ServiceEventKind } from '#contracts/service-events';
import type { SyncProvider } from '#contracts/sync';
import { describeFault } from '#scoring';
import type { Database } from '../../db/client.ts';
import { faults, syncRuns, vehicles } from '../../db/schema/index.ts';
import { idsIn } from '../../db/scoped.ts';
import type { TenantScope } from '../../http/tenant-scope.ts';
import type { ObservedCase } from '../../scrapes/paccar/extract-cases.ts';
import type { VehicleCases } from '../../scrapes/paccar/read-cases.ts';
import { dropEvents } from '../service-events/correct.ts';
import { recordServiceEvents } from '../service-events/record.ts';
import { judgeTime, lacksSpn, numberedFingerprint, type NewServiceEvent } from '../service-events/rules.ts';
import { resolveVehicles } from '../telemetry/store.ts';
import type { FaultKey } from './cases-due.ts';

/** When the last good run before `beforeIso` began; null when there is none since `connectedAt`. */
export async function lastReadBefore(
  scope: TenantScope,
  db: Database,
  provider: SyncProvider,
  beforeIso: string,
  connectedAt: string | null,
): Promise<string | null> {
  const [row] = await db
    .select({ startedAt: syncRuns.startedAt })
    .from(syncRuns)
    .where(
      and(
        connectedAt === null ? undefined : gte(syncRuns.startedAt, connectedAt),
        eq(syncRuns.tenantId, scope.tenantId),
        eq(syncRuns.provider, provider),
        inArray(syncRuns.status, ['succeeded', 'partial']),
        lt(syncRuns.startedAt, beforeIso),
      ),
    )
    .orderBy(desc(syncRuns.startedAt))
    .limit(1);
  return row?.startedAt ?? null;
}

/** Faults that are active by what is known, by VIN. */
export async function readActiveFaults(
  scope: TenantScope,
  db: Database,
  vins: readonly string[],
): Promise<ReadonlyMap<string, FaultKey[]>> {
  const rows = await db
    .select({ vin: vehicles.vin, sourceAddress: faults.sourceAddress, spn: faults.spn, fmi: faults.fmi })
    .from(vehicles)
    .innerJoin(faults, and(eq(faults.vehicleId, vehicles.id), eq(faults.isActive, true)))
    .where(and(eq(vehicles.tenantId, scope.tenantId), sql`${vehicles.vin} in ${idsIn(vins)}`));
  return Map.groupBy(rows, ({ vin }) => vin);
}

/** The system a code belongs to, where the catalogue has more of it than its number. */
function systemOf({ system, spn, fmi }: ObservedCase) {
  if (system !== null || spn === null) return system;
  const known = describeFault(spn, fmi ?? unspecifiedFmi);
  return known.name === `SPN ${spn}` ? null : known.system;
}

/** FMI 31, "condition exists": what stands for a failure mode that nobody named. */
const unspecifiedFmi = 31;

const toEvent = (vehicleId: string, found: ObservedCase): NewServiceEvent => ({
  vehicleId,
  at: found.at,
  kind: found.kind,
  system: systemOf(found),
  spn: found.spn,
  fmi: found.fmi,
  description: found.description,
  odometerMiles: found.odometerMiles,
  source: 'portal',
  externalId: found.number,
});

/** A day without a time stands as noon, and is no time ahead from its midnight on. */
const earliestOf = (at: string): string => at.replace(/T12:00:00\.000Z$/, 'T00:00:00.000Z');

/** Fingerprints under which a vehicle's cases stand no longer, as far as the page says so. */
function goneFingerprints({ cases, takenBack = [] }: VehicleCases): string[] {
  const told = new Map<string, ServiceEventKind[]>(takenBack.map((number) => [number, []]));
  const byNumber = Map.groupBy(cases, ({ number }) => number);
  for (const [number, found] of byNumber) {
    if (number !== null && !found.some(({ isPart }) => isPart)) told.set(number, found.map(({ kind }) => kind)); // prettier-ignore
  }
  return [...told].flatMap(([number, kinds]) =>
    serviceEventKinds
      .filter((kind) => !kinds.includes(kind))
      .flatMap((kind) => numberedFingerprint(number, kind) ?? []),
  );
}

/**
 * Keeps the cases as service events, as the portal tells them now: what it puts right is put right, what it no longer says
 * of a case goes. A step that runs again finds them known already.
 */
export async function keepCases(
  scope: TenantScope,
  db: Database,
  read: readonly VehicleCases[],
  now: Date,
): Promise<{ counters: number[] }> {
  const { byVin } = await resolveVehicles(scope, db, { vins: read.map(({ vin }) => vin), ids: [] });
  const ofVehicles = read.flatMap((one) => {
    const vehicleId = byVin.get(one.vin);
    return vehicleId === undefined ? [] : [{ ...one, vehicleId }];
  });
  const events = ofVehicles.flatMap(({ vehicleId, cases }) => cases.map((found) => toEvent(vehicleId, found)));
  // A misread day would end a lifetime that never ended.
  const credible = events.filter((event) => judgeTime(earliestOf(event.at), now) === null && !lacksSpn(event));
  const recorded = await recordServiceEvents(scope, db, credible, now);
  const gone = ofVehicles.flatMap((one) =>
    goneFingerprints(one).map((fingerprint) => ({ vehicleId: one.vehicleId, fingerprint })),
  );
  const dropped = await dropEvents(scope, db, gone, now);
  return { counters: [...recorded.counters, ...dropped.counters] };
}
