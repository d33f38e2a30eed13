/** The settings of one organisation. Each throws ApiFailure. */
import type { Tenant, UpdateTenantInput } from '#contracts/tenants';
import { answer, api } from './client.ts';
import type { TenantScope } from './fleet.ts';

/** Changes what is named, keeps the rest. */
export const updateOrganisation = async (scope: TenantScope, changes: UpdateTenantInput): Promise<Tenant> =>
  (await answer(api.PATCH('/api/v1/tenant', { params: { query: scope }, body: changes }))).data;
