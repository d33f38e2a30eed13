/** What really happened to the trucks: service records. Each throws ApiFailure. */
import type {
  CreateServiceEventInput,
  ServiceEvent,
  ServiceEventKind,
  ServiceImportResult,
} from '#contracts/service-events';
import { answer, answerEmpty, api } from './client.ts';
import { paged, type Page, type TenantScope } from './fleet.ts';

export interface ServiceEventQuery {
  kind?: ServiceEventKind;
  page?: number;
  pageSize?: number;
}

/** Newest first. */
export const listServiceEvents = (vehicleId: string, query: ServiceEventQuery = {}): Promise<Page<ServiceEvent>> =>
  answer(api.GET('/api/v1/vehicles/{id}/service-events', { params: { path: { id: vehicleId }, query: paged(query) } }));

export const createServiceEvent = async (vehicleId: string, input: CreateServiceEventInput): Promise<ServiceEvent> =>
  (await answer(api.POST('/api/v1/vehicles/{id}/service-events', { params: { path: { id: vehicleId } }, body: input })))
    .data;

export const deleteServiceEvent = (vehicleId: string, eventId: string): Promise<void> =>
  answerEmpty(
    api.DELETE('/api/v1/vehicles/{id}/service-events/{eventId}', { params: { path: { id: vehicleId, eventId } } }),
  );

/** A CSV as text; good rows are kept, bad rows are named by their line. */
export const importServiceEvents = async (scope: TenantScope, csv: string): Promise<ServiceImportResult> =>
  (
    await answer(
      api.POST('/api/v1/service-events/import', {
        params: { query: scope },
        body: csv,
        bodySerializer: (text: string) => text,
        headers: { 'Content-Type': 'text/csv' },
      }),
    )
  ).data;
