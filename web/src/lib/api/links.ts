/** Links between a fleet and its dealers. Each throws ApiFailure. */
import type { DealerLink } from '#contracts/dealer-links';
import { answer, answerEmpty, api } from './client.ts';
import { paged, type Page, type TenantScope } from './fleet.ts';

/** Newest first; ended ones are the history. */
export const listLinks = (
  query: TenantScope & { status: DealerLink['status']; page?: number; pageSize?: number },
): Promise<Page<DealerLink>> => answer(api.GET('/api/v1/dealer-links', { params: { query: paged(query) } }));

/** `otherId`: the organisation asked. */
export const askForLink = async (scope: TenantScope, otherId: string): Promise<DealerLink> =>
  (await answer(api.POST('/api/v1/dealer-links', { params: { query: scope }, body: { tenantId: otherId } }))).data;

export const acceptLink = async (scope: TenantScope, id: string): Promise<DealerLink> =>
  (await answer(api.POST('/api/v1/dealer-links/{id}/accept', { params: { path: { id }, query: scope } }))).data;

/** Ends a link, declines a request, or takes one back. */
export const endLink = (scope: TenantScope, id: string): Promise<void> =>
  answerEmpty(api.DELETE('/api/v1/dealer-links/{id}', { params: { path: { id }, query: scope } }));
