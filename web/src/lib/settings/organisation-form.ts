/** The form of an organisation's settings, and the zones to choose from. */
import type { z } from 'zod';
import { updateTenantInputSchema, type Tenant, type UpdateTenantInput } from '#contracts/tenants';
import { Form } from '../state/form.svelte.ts';

export interface OrganisationValues {
  name: string;
  timeZone: string;
  units: 'us' | 'metric';
  flags: { predictions: boolean; alerts: boolean };
  requireMfa: boolean;
}

export const valuesOf = ({ name, timeZone, units, flags, requireMfa }: Tenant): OrganisationValues => ({
  name,
  timeZone,
  units,
  flags: { ...flags },
  requireMfa,
});

export type OrganisationForm = Form<OrganisationValues, z.ZodType<UpdateTenantInput>>;

export const organisationForm = (
  tenant: Tenant,
  send: (changes: UpdateTenantInput) => Promise<void>,
): OrganisationForm =>
  new Form({
    values: valuesOf(tenant),
    schema: updateTenantInputSchema,
    send,
    words: { name: 'Enter the name of your organisation.', timeZone: 'Choose a time zone.' },
  });

/** North America first: that is where the trucks are. */
const nearZones = [
  'America/New_York',
  'America/Chicago',
  'America/Denver',
  'America/Phoenix',
  'America/Los_Angeles',
  'America/Anchorage',
  'Pacific/Honolulu',
  'America/Toronto',
  'America/Winnipeg',
  'America/Edmonton',
  'America/Vancouver',
  'America/Mexico_City',
];

/** Every zone the browser knows, the near ones apart; `current` is among them even when the browser does not know it. */
export function zoneChoices(current: string): { near: string[]; others: string[] } {
  const known = new Set([...Intl.supportedValuesOf('timeZone'), 'UTC', current]);
  const near = nearZones.filter((zone) => known.has(zone));
  return { near, others: [...known].filter((zone) => !near.includes(zone)).sort() };
}

/** "America/Los_Angeles" → "America/Los Angeles". */
export const zoneWord = (zone: string): string => zone.replaceAll('_', ' ');
