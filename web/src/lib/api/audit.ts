/** The audit log: reading it, having it proven. Each throws ApiFailure. */
import type { AuditEntry, AuditVerification } from '#contracts/audit';
import { answer, api } from './client.ts';
import type { TenantScope } from './fleet.ts';

export interface AuditQuery extends TenantScope {
  actorId?: string;
  action?: string;
  outcome?: AuditEntry['outcome'];
  /** Both ends count, RFC 3339. */
  from?: string;
  to?: string;
  cursor?: string;
}

export interface AuditPart {
  data: AuditEntry[];
  meta: { nextCursor: string | null };
}

/** Newest first. */
export const listAudit = (query: AuditQuery, limit = 50): Promise<AuditPart> =>
  answer(api.GET('/api/v1/audit', { params: { query: { ...query, limit: String(limit) } } }));

export const verifyAudit = async (scope: TenantScope): Promise<AuditVerification> =>
  (await answer(api.GET('/api/v1/audit/verify', { params: { query: scope } }))).data;
