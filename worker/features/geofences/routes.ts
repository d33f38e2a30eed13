/** Geofences: drawn, changed, deleted, and what vehicles did at them. */
import {
  createGeofenceInputSchema,
  geofenceEventSchema,
  geofenceEventsQuerySchema,
  geofenceListQuerySchema,
  geofenceSchema,
  updateGeofenceInputSchema,
} from '#contracts/geofences';
import { feedOf, oneOf, pageOf } from '#contracts/primitives';
import { readScopeOf } from '../../http/authenticate.ts';
import { jsonBody } from '../../http/body.ts';
import type { AppContext } from '../../http/context.ts';
import { entityTag, hasChanged, requireMatch } from '../../http/entity-tag.ts';
import { AppError, notFound, unknownCursor } from '../../http/errors.ts';
import { idempotent } from '../../http/idempotency.ts';
import { pathResource } from '../../http/path-resource.ts';
import {
  answer,
  body,
  bodyErrors,
  errors,
  idParam,
  noQuery,
  pageMeta,
  router,
  signedInErrors,
  signedInRoute,
  tenantQuerySchema,
} from '../../http/routes.ts';
import { actingIn, type TenantScope } from '../../http/tenant-scope.ts';
import { publishNews } from '../sync/run-news.ts';
import { toGeofence, toGeofenceEvent, toWatchedFence } from './present.ts';
import { changedFields, issuesOf, isUnchanged, limitsInWords, newFields } from './rules.ts';
import {
  changeGeofence,
  createGeofence,
  deleteGeofence,
  getGeofence,
  listGeofenceEvents,
  listGeofences,
  toFields,
} from './store.ts';
import { tellChange } from './tell-tracks.ts';

const tags = ['Geofences'];

/** The fence in the path, with the scope to act on it: a dealer's in its customer's tenant. */
const fenceInPath = pathResource(async (c, id) => {
  const scope = await readScopeOf(c);
  const row = await getGeofence(scope, c.get('db'), id);
  const acting = row === null ? null : actingIn(scope, row.tenantId);
  if (row === null || acting === null) throw notFound('geofence');
  return { scope, row, acting };
});

/** Where a new fence goes: the own tenant, or the one that `?tenantId=` names among those within reach. */
async function scopeToDraw(c: AppContext, tenantId: string | undefined): Promise<TenantScope> {
  const wanted = tenantId ?? c.get('caller').tenant?.id;
  if (wanted === undefined) {
    throw new AppError('VALIDATION_FAILED', 'A super admin acts inside one organisation: name it with ?tenantId=.');
  }
  const acting = actingIn(await readScopeOf(c, tenantId), wanted);
  if (acting === null) throw notFound('organisation');
  return acting;
}

function requireSound(input: Parameters<typeof issuesOf>[0]): void {
  const issues = issuesOf(input);
  const [first] = issues;
  if (first === undefined) return;
  throw new AppError('VALIDATION_FAILED', `${first.path}: ${first.message}`, { details: { issues } });
}

const tooMany = (): AppError => new AppError('CONFLICT', limitsInWords);

export const geofenceRoutes = router()
  .openapi(
    signedInRoute(
      { permission: 'vehicles:read' },
      {
        method: 'get',
        path: '/geofences',
        tags,
        summary: 'A page of geofences, by name',
        request: { query: geofenceListQuerySchema },
        responses: { 200: answer(pageOf(geofenceSchema), 'The page'), ...errors(...signedInErrors, 'NOT_FOUND') },
      },
    ),
    async (c) => {
      const query = c.req.valid('query');
      const scope = await readScopeOf(c, query.tenantId);
      const { rows, total } = await listGeofences(scope, c.get('db'), query);
      return c.json({ data: rows.map(toGeofence), meta: pageMeta(query, total) }, 200);
    },
  )
  .openapi(
    signedInRoute(
      { permission: 'geofences:write' },
      {
        method: 'post',
        path: '/geofences',
        tags,
        summary: 'Draw a geofence',
        description:
          'A GeoJSON Polygon or MultiPolygon (RFC 7946; holes allowed, the boundary counts as inside) or a circle. A shape ' +
          'over the date line is drawn as a MultiPolygon whose polygons meet at 180°. Vehicles that stand inside already ' +
          'have not entered: there is no event for them. docs/geofences.md says how everything is judged.',
        middleware: [jsonBody(), idempotent],
        request: { query: tenantQuerySchema, body: body(createGeofenceInputSchema) },
        responses: {
          201: answer(oneOf(geofenceSchema), 'The geofence'),
          ...errors(...signedInErrors, 'NOT_FOUND', 'CONFLICT', 'IDEMPOTENCY_MISMATCH', ...bodyErrors),
        },
      },
    ),
    async (c) => {
      const scope = await scopeToDraw(c, c.req.valid('query').tenantId);
      const input = c.req.valid('json');
      requireSound(input);
      const [db, now, caller] = [c.get('db'), c.get('now'), c.get('caller')];
      const createdBy = caller.kind === 'user' ? caller.id : null;
      const drawn = await createGeofence(scope, db, c.get('audit'), newFields(input), { createdBy, now });
      if (drawn === null) throw tooMany();
      const { row, version } = drawn;
      await tellChange(scope, c.env, db, { version, fences: [toWatchedFence(row)], removedIds: [] });
      return c.json({ data: toGeofence(row) }, 201);
    },
  )
  .openapi(
    signedInRoute(
      { permission: 'vehicles:read' },
      {
        method: 'get',
        path: '/geofences/{id}',
        tags,
        summary: 'One geofence',
        middleware: [fenceInPath.middleware, entityTag()],
        request: { params: idParam, query: noQuery },
        responses: { 200: answer(oneOf(geofenceSchema), 'The geofence'), ...errors(...signedInErrors, 'NOT_FOUND') },
      },
    ),
    async (c) => c.json({ data: toGeofence(fenceInPath.of(c).row) }, 200),
  )
  .openapi(
    signedInRoute(
      { permission: 'geofences:write' },
      {
        method: 'put',
        path: '/geofences/{id}',
        tags,
        summary: 'Change a geofence; what is not mentioned stays',
        description:
          'Vehicles that are still inside keep their visit; nobody enters or exits because a fence was moved.',
        middleware: [fenceInPath.middleware, jsonBody()],
        request: { params: idParam, query: noQuery, body: body(updateGeofenceInputSchema) },
        responses: {
          200: answer(oneOf(geofenceSchema), 'The geofence, changed'),
          ...errors(...signedInErrors, 'NOT_FOUND', 'CONFLICT', 'PRECONDITION_FAILED', ...bodyErrors),
        },
      },
    ),
    async (c) => {
      const { row, scope, acting } = fenceInPath.of(c);
      const input = c.req.valid('json');
      requireSound(input);
      await requireMatch(c, toGeofence(row));
      const before = toFields(row);
      const fields = changedFields(before, input);
      if (isUnchanged(before, fields)) return c.json({ data: toGeofence(row) }, 200);
      const [db, now] = [c.get('db'), c.get('now')];
      const changed = await changeGeofence(acting, db, c.get('audit'), row, { fields, before, now });
      if (changed === null) {
        const current = await getGeofence(scope, db, row.id);
        if (current === null) throw notFound('geofence');
        if (current.updatedAt === row.updatedAt) throw tooMany();
        if (c.req.header('if-match') !== undefined) throw hasChanged();
        throw new AppError('CONFLICT', 'Somebody else has just changed this geofence. Read it again.');
      }
      const { version } = changed;
      await tellChange(acting, c.env, db, { version, fences: [toWatchedFence(changed.row)], removedIds: [] });
      return c.json({ data: toGeofence(changed.row) }, 200);
    },
  )
  .openapi(
    signedInRoute(
      { permission: 'geofences:write' },
      {
        method: 'delete',
        path: '/geofences/{id}',
        tags,
        summary: 'Delete a geofence; its alerts end, nobody exits',
        middleware: [fenceInPath.middleware],
        request: { params: idParam, query: noQuery },
        responses: {
          204: { description: 'Deleted' },
          ...errors(...signedInErrors, 'NOT_FOUND', 'PRECONDITION_FAILED'),
        },
      },
    ),
    async (c) => {
      const { row, acting } = fenceInPath.of(c);
      await requireMatch(c, toGeofence(row));
      const [db, now] = [c.get('db'), c.get('now')];
      const deleted = await deleteGeofence(acting, db, c.get('audit'), row, now);
      if (deleted === null) throw notFound('geofence');
      await tellChange(acting, c.env, db, { version: deleted.version, fences: [], removedIds: [row.id] });
      await publishNews(c.env, db, acting.tenantId, {
        counters: deleted.counters,
        vehicleIds: deleted.endedAlerts.flatMap(({ vehicleId }) => vehicleId ?? []),
        alertIds: deleted.endedAlerts.map(({ id }) => id),
      });
      return c.body(null, 204);
    },
  )
  .openapi(
    signedInRoute(
      { permission: 'vehicles:read' },
      {
        method: 'get',
        path: '/geofences/{id}/events',
        tags,
        summary: 'What vehicles did at one geofence, newest first',
        middleware: [fenceInPath.middleware],
        request: { params: idParam, query: geofenceEventsQuerySchema },
        responses: {
          200: answer(feedOf(geofenceEventSchema), 'Newest first'),
          ...errors(...signedInErrors, 'NOT_FOUND'),
        },
      },
    ),
    async (c) => {
      const { row, scope } = fenceInPath.of(c);
      const page = await listGeofenceEvents(scope, c.get('db'), row.id, c.req.valid('query'));
      if (page === null) throw unknownCursor();
      return c.json({ data: page.rows.map(toGeofenceEvent), meta: { nextCursor: page.nextCursor } }, 200);
    },
  );
