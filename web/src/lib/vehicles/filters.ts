/** The vehicle list's filters and the URL that holds them. Pure. */
import { riskLevels, type RiskLevel } from '#contracts/risk';
import { vehicleSortFields, vehicleStatuses, type VehicleSortField, type VehicleStatus } from '#contracts/vehicles';

export type VehicleSort = VehicleSortField | `-${VehicleSortField}`;

export interface VehicleFilters {
  q: string;
  riskLevel: RiskLevel | null;
  status: VehicleStatus | null;
  tenantId: string | null;
  sort: VehicleSort;
  page: number;
}

export const vehiclePageSize = 50;
const defaultSort: VehicleSort = '-riskScore';

const oneOf = <T extends string>(values: readonly T[], value: string | null): T | null =>
  values.find((known) => known === value) ?? null;

/** Filters from a URL; what the URL gets wrong falls back to the default. */
export function filtersFrom(params: { get: (name: string) => string | null }): VehicleFilters {
  const sort = params.get('sort') ?? defaultSort;
  const field = oneOf(vehicleSortFields, sort.replace(/^-/, ''));
  const page = Number(params.get('page') ?? 1);
  return {
    q: params.get('q') ?? '',
    riskLevel: oneOf(riskLevels, params.get('riskLevel')),
    status: oneOf(vehicleStatuses, params.get('status')),
    tenantId: params.get('tenantId'),
    sort: field === null ? defaultSort : sort.startsWith('-') ? `-${field}` : field,
    page: Number.isInteger(page) && page > 0 ? page : 1,
  };
}

/** The URL's query for some filters, defaults left out. */
export function paramsOf(filters: VehicleFilters): URLSearchParams {
  const params = new URLSearchParams();
  if (filters.q !== '') params.set('q', filters.q);
  if (filters.riskLevel !== null) params.set('riskLevel', filters.riskLevel);
  if (filters.status !== null) params.set('status', filters.status);
  if (filters.tenantId !== null) params.set('tenantId', filters.tenantId);
  if (filters.sort !== defaultSort) params.set('sort', filters.sort);
  if (filters.page > 1) params.set('page', String(filters.page));
  return params;
}

export const isFiltered = (filters: VehicleFilters): boolean =>
  filters.q !== '' || filters.riskLevel !== null || filters.status !== null || filters.tenantId !== null;
