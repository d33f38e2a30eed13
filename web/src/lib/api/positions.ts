/** Where vehicles were: one's track, and the whole fleet at an instant. Each throws ApiFailure. */
import { fleetAtSchema, maxTrackLimit, positionSchema, type FleetAt, type Position } from '#contracts/positions';
import { feedOf } from '#contracts/primitives';
import { answer, api } from './client.ts';
import type { TenantScope } from './fleet.ts';

export interface TrackAsk {
  from: string;
  to: string;
  /** Leaves out points that lie closer than this many metres to the line drawn without them; null: every point. */
  simplify: number | null;
}

const feedSchema = feedOf(positionSchema);

/** One part of a vehicle's track, oldest first, and where the next part begins. */
export async function readTrack(
  id: string,
  { from, to, simplify }: TrackAsk,
  cursor: string | null,
): Promise<{ positions: Position[]; nextCursor: string | null }> {
  const query = {
    from,
    to,
    limit: String(maxTrackLimit),
    ...(simplify === null ? {} : { simplify: String(simplify) }),
    ...(cursor === null ? {} : { cursor }),
  };
  const { data, meta } = feedSchema.parse(
    await answer(api.GET('/api/v1/vehicles/{id}/positions', { params: { path: { id }, query } })),
  );
  return { positions: data, nextCursor: meta.nextCursor };
}

/** The fleet as it stood at an instant of the last thirty days. */
export const readFleetAt = async (scope: TenantScope, time: string): Promise<FleetAt> =>
  fleetAtSchema.parse((await answer(api.GET('/api/v1/live/at', { params: { query: { ...scope, time } } }))).data);
