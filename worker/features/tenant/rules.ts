/** What a change of a tenant's settings amounts to. Pure. */
import { tenantSettingsSchema, type AdminUpdateTenantInput } from '#contracts/tenants';
import type { TenantRow } from './store.ts';

/** What of a tenant may be changed, as the audit log shows it. */
export function changeableOf(row: TenantRow): Record<string, unknown> {
  const { timeZone, units, flags, requireMfa, requestsPerMinute } = tenantSettingsSchema.parse(row.settings);
  const { name, isActive, ingestGates } = row;
  return { name, timeZone, units, flags, requireMfa, requestsPerMinute, ingestGates, isActive };
}

/** The settings of an input, as a patch of the stored JSON: what is not mentioned stays, flag by flag. */
export function settingsPatch(input: AdminUpdateTenantInput): Record<string, unknown> {
  const { timeZone, units, flags, requireMfa, requestsPerMinute } = input;
  const given = Object.entries({ timeZone, units, flags, requireMfa, requestsPerMinute });
  return Object.fromEntries(given.filter(([, value]) => value !== undefined));
}

/** True of the change that makes a second factor everybody's duty. */
export const demandsFactor = (known: TenantRow, input: AdminUpdateTenantInput): boolean =>
  input.requireMfa === true && !tenantSettingsSchema.parse(known.settings).requireMfa;

/** True of the change that turns forecasts on or off. */
export const switchesForecasts = (known: TenantRow, input: AdminUpdateTenantInput): boolean =>
  input.flags?.predictions !== undefined &&
  input.flags.predictions !== tenantSettingsSchema.parse(known.settings).flags.predictions;

/** Only what differs, on both sides. */
export function differenceOf(before: Record<string, unknown>, after: Record<string, unknown>) {
  const names = Object.keys(after).filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]));
  const pick = (from: Record<string, unknown>) => Object.fromEntries(names.map((name) => [name, from[name]]));
  return { before: pick(before), after: pick(after), isEmpty: names.length === 0 };
}

/** The row as it will be; the statement does the same to whatever the row is by then. */
export function patched(row: TenantRow, input: AdminUpdateTenantInput): TenantRow {
  const known = tenantSettingsSchema.parse(row.settings).flags;
  const flags = {
    predictions: input.flags?.predictions ?? known.predictions,
    alerts: input.flags?.alerts ?? known.alerts,
  };
  const settings = { ...row.settings, ...settingsPatch(input), flags };
  const { name = row.name, isActive = row.isActive, ingestGates = row.ingestGates } = input;
  return { ...row, name, isActive, ingestGates, settings };
}
