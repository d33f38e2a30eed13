/**
 * The part of the API this dashboard speaks, from the shared contracts, in the shape openapi-typescript gives.
 */
import type { AcknowledgeAlertInput, Alert, AlertListQuery, ResolveAlertInput } from '#contracts/alerts';
import type { SignedInUser, SignInResult } from '#contracts/auth';
import type { ErrorBody } from '#contracts/errors';
import type { Fault } from '#contracts/faults';
import type { LiveTicket } from '#contracts/live';
import type { PageMeta } from '#contracts/primitives';
import type { Prediction } from '#contracts/risk';
import type { StartSyncRunInput, SyncRun, SyncStatus } from '#contracts/sync';
import type { Tenant } from '#contracts/tenants';
import type { Vehicle, VehicleListQuery } from '#contracts/vehicles';

interface Json<T> {
  headers: Record<string, unknown>;
  content: { 'application/json': T };
}
interface Answers<T> {
  200: Json<T>;
  default: Json<ErrorBody>;
}
interface One<T> {
  data: T;
}
interface Page<T> {
  data: T[];
  meta: PageMeta;
}
interface Feed<T> {
  data: T[];
  meta: { nextCursor: string | null };
}
interface Id {
  id: string;
}
interface TenantQuery {
  tenantId?: string;
}
interface Paging {
  page?: number;
  pageSize?: number;
}
interface Get<Result, Query = never, Path = never> {
  get: { parameters: { query?: Query; path: Path }; responses: Answers<Result> };
}
interface GetAll<Result, Query = never> {
  get: { parameters: { query?: Query }; responses: Answers<Result> };
}
interface Write<Body> {
  requestBody?: { content: { 'application/json': Body } };
}

export interface paths {
  '/api/v1/auth/login': {
    post: {
      parameters: Record<string, never>;
      responses: Answers<One<SignInResult>>;
      requestBody: {
        content: { 'application/json': { email: string; password: string; delivery: 'cookie' | 'body' } };
      };
    };
  };
  '/api/v1/auth/logout': { post: { parameters: Record<string, never>; responses: { 204: { headers: object } } } };
  '/api/v1/auth/me': GetAll<One<SignedInUser>>;
  '/api/v1/tenant': GetAll<One<Tenant>>;
  '/api/v1/admin/tenants': GetAll<Page<Tenant>, Paging>;
  '/api/v1/vehicles': GetAll<Page<Vehicle>, Partial<VehicleListQuery>>;
  '/api/v1/vehicles/{id}': Get<One<Vehicle>, never, Id>;
  '/api/v1/vehicles/{id}/fault-codes': Get<Page<Fault>, Paging & { active?: 'true' | 'false' }, Id>;
  '/api/v1/vehicles/{id}/predictions': Get<Page<Prediction>, Paging, Id>;
  '/api/v1/alerts': GetAll<Page<Alert>, AlertListQuery>;
  '/api/v1/alerts/{id}': Get<One<Alert>, never, Id>;
  '/api/v1/alerts/{id}/acknowledge': {
    put: { parameters: { path: Id }; responses: Answers<One<Alert>> } & Write<AcknowledgeAlertInput>;
  };
  '/api/v1/alerts/{id}/resolve': {
    put: { parameters: { path: Id }; responses: Answers<One<Alert>> } & Write<ResolveAlertInput>;
  };
  '/api/v1/sync/status': GetAll<One<SyncStatus>, TenantQuery>;
  '/api/v1/sync/runs': GetAll<Feed<SyncRun>, TenantQuery & { cursor?: string; limit?: number }> & {
    post: { parameters: { query?: TenantQuery }; responses: { 202: Json<One<Id>>; default: Json<ErrorBody> } } & Write<
      StartSyncRunInput
    >;
  };
  '/api/v1/live/tickets': {
    post: { parameters: { query?: TenantQuery }; responses: Answers<One<LiveTicket>> };
  };
}
