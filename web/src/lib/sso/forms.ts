/** The forms of identity providers. What they send is handed in. */
import {
  createOidcProviderInputSchema,
  updateOidcProviderInputSchema,
  type CreateOidcProviderInput,
  type OidcProvider,
  type UpdateOidcProviderInput,
} from '#contracts/oidc';
import type { Role } from '#contracts/roles';
import { Form } from '../state/form.svelte.ts';

export interface ProviderValues {
  preset: OidcProvider['preset'];
  name: string;
  issuer: string;
  directoryId: string;
  clientId: string;
  /** Empty: none, or the one that is stored. */
  clientSecret: string;
  /** Between commas or one a line. */
  allowedDomains: string;
  /** Empty: nobody is made an account by signing in. */
  defaultRole: Role | '';
  /** Addresses or blocks, one a line; empty: from anywhere. */
  logoutIpAllowList: string;
}

const entriesOf = (text: string): string[] => text.split(/[\s,;]+/).filter((entry) => entry !== '');

const domainsOf = (text: string): string[] =>
  entriesOf(text)
    // People paste addresses as well: the part after the @ is what is meant.
    .map((entry) => entry.slice(entry.lastIndexOf('@') + 1))
    .filter((entry) => entry !== '');

const words = {
  name: 'Give it the name that people see on the sign-in page.',
  issuer: 'Enter the issuer, an https address.',
  directoryId: 'Enter the directory (tenant) id: it looks like 8f2c1e9a-1111-4222-8333-444455556666.',
  clientId: 'Enter the client id.',
  allowedDomains: 'Enter at least one domain, such as company.com.',
};

const shared = ({ name, clientId, clientSecret, allowedDomains, defaultRole, logoutIpAllowList }: ProviderValues) => ({
  name,
  clientId,
  ...(clientSecret === '' ? {} : { clientSecret }),
  allowedDomains: domainsOf(allowedDomains),
  defaultRole: defaultRole === '' ? null : defaultRole,
  logoutIpAllowList: entriesOf(logoutIpAllowList).length === 0 ? null : entriesOf(logoutIpAllowList),
});

export type NewProviderForm = ReturnType<typeof newProviderForm>;
export const newProviderForm = (send: (input: CreateOidcProviderInput) => Promise<void>) =>
  new Form({
    values: {
      preset: 'entra',
      name: 'Microsoft',
      issuer: '',
      directoryId: '',
      clientId: '',
      clientSecret: '',
      allowedDomains: '',
      defaultRole: '',
      logoutIpAllowList: '',
    } as ProviderValues,
    schema: createOidcProviderInputSchema,
    toInput: (values) => ({
      ...shared(values),
      preset: values.preset,
      ...(values.preset === 'entra' ? { directoryId: values.directoryId.trim() } : { issuer: values.issuer.trim() }),
    }),
    send,
    words,
    explain: (failure) =>
      failure.code === 'FORBIDDEN' ? 'Nobody hands out more than they hold: choose a lesser role for newcomers.' : null,
  });

export type ProviderForm = ReturnType<typeof providerForm>;
/** Issuer and preset stay what they are: who signed in through them is known by them. */
export const providerForm = (provider: OidcProvider, send: (changes: UpdateOidcProviderInput) => Promise<void>) =>
  new Form({
    values: {
      preset: provider.preset,
      name: provider.name,
      issuer: provider.issuer,
      directoryId: '',
      clientId: provider.clientId,
      clientSecret: '',
      allowedDomains: provider.allowedDomains.join(', '),
      defaultRole: provider.defaultRole ?? '',
      logoutIpAllowList: (provider.logoutIpAllowList ?? []).join('\n'),
    } as ProviderValues,
    schema: updateOidcProviderInputSchema,
    toInput: shared,
    send,
    words,
  });
