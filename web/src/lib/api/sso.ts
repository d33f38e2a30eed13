/** The identity providers of an organisation. Each throws ApiFailure. */
import type { CreateOidcProviderInput, OidcProvider, OidcTest, UpdateOidcProviderInput } from '#contracts/oidc';
import { answer, answerEmpty, api } from './client.ts';
import type { Page, TenantScope } from './fleet.ts';

export const listProviders = (scope: TenantScope): Promise<Page<OidcProvider>> =>
  answer(api.GET('/api/v1/oidc-providers', { params: { query: { ...scope, pageSize: '100' } } }));

export const createProvider = async (scope: TenantScope, input: CreateOidcProviderInput): Promise<OidcProvider> =>
  (await answer(api.POST('/api/v1/oidc-providers', { params: { query: scope }, body: input }))).data;

/** What is not mentioned is kept. */
export const updateProvider = async (id: string, changes: UpdateOidcProviderInput): Promise<OidcProvider> =>
  (await answer(api.PATCH('/api/v1/oidc-providers/{id}', { params: { path: { id } }, body: changes }))).data;

export const deleteProvider = (id: string): Promise<void> =>
  answerEmpty(api.DELETE('/api/v1/oidc-providers/{id}', { params: { path: { id } } }));

/** Looks at it the way a sign-in would. */
export const testProvider = async (id: string): Promise<OidcTest> =>
  (await answer(api.POST('/api/v1/oidc-providers/{id}/test', { params: { path: { id } } }))).data;

/** Looks for the record that proves a domain; the operator may approve it without one. */
export const verifyDomain = async (
  scope: TenantScope,
  id: string,
  domain: string,
  approve: boolean,
): Promise<OidcProvider> =>
  (
    await answer(
      api.POST('/api/v1/oidc-providers/{id}/domains/{domain}/verify', {
        params: { path: { id, domain }, query: scope },
        body: approve ? { approve: true } : {},
      }),
    )
  ).data;
