/**
 * Reads from D1 what a live room is fed: facts of vehicles, live alerts, last copied readings.
 * @unscoped a room is fed its own tenant's picture after a commit; who sees what of it is judged by the ticket
 */
import { and, eq, inArray, sql } from 'drizzle-orm';
import { liveAlertStatuses, ownAffairAlertTypes } from '#contracts/alerts';
import type { LiveAlert } from '#contracts/live';
import type { IdRange, RoomSeed, VehicleFacts, VehicleReading } from '#durable-objects/fleet-room/feed';
import type { Database } from '../../db/client.ts';
import { lastReadingOf } from '../../db/last-reading.ts';
import { alerts, dealerLinks, tenants, vehicles } from '../../db/schema/index.ts';
import { idsIn } from '../../db/scoped.ts';

type VehicleRow = typeof vehicles.$inferSelect;
type AlertRow = typeof alerts.$inferSelect;

export const toFacts = (row: VehicleRow): VehicleFacts => ({
  id: row.id,
  tenantId: row.tenantId,
  unitNumber: row.unitNumber,
  make: row.make,
  model: row.model,
  healthScore: row.healthScore,
  riskScore: row.riskScore,
  riskLevel: row.riskLevel,
  recommendedAction: row.recommendedAction,
  activeFaultCount: row.activeFaultCount,
  openAlertCount: row.openAlertCount,
  assignedDriverId: row.assignedDriverId,
  vin: row.vin,
});

export const toLiveAlert = (row: AlertRow): LiveAlert => ({
  id: row.id,
  tenantId: row.tenantId,
  vehicleId: row.vehicleId,
  type: row.type,
  severity: row.severity,
  status: row.status,
  title: row.title,
  openedAt: row.openedAt,
  occurrenceCount: row.occurrenceCount,
  dueAt: row.dueAt,
});

function toReading(row: VehicleRow): VehicleReading[] {
  const reading = lastReadingOf(row);
  return reading === null ? [] : [{ vehicleId: row.id, ...reading }];
}

/** Facts of some vehicles and some whole alerts of one tenant. */
export async function readChangedFacts(
  db: Database,
  tenantId: string,
  vehicleIds: readonly string[],
  alertIds: readonly string[],
): Promise<{ vehicles: VehicleFacts[]; alerts: LiveAlert[] }> {
  const [vehicleRows, alertRows] = await db.batch([
    db
      .select()
      .from(vehicles)
      .where(and(eq(vehicles.tenantId, tenantId), sql`${vehicles.id} in ${idsIn(vehicleIds)}`)),
    db
      .select()
      .from(alerts)
      .where(and(eq(alerts.tenantId, tenantId), sql`${alerts.id} in ${idsIn(alertIds)}`)),
  ]);
  return { vehicles: vehicleRows.map(toFacts), alerts: alertRows.map(toLiveAlert) };
}

/** Vehicles, or alerts, of one part of a seed: some 700 KB in one call, and a few milliseconds of the room's time. */
export const seedPartRows = 1_000;

const liveAlertsOf = (sourceTenantId: string) =>
  and(eq(alerts.tenantId, sourceTenantId), inArray(alerts.status, [...liveAlertStatuses]));

const counterOf = (db: Database, tenantId: string) =>
  db.select({ counter: tenants.changeCounter }).from(tenants).where(eq(tenants.id, tenantId));

/**
 * Everything a room needs of one source tenant: as one seed, read in one transaction with the tenant's change counter; of
 * a large tenant in parts of `partRows` vehicles or alerts, read one after the other. Nothing for a tenant that is gone.
 */
export async function* readSeeds(
  db: Database,
  sourceTenantId: string,
  partRows = seedPartRows,
): AsyncGenerator<RoomSeed> {
  const [[tenant], vehicleRows, alertRows] = await db.batch([
    counterOf(db, sourceTenantId),
    db
      .select()
      .from(vehicles)
      .where(eq(vehicles.tenantId, sourceTenantId))
      .limit(partRows + 1),
    db
      .select()
      .from(alerts)
      .where(liveAlertsOf(sourceTenantId))
      .limit(partRows + 1),
  ]);
  if (tenant === undefined) return;
  if (vehicleRows.length > partRows || alertRows.length > partRows) {
    yield* readSeedParts(db, sourceTenantId, partRows);
    return;
  }
  yield {
    sourceTenantId,
    counter: tenant.counter,
    vehicles: vehicleRows.map(toFacts),
    alerts: alertRows.map(toLiveAlert),
    readings: vehicleRows.flatMap(toReading),
  };
}

/**
 * The parts of a large seed. All of them bear the count of the moment at which the ids were listed: what came later the
 * room keeps, and what a part shows of later than that is confirmed by the change that made it so.
 */
async function* readSeedParts(db: Database, sourceTenantId: string, partRows: number): AsyncGenerator<RoomSeed> {
  const [[tenant], vehicleIds, alertIds] = await db.batch([
    counterOf(db, sourceTenantId),
    db.select({ id: vehicles.id }).from(vehicles).where(eq(vehicles.tenantId, sourceTenantId)),
    db.select({ id: alerts.id }).from(alerts).where(liveAlertsOf(sourceTenantId)),
  ]);
  if (tenant === undefined) return;
  const { counter } = tenant;
  const vehicleParts = inParts(vehicleIds, partRows);
  const alertParts = inParts(alertIds, partRows);
  const seed = { sourceTenantId, counter, vehicles: [], alerts: [], readings: [] };
  for (const { ids, range } of vehicleParts) {
    const rows = await db
      .select()
      .from(vehicles)
      .where(and(eq(vehicles.tenantId, sourceTenantId), sql`${vehicles.id} in ${idsIn(ids)}`));
    const part = { vehicles: range, alerts: null, completes: null };
    yield { ...seed, part, vehicles: rows.map(toFacts), readings: rows.flatMap(toReading) };
  }
  for (const [n, { ids, range }] of alertParts.entries()) {
    const rows = await db
      .select()
      .from(alerts)
      .where(and(liveAlertsOf(sourceTenantId), sql`${alerts.id} in ${idsIn(ids)}`));
    const completes = n === alertParts.length - 1 ? counter : null;
    yield { ...seed, part: { vehicles: null, alerts: range, completes }, alerts: rows.map(toLiveAlert) };
  }
}

/** Ids in their order, cut into parts that together speak for every id there can be; one at least. */
function inParts(rows: readonly { id: string }[], partRows: number): { ids: string[]; range: IdRange }[] {
  const ids = rows.map(({ id }) => id).sort();
  const parts = [];
  for (let from = 0; from === 0 || from < ids.length; from += partRows) {
    const isLast = from + partRows >= ids.length;
    const part = ids.slice(from, from + partRows);
    const after = from === 0 ? null : (ids[from - 1] ?? null);
    parts.push({ ids: part, range: { after, through: isLast ? null : (part.at(-1) ?? null) } });
  }
  return parts;
}

/** A dealer's room shows its customers' trucks and what is wrong with them, not how their portal sync and screens fare. */
export const alertsForRoom = (alerts: LiveAlert[], roomTenantId: string): LiveAlert[] =>
  alerts.filter((alert) => !ownAffairAlertTypes.includes(alert.type) || alert.tenantId === roomTenantId);

/** Rooms that show a tenant's vehicles: its own and those of the dealers it shares with. */
export async function roomsShowing(db: Database, tenantId: string): Promise<string[]> {
  const links = await db
    .select({ dealerTenantId: dealerLinks.dealerTenantId })
    .from(dealerLinks)
    .innerJoin(tenants, eq(tenants.id, dealerLinks.fleetTenantId))
    .where(
      and(
        eq(dealerLinks.fleetTenantId, tenantId),
        eq(dealerLinks.status, 'active'),
        // A suspended fleet is nobody's to see.
        eq(tenants.isActive, true),
      ),
    );
  return [tenantId, ...links.map((link) => link.dealerTenantId)];
}

/** Tenants whose vehicles each room shows, with their change counters: what every room should have heard. */
export async function sourcesByRoom(
  db: Database,
  roomTenantId?: string,
): Promise<Map<string, { tenantId: string; counter: number }[]>> {
  const [own, linked] = await db.batch([
    db
      // Rows of a batch come back by column name, so no name may stand twice: the own tenant is its own source.
      .select({ room: tenants.id, counter: tenants.changeCounter })
      .from(tenants)
      .where(roomTenantId === undefined ? eq(tenants.isActive, true) : eq(tenants.id, roomTenantId)),
    db
      .select({ room: dealerLinks.dealerTenantId, source: dealerLinks.fleetTenantId, counter: tenants.changeCounter })
      .from(dealerLinks)
      .innerJoin(tenants, eq(tenants.id, dealerLinks.fleetTenantId))
      .where(
        and(
          eq(dealerLinks.status, 'active'),
          eq(tenants.isActive, true),
          roomTenantId === undefined ? undefined : eq(dealerLinks.dealerTenantId, roomTenantId),
        ),
      ),
  ]);
  const byRoom = new Map<string, { tenantId: string; counter: number }[]>();
  for (const { room, source, counter } of [...own.map((row) => ({ ...row, source: row.room })), ...linked]) {
    byRoom.set(room, [...(byRoom.get(room) ?? []), { tenantId: source, counter }]);
  }
  return byRoom;
}

/** Whether a tenant exists: an invented one must not bring a room into being. */
export async function isTenant(db: Database, tenantId: string): Promise<boolean> {
  const rows = await db.select({ id: tenants.id }).from(tenants).where(eq(tenants.id, tenantId));
  return rows.length > 0;
}
