/** Where vehicles are and were: tracks, the fleet at an instant, the latest position of one or many. */
import {
  batchLocationInputSchema,
  batchLocationSchema,
  fleetAtQuerySchema,
  fleetAtSchema,
  positionSchema,
  trackQuerySchema,
  vehicleLocationSchema,
  vehicleStatusNowSchema,
  type VehicleLocation,
} from '#contracts/positions';
import { feedOf, oneOf } from '#contracts/primitives';
import { readScopeOf } from '../../http/authenticate.ts';
import { jsonBody } from '../../http/body.ts';
import type { AppContext } from '../../http/context.ts';
import { AppError, notFound, unknownCursor } from '../../http/errors.ts';
import {
  answer,
  body,
  bodyErrors,
  errors,
  idParam,
  noQuery,
  router,
  signedInErrors,
  signedInRoute,
} from '../../http/routes.ts';
import type { ReadScope } from '../../http/tenant-scope.ts';
import { overlayOf } from '../live/overlay.ts';
import { toVehicle } from '../vehicles/present.ts';
import { getVehicle, type VehicleRow } from '../vehicles/store.ts';
import { fleetAt } from './fleet-at.ts';
import { endOf, type TrackPart } from './merge-pages.ts';
import { readTrack, settle } from './read-track.ts';
import { complaintAboutInstant, cursorOf, judgeTrackQuery, type TrackRequest } from './rules.ts';
import { findVehicles } from './store.ts';
import { maxSimplifiedFixes, readSimplified } from './whole-track.ts';

const tags = ['Positions'];
const invalid = (path: string, message: string): AppError =>
  new AppError('VALIDATION_FAILED', `${path}: ${message}.`, { details: { issues: [{ path, message }] } });

async function requireVehicle(c: AppContext, id: string): Promise<{ scope: ReadScope; vehicle: VehicleRow }> {
  const scope = await readScopeOf(c);
  const vehicle = await getVehicle(scope, c.get('db'), id);
  if (vehicle === null) throw notFound('vehicle');
  return { scope, vehicle };
}

/** A part of the track, and whether more follows. */
async function readPart(
  c: AppContext,
  { scope, vehicle }: { scope: ReadScope; vehicle: VehicleRow },
  request: TrackRequest,
): Promise<TrackPart> {
  const { simplifyMetres, afterMs, limit } = request;
  if (simplifyMetres === null) return readTrack(scope, c.env, c.get('db'), vehicle, request);
  const points = await readSimplified(scope, c.env, c.get('db'), vehicle, { ...request, simplifyMetres });
  const rest = afterMs === null ? points : points.filter(({ at }) => Date.parse(at) > afterMs);
  return { readings: rest.slice(0, limit), hasMore: rest.length > limit };
}

/** The latest word on some vehicles: one call of each tenant's room. */
async function locate(c: AppContext, rows: readonly VehicleRow[]): Promise<VehicleLocation[]> {
  const live = await overlayOf(c.env, rows);
  return rows.map((row) => {
    const { id, status, lastPosition } = toVehicle(row, live.get(row.id), c.get('now'));
    return { vehicleId: id, status, position: lastPosition };
  });
}

async function locateOne(c: AppContext, id: string): Promise<VehicleLocation> {
  const { vehicle } = await requireVehicle(c, id);
  const [location] = await locate(c, [vehicle]);
  if (location === undefined) throw notFound('vehicle');
  return location;
}

export const positionRoutes = router()
  .openapi(
    signedInRoute(
      { permission: 'vehicles:read' },
      {
        method: 'get',
        path: '/vehicles/{id}/positions',
        tags,
        summary: "A vehicle's track, oldest first",
        description:
          'Both ends are included. Positions of more than 30 days ago come out of the archive the same way; a part of them may be empty and yet have a cursor. Days that lie in the archive class are 409 CONFLICT, their names in `details.days`, until POST /track-restores has made them readable. Without `to` everything until now, without `from` the 24 hours before `to`. With `simplify` (metres) the whole range is drawn with as few of its points as lie no further than that from the line; ' +
          `a range of more than ${maxSimplifiedFixes} positions is refused then. A cursor goes with the question it came from.`,
        request: { params: idParam, query: trackQuerySchema },
        responses: {
          200: answer(feedOf(positionSchema), 'A part of the track'),
          ...errors(...signedInErrors, 'NOT_FOUND', 'CONFLICT'),
        },
      },
    ),
    async (c) => {
      const found = await requireVehicle(c, c.req.valid('param').id);
      const { vehicle } = found;
      const judged = judgeTrackQuery(c.req.valid('query'), vehicle.id, c.get('now'));
      if (!judged.ok) throw judged.why === 'unknown_cursor' ? unknownCursor() : invalid('from', 'must not be after to');
      const { request } = judged;
      // What follows a cursor was settled when the first part was read.
      if (request.afterMs === null) await settle(c.env, vehicle.tenantId);
      const part = await readPart(c, found, request);
      const endMs = endOf(part);
      const nextCursor = endMs === null ? null : cursorOf(vehicle.id, request, endMs);
      return c.json({ data: part.readings, meta: { nextCursor } }, 200);
    },
  )
  .openapi(
    signedInRoute(
      { permission: 'vehicles:read' },
      {
        method: 'get',
        path: '/vehicles/{id}/location',
        tags,
        summary: 'Where a vehicle is',
        request: { params: idParam, query: noQuery },
        responses: {
          200: answer(oneOf(vehicleLocationSchema), 'The latest word'),
          ...errors(...signedInErrors, 'NOT_FOUND'),
        },
      },
    ),
    async (c) => c.json({ data: await locateOne(c, c.req.valid('param').id) }, 200),
  )
  .openapi(
    signedInRoute(
      { permission: 'vehicles:read' },
      {
        method: 'get',
        path: '/vehicles/{id}/status',
        tags,
        summary: 'Whether a vehicle moves',
        request: { params: idParam, query: noQuery },
        responses: {
          200: answer(oneOf(vehicleStatusNowSchema), 'The status, and the reading it follows from'),
          ...errors(...signedInErrors, 'NOT_FOUND'),
        },
      },
    ),
    async (c) => {
      const { status, position } = await locateOne(c, c.req.valid('param').id);
      return c.json({ data: { status, at: position?.at ?? null } }, 200);
    },
  )
  .openapi(
    signedInRoute(
      { permission: 'vehicles:read' },
      {
        method: 'post',
        path: '/vehicles/batch-location',
        tags,
        summary: 'Where many vehicles are',
        description:
          'Ids that name nothing the caller may see come back as unknown. An id that is named twice counts once.',
        middleware: [jsonBody()],
        request: { query: noQuery, body: body(batchLocationInputSchema) },
        responses: {
          200: answer(oneOf(batchLocationSchema), 'The latest word on each'),
          ...errors(...signedInErrors, ...bodyErrors),
        },
      },
    ),
    async (c) => {
      const ids = [...new Set(c.req.valid('json').vehicleIds)];
      const scope = await readScopeOf(c);
      const byId = new Map((await findVehicles(scope, c.get('db'), ids)).map((row) => [row.id, row]));
      const rows = ids.flatMap((id) => byId.get(id) ?? []);
      const data = {
        locations: await locate(c, rows),
        unknownVehicleIds: ids.filter((id) => !byId.has(id)),
      };
      return c.json({ data }, 200);
    },
  )
  .openapi(
    signedInRoute(
      { permission: 'vehicles:read' },
      {
        method: 'get',
        path: '/live/at',
        tags,
        summary: 'The fleet as it stood at an instant of the last 30 days',
        description:
          'Every readable vehicle that was known by then, with its latest reading at or before the instant and the status that reading had by then; risk, health and action of the newest prediction by then; faults and alerts that were open. A fault or an alert that went away and came back counts from its first sight.',
        request: { query: fleetAtQuerySchema },
        responses: { 200: answer(oneOf(fleetAtSchema), 'The fleet then'), ...errors(...signedInErrors, 'NOT_FOUND') },
      },
    ),
    async (c) => {
      const { time, tenantId } = c.req.valid('query');
      const scope = await readScopeOf(c, tenantId);
      const complaint = complaintAboutInstant(Date.parse(time), c.get('now'));
      if (complaint !== null) throw invalid('time', complaint);
      return c.json({ data: { time, vehicles: await fleetAt(scope, c.env, c.get('db'), time) } }, 200);
    },
  );
