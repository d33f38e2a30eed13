/**
 * Reads from D1 what a live room is fed: facts of vehicles, live alerts, last copied readings.
 * @unscoped a room is fed its own tenant's picture after a commit; who sees what of it is judged by the ticket
 */
import { and, eq, inArray, sql } from 'drizzle-orm';
import { liveAlertStatuses } from '#contracts/alerts';
import type { LiveAlert } from '#contracts/live';
import type { RoomSeed, VehicleFacts, VehicleReading } from '#durable-objects/fleet-room/feed';
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

/** Everything a room needs of one source tenant, read in one transaction with the tenant's change counter. */
export async function readSeed(db: Database, sourceTenantId: string): Promise<RoomSeed | null> {
  const [[tenant], vehicleRows, alertRows] = await db.batch([
    db.select({ counter: tenants.changeCounter }).from(tenants).where(eq(tenants.id, sourceTenantId)),
    db.select().from(vehicles).where(eq(vehicles.tenantId, sourceTenantId)),
    db
      .select()
      .from(alerts)
      .where(and(eq(alerts.tenantId, sourceTenantId), inArray(alerts.status, [...liveAlertStatuses]))),
  ]);
  if (tenant === undefined) return null;
  return {
    sourceTenantId,
    counter: tenant.counter,
    vehicles: vehicleRows.map(toFacts),
    alerts: alertRows.map(toLiveAlert),
    readings: vehicleRows.flatMap(toReading),
  };
}

/** A dealer's room shows its customers' trucks and what is wrong with them, not how their portal sync fares. */
export const alertsForRoom = (alerts: LiveAlert[], roomTenantId: string): LiveAlert[] =>
  alerts.filter((alert) => alert.type !== 'sync' || alert.tenantId === roomTenantId);

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
