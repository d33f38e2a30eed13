/** Conditions shared by stores: rows of a scope, rows of a list of ids. Lists travel as one JSON parameter: D1 binds 100. */
import { eq, sql, type SQL } from 'drizzle-orm';
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core';
import type { ReadScope } from '../http/tenant-scope.ts';

/** Right side of `column in …` for any number of ids. */
export const idsIn = (ids: readonly string[]): SQL => sql`(select value from json_each(${JSON.stringify(ids)}))`;

/**
 * Rows of the readable tenants. A scope of one tenant, the common case, stays a plain equality, which keeps an index
 * usable for the order too.
 */
export function inTenants(column: SQLiteColumn, scope: ReadScope): SQL {
  const [first, ...more] = scope.readableTenantIds;
  if (first !== undefined && more.length === 0) return eq(column, first);
  return sql`${column} in ${idsIn(scope.readableTenantIds)}`;
}
