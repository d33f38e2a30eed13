/** What the screens ask of the API, one function per question. Each throws ApiFailure. */
import type { Alert, AlertSeverity, AlertStatus } from '#contracts/alerts';
import type { Fault } from '#contracts/faults';
import type { LiveTicket } from '#contracts/live';
import { pageOf, type PageMeta } from '#contracts/primitives';
import { predictionSchema, type Prediction, type RiskLevel } from '#contracts/risk';
import type { SyncRun, SyncStatus } from '#contracts/sync';
import type { Tenant } from '#contracts/tenants';
import type { Vehicle, VehicleSortField, VehicleStatus } from '#contracts/vehicles';
import { answer, api } from './client.ts';

export interface Page<T> {
  data: T[];
  meta: PageMeta;
}

/** One tenant of the caller's, or all of them when left out. */
export interface TenantScope {
  tenantId?: string;
}

export interface VehicleQuery extends TenantScope {
  q?: string;
  riskLevel?: RiskLevel;
  status?: VehicleStatus;
  sort?: VehicleSortField | `-${VehicleSortField}`;
  page?: number;
  pageSize?: number;
}

export interface AlertQuery extends TenantScope {
  status?: AlertStatus;
  severity?: AlertSeverity;
  vehicleId?: string;
  page?: number;
  pageSize?: number;
}

/** The query string carries numbers as text. */
export const paged = <T extends { page?: number; pageSize?: number }>({ page, pageSize, ...rest }: T) => ({
  ...rest,
  ...(page === undefined ? {} : { page: String(page) }),
  ...(pageSize === undefined ? {} : { pageSize: String(pageSize) }),
});

export const getTenant = async (): Promise<Tenant> => (await answer(api.GET('/api/v1/tenant', {}))).data;

export const listTenants = (): Promise<Page<Tenant>> =>
  answer(api.GET('/api/v1/admin/tenants', { params: { query: { pageSize: '100' } } }));

export const listVehicles = (query: VehicleQuery): Promise<Page<Vehicle>> =>
  answer(api.GET('/api/v1/vehicles', { params: { query: paged(query) } }));

export const getVehicle = async (id: string): Promise<Vehicle> =>
  (await answer(api.GET('/api/v1/vehicles/{id}', { params: { path: { id } } }))).data;

export const listFaults = (id: string): Promise<Page<Fault>> =>
  answer(api.GET('/api/v1/vehicles/{id}/fault-codes', { params: { path: { id }, query: { pageSize: '100' } } }));

const predictionPageSchema = pageOf(predictionSchema);

/** Newest first. Read by the contract: a prediction that is kept always has a level and an action. */
export const listPredictions = async (id: string, pageSize = 100): Promise<Page<Prediction>> =>
  predictionPageSchema.parse(
    await answer(
      api.GET('/api/v1/vehicles/{id}/predictions', { params: { path: { id }, query: { pageSize: String(pageSize) } } }),
    ),
  );

export const listAlerts = (query: AlertQuery): Promise<Page<Alert>> =>
  answer(api.GET('/api/v1/alerts', { params: { query: paged(query) } }));

export const getAlert = async (id: string): Promise<Alert> =>
  (await answer(api.GET('/api/v1/alerts/{id}', { params: { path: { id } } }))).data;

const commentBody = (comment: string): { comment?: string } =>
  comment.trim() === '' ? {} : { comment: comment.trim() };

export const acknowledgeAlert = async (id: string, comment: string): Promise<Alert> =>
  (await answer(api.PUT('/api/v1/alerts/{id}/acknowledge', { params: { path: { id } }, body: commentBody(comment) })))
    .data;

export const resolveAlert = async (id: string, comment: string): Promise<Alert> =>
  (await answer(api.PUT('/api/v1/alerts/{id}/resolve', { params: { path: { id } }, body: commentBody(comment) }))).data;

export const getSyncStatus = async (scope: TenantScope): Promise<SyncStatus> =>
  (await answer(api.GET('/api/v1/sync/status', { params: { query: scope } }))).data;

export const listSyncRuns = async (scope: TenantScope, limit: number): Promise<SyncRun[]> =>
  (await answer(api.GET('/api/v1/sync/runs', { params: { query: { ...scope, limit: String(limit) } } }))).data;

export const startSyncRun = async (scope: TenantScope): Promise<string> =>
  (await answer(api.POST('/api/v1/sync/runs', { params: { query: scope }, body: {} }))).data.id;

export const openLiveTicket = async (scope: TenantScope): Promise<LiveTicket> =>
  (await answer(api.POST('/api/v1/live/tickets', { params: { query: scope } }))).data;
