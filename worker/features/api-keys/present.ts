/** Row → contract, by allow-list. */
import type { ApiKey } from '#contracts/api-keys';
import type { ApiKeyRow } from './store.ts';

export function toApiKey(row: ApiKeyRow, now: Date): ApiKey {
  const [newest, previous] = row.secrets;
  return {
    id: row.id,
    tenantId: row.tenantId,
    name: row.name,
    scopes: row.scopes,
    hint: newest?.hint ?? '',
    ipAllowList: row.ipAllowList,
    requestsPerMinute: row.requestsPerMinute,
    createdBy: row.createdBy,
    createdAt: row.createdAt,
    // A key is made together with its first secret.
    expiresAt: newest?.expiresAt ?? row.createdAt,
    previousExpiresAt: previous !== undefined && previous.expiresAt > now.toISOString() ? previous.expiresAt : null,
    lastUsedAt: row.lastUsedAt,
    lastUsedIp: row.lastUsedIp,
  };
}
