/** Which of the vehicles a gateway names are the tenant's own. */
import { and, eq, or, sql } from 'drizzle-orm';
import type { Database } from '../../db/client.ts';
import { vehicles } from '../../db/schema/index.ts';
import type { TenantScope } from '../../http/tenant-scope.ts';

/** Ids of the scope's own vehicles by VIN and by id, in one statement; another tenant's are as unknown as invented ones. */
export async function resolveVehicles(
  scope: TenantScope,
  db: Database,
  named: { vins: readonly string[]; ids: readonly string[] },
): Promise<{ byVin: Map<string, string>; ids: Set<string> }> {
  const rows = await db
    .select({ id: vehicles.id, vin: vehicles.vin })
    .from(vehicles)
    .where(
      and(
        eq(vehicles.tenantId, scope.tenantId),
        or(
          sql`${vehicles.vin} in (select value from json_each(${JSON.stringify(named.vins)}))`,
          sql`${vehicles.id} in (select value from json_each(${JSON.stringify(named.ids)}))`,
        ),
      ),
    );
  return { byVin: new Map(rows.map((row) => [row.vin, row.id])), ids: new Set(rows.map((row) => row.id)) };
}
