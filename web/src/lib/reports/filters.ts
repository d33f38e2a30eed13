/** What the accuracy report is asked for, and the URL that holds it. Pure. */
import { idSchema } from '#contracts/primitives';
import type { AccuracyQuery } from '../api/reports.ts';
import { dayAt, dayEnd, dayPlus, dayStart } from '../format/days.ts';

export const periods = [30, 90, 180, 365] as const;
const defaultPeriod = 180;

export interface AccuracyFilters {
  /** Days back from today; null while `from` and `to` say it. */
  period: (typeof periods)[number] | null;
  /** Days in UTC, as predictions are counted; both ends included. */
  from: string | null;
  to: string | null;
  tenantId: string | null;
  modelVersion: string | null;
}

const dayIn = (value: string | null): string | null =>
  value !== null && dayStart(value, 'UTC') !== null ? value : null;

/** Filters from a URL; what the URL gets wrong falls back to the last 180 days of everybody. */
export function accuracyFiltersFrom(params: { get: (name: string) => string | null }): AccuracyFilters {
  const from = dayIn(params.get('from'));
  const to = dayIn(params.get('to'));
  const version = params.get('modelVersion');
  return {
    period:
      from === null && to === null
        ? (periods.find((days) => String(days) === params.get('days')) ?? defaultPeriod)
        : null,
    from,
    to,
    tenantId: idSchema.safeParse(params.get('tenantId')).data ?? null,
    modelVersion: version === null || version === '' ? null : version.slice(0, 100),
  };
}

/** The URL's query, defaults left out. */
export function accuracyParams({ period, from, to, tenantId, modelVersion }: AccuracyFilters): string {
  const params = new URLSearchParams();
  if (period !== null && period !== defaultPeriod) params.set('days', String(period));
  if (period === null && from !== null) params.set('from', from);
  if (period === null && to !== null) params.set('to', to);
  if (tenantId !== null) params.set('tenantId', tenantId);
  if (modelVersion !== null) params.set('modelVersion', modelVersion);
  return params.toString();
}

/** What to ask of the API: whole days in UTC. */
export function accuracyQuery(filters: AccuracyFilters, nowMs: number): AccuracyQuery {
  const today = dayAt(nowMs, 'UTC');
  const from = filters.period === null ? filters.from : dayPlus(today, -filters.period);
  const since = from === null ? null : dayStart(from, 'UTC');
  const until = filters.to === null ? null : dayEnd(filters.to, 'UTC');
  return {
    ...(since === null ? {} : { from: since }),
    ...(until === null ? {} : { to: until }),
    ...(filters.tenantId === null ? {} : { tenantId: filters.tenantId }),
    ...(filters.modelVersion === null ? {} : { modelVersion: filters.modelVersion }),
  };
}
