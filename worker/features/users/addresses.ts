/** Whom of a tenant a mail goes to, by what they may do. */
import { and, eq, inArray, isNull } from 'drizzle-orm';
import { permissionsOf, roles, type Permission } from '#contracts/roles';
import type { Database } from '../../db/client.ts';
import { users } from '../../db/schema/index.ts';

/** A message goes to this many people of a tenant at most. */
const maxAddresses = 20;

/**
 * Addresses of a tenant's active people who hold a permission.
 * @unscoped mail of jobs, and of one tenant to another that never sees whom it reaches
 */
export async function listAddressesOf(db: Database, tenantId: string, permission: Permission): Promise<string[]> {
  const holding = roles.filter((role) => permissionsOf[role].includes(permission));
  const rows = await db
    .select({ email: users.email })
    .from(users)
    .where(
      and(
        eq(users.tenantId, tenantId),
        inArray(users.role, holding),
        eq(users.isDeactivated, false),
        isNull(users.deletedAt),
      ),
    )
    .limit(maxAddresses);
  return rows.map((row) => row.email);
}
