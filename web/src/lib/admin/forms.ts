/** The operator's forms. What they send is handed in. */
import {
  adminUpdateTenantInputSchema,
  createTenantInputSchema,
  type AdminTenant,
  type AdminUpdateTenantInput,
  type CreateTenantInput,
  type TenantKind,
} from '#contracts/tenants';
import { Form } from '../state/form.svelte.ts';

const words = {
  name: 'Enter the name of the organisation.',
  kind: 'Choose dealer or fleet.',
  adminEmail: 'Enter an e-mail address, such as name@company.com, or nothing.',
  requestsPerMinute: 'Enter a whole number from 1 to 1,000,000, or nothing.',
};

export type NewOrganisationForm = ReturnType<typeof newOrganisationForm>;
export const newOrganisationForm = (send: (input: CreateTenantInput) => Promise<void>) =>
  new Form({
    values: {
      name: '',
      kind: '' as TenantKind | '',
      timeZone: 'America/Denver',
      units: 'us' as 'us' | 'metric',
      adminEmail: '',
    },
    schema: createTenantInputSchema,
    toInput: ({ adminEmail, ...rest }) => ({ ...rest, ...(adminEmail.trim() === '' ? {} : { adminEmail }) }),
    send,
    words,
  });

export type OperatorForm = ReturnType<typeof operatorForm>;
export const operatorForm = (
  { name, requestsPerMinute }: Pick<AdminTenant, 'name' | 'requestsPerMinute'>,
  send: (changes: AdminUpdateTenantInput) => Promise<void>,
) =>
  new Form({
    values: { name, requestsPerMinute: requestsPerMinute === null ? '' : String(requestsPerMinute) },
    schema: adminUpdateTenantInputSchema,
    toInput: (values) => ({
      name: values.name,
      requestsPerMinute: values.requestsPerMinute.trim() === '' ? null : Number(values.requestsPerMinute),
    }),
    send,
    words,
  });
