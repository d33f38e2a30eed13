/** What of the audit log is shown, and the URL that holds it. Pure. */
import { auditOutcomes, type AuditEntry } from '#contracts/audit';
import { idSchema } from '#contracts/primitives';
import type { AuditQuery } from '../api/audit.ts';
import { dayEnd, dayStart } from '../format/days.ts';

export interface AuditFilters {
  actorId: string | null;
  action: string | null;
  outcome: AuditEntry['outcome'] | null;
  /** Days in the organisation's zone, both ends included. */
  from: string | null;
  to: string | null;
}

export const noAuditFilters: AuditFilters = { actorId: null, action: null, outcome: null, from: null, to: null };

const dayIn = (value: string | null): string | null =>
  value !== null && dayStart(value, 'UTC') !== null ? value : null;

/** Filters from a URL; what the URL gets wrong is left out. */
export function auditFiltersFrom(params: { get: (name: string) => string | null }): AuditFilters {
  const actorId = params.get('actorId');
  const action = params.get('action');
  return {
    actorId: idSchema.safeParse(actorId).data ?? null,
    action: action !== null && /^[a-z_]{1,40}(\.[a-z_]{1,39})?$/.test(action) ? action : null,
    outcome: auditOutcomes.find((outcome) => outcome === params.get('outcome')) ?? null,
    from: dayIn(params.get('from')),
    to: dayIn(params.get('to')),
  };
}

/** The URL's query, what is not filtered by left out. */
export function auditParams(filters: AuditFilters): string {
  const set = Object.entries(filters).filter((entry): entry is [string, string] => entry[1] !== null);
  return new URLSearchParams(set).toString();
}

export const isAuditFiltered = (filters: AuditFilters): boolean =>
  Object.values(filters).some((value) => value !== null);

/** What to ask of the API. */
export function auditQuery({ actorId, action, outcome, from, to }: AuditFilters, timeZone: string): AuditQuery {
  const since = from === null ? null : dayStart(from, timeZone);
  const until = to === null ? null : dayEnd(to, timeZone);
  return {
    ...(actorId === null ? {} : { actorId }),
    ...(action === null ? {} : { action }),
    ...(outcome === null ? {} : { outcome }),
    ...(since === null ? {} : { from: since }),
    ...(until === null ? {} : { to: until }),
  };
}
