/** Which of the named vehicles the caller may see. */
import { and, sql } from 'drizzle-orm';
import type { Database } from '../../db/client.ts';
import { vehicles } from '../../db/schema/index.ts';
import { idsIn } from '../../db/scoped.ts';
import type { ReadScope } from '../../http/tenant-scope.ts';
import { visibleVehicles, type VehicleRow } from '../vehicles/store.ts';

/** Those of the named vehicles that exist for the scope, in no order. */
export const findVehicles = (scope: ReadScope, db: Database, ids: readonly string[]): Promise<VehicleRow[]> =>
  db
    .select()
    .from(vehicles)
    .where(and(sql`${vehicles.id} in ${idsIn(ids)}`, visibleVehicles(scope)));
