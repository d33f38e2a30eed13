/** Keys for machines. Each throws ApiFailure. */
import type { ApiKey, CreateApiKeyInput, IssuedApiKey } from '#contracts/api-keys';
import { answer, answerEmpty, api } from './client.ts';
import { paged, type Page, type TenantScope } from './fleet.ts';

export const listKeys = (query: TenantScope & { page?: number; pageSize?: number }): Promise<Page<ApiKey>> =>
  answer(api.GET('/api/v1/api-keys', { params: { query: paged(query) } }));

/** The answer is the only place that shows the key. */
export const createKey = async (scope: TenantScope, input: CreateApiKeyInput): Promise<IssuedApiKey> =>
  (await answer(api.POST('/api/v1/api-keys', { params: { query: scope }, body: input }))).data;

/** A new secret, shown once; the one before it works on for `overlapHours`. */
export const rotateKey = async (scope: TenantScope, id: string, overlapHours: number): Promise<IssuedApiKey> =>
  (
    await answer(
      api.POST('/api/v1/api-keys/{id}/rotate', { params: { path: { id }, query: scope }, body: { overlapHours } }),
    )
  ).data;

export const revokeKey = (scope: TenantScope, id: string): Promise<void> =>
  answerEmpty(api.DELETE('/api/v1/api-keys/{id}', { params: { path: { id }, query: scope } }));
