/** What training needs to know of the tenant itself. */
import { eq } from 'drizzle-orm';
import { tenantSettingsSchema } from '#contracts/tenants';
import type { Database } from '../../db/client.ts';
import { tenants } from '../../db/schema/index.ts';
import type { TenantScope } from '../../http/tenant-scope.ts';

/** False when the tenant has switched predictions off, or is gone. */
export async function arePredictionsOn(scope: TenantScope, db: Database): Promise<boolean> {
  const [tenant] = await db.select({ settings: tenants.settings }).from(tenants).where(eq(tenants.id, scope.tenantId));
  return tenant !== undefined && tenantSettingsSchema.parse(tenant.settings).flags.predictions;
}
