/** What the operator sees and does across organisations. Each throws ApiFailure. */
import type { RevocationStats, TenantSyncStatus, TriggeredSync } from '#contracts/admin';
import type { AdminTenant, AdminUpdateTenantInput, CreateTenantInput } from '#contracts/tenants';
import { answer, api } from './client.ts';
import { paged, type Page } from './fleet.ts';

export const listOrganisations = (query: {
  q?: string;
  page?: number;
  pageSize?: number;
}): Promise<Page<AdminTenant>> => answer(api.GET('/api/v1/admin/tenants', { params: { query: paged(query) } }));

export const createOrganisation = async (input: CreateTenantInput): Promise<AdminTenant> =>
  (await answer(api.POST('/api/v1/admin/tenants', { body: input }))).data;

export const updateOrganisationAsOperator = async (id: string, changes: AdminUpdateTenantInput): Promise<AdminTenant> =>
  (await answer(api.PATCH('/api/v1/admin/tenants/{id}', { params: { path: { id } }, body: changes }))).data;

export const listSyncHealth = (page: number): Promise<Page<TenantSyncStatus>> =>
  answer(api.GET('/api/v1/admin/sync-status', { params: { query: { page: String(page), pageSize: '50' } } }));

/** Starts the sync of one organisation, or of all of them. */
export const triggerSync = async (tenantId: string | null): Promise<TriggeredSync> =>
  (await answer(api.POST('/api/v1/admin/sync/trigger', { body: tenantId === null ? {} : { tenantId } }))).data;

export const getRevocationStats = async (): Promise<RevocationStats> =>
  (await answer(api.GET('/api/v1/admin/revocations/stats', {}))).data;
