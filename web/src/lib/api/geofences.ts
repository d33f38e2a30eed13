/** Geofences: places drawn on the map, and what trucks did at them. Each throws ApiFailure. */
import {
  geofenceSchema,
  type CreateGeofenceInput,
  type Geofence,
  type GeofenceEvent,
  type UpdateGeofenceInput,
} from '#contracts/geofences';
import { pageOf } from '#contracts/primitives';
import { answer, answerEmpty, answerWithTag, api, type Tagged } from './client.ts';
import { paged, type Page, type TenantScope } from './fleet.ts';

// Read by the contract: the API document tells of places as lists of any length.
const pageSchema = pageOf(geofenceSchema);

/** By name. */
export const listGeofences = async (
  query: TenantScope & { page?: number; pageSize?: number },
): Promise<Page<Geofence>> =>
  pageSchema.parse(await answer(api.GET('/api/v1/geofences', { params: { query: paged(query) } })));

/** With the version of it that a change must name. */
export async function getGeofence(id: string): Promise<Tagged<Geofence>> {
  const { data, tag } = await answerWithTag(api.GET('/api/v1/geofences/{id}', { params: { path: { id } } }));
  return { data: geofenceSchema.parse(data), tag };
}

export const createGeofence = async (scope: TenantScope, input: CreateGeofenceInput): Promise<Geofence> =>
  geofenceSchema.parse((await answer(api.POST('/api/v1/geofences', { params: { query: scope }, body: input }))).data);

/** Refused with PRECONDITION_FAILED when somebody has changed it since it was read as `tag`. */
export const changeGeofence = async (id: string, input: UpdateGeofenceInput, tag: string | null): Promise<Geofence> =>
  geofenceSchema.parse(
    (
      await answer(
        api.PUT('/api/v1/geofences/{id}', {
          params: { path: { id } },
          body: input,
          ...(tag === null ? {} : { headers: { 'If-Match': tag } }),
        }),
      )
    ).data,
  );

export const deleteGeofence = (id: string): Promise<void> =>
  answerEmpty(api.DELETE('/api/v1/geofences/{id}', { params: { path: { id } } }));

/** Newest first. */
export async function listGeofenceEvents(
  id: string,
  query: { from?: string; cursor?: string; limit?: number },
): Promise<{ events: GeofenceEvent[]; nextCursor: string | null }> {
  const { limit, ...rest } = query;
  const { data, meta } = await answer(
    api.GET('/api/v1/geofences/{id}/events', {
      params: { path: { id }, query: { ...rest, ...(limit === undefined ? {} : { limit: String(limit) }) } },
    }),
  );
  return { events: data, nextCursor: meta.nextCursor };
}
