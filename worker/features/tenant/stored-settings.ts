/** A tenant's settings as they are stored, for jobs that go over all tenants: what cannot be read is one tenant's trouble. */
import { tenantSettingsSchema, type TenantSettings } from '#contracts/tenants';
import { logFailure } from '../../log.ts';

/** null, and a line in the log, where they cannot be read. */
export function readSettings(tenantId: string, json: string): TenantSettings | null {
  try {
    return tenantSettingsSchema.parse(JSON.parse(json));
  } catch (cause) {
    logFailure('settings_unreadable', cause, { tenantId });
    return null;
  }
}
