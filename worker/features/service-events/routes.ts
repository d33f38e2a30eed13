/** What really happened to a vehicle: its service events, one by one and as a file. */
import { z } from '@hono/zod-openapi';
import { oneOf, pageOf } from '#contracts/primitives';
import {
  createServiceEventInputSchema,
  maxImportRows,
  serviceEventListQuerySchema,
  serviceEventSchema,
  serviceImportResultSchema,
} from '#contracts/service-events';
import { readScopeOf } from '../../http/authenticate.ts';
import { jsonBody, megabyte } from '../../http/body.ts';
import type { AppContext } from '../../http/context.ts';
import { csvBody } from '../../http/csv-body.ts';
import { AppError, notFound } from '../../http/errors.ts';
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
import { publishChange } from '../live/publish.ts';
import { rescoreSoon } from '../scoring/rescore-tenant.ts';
import { getVehicle } from '../vehicles/store.ts';
import { readServiceCsv } from './csv/read.ts';
import { importServiceEvents } from './import.ts';
import { toServiceEvent } from './present.ts';
import { recordServiceEvents } from './record.ts';
import { fingerprintOf, judgeTime, lacksSpn, type NewServiceEvent } from './rules.ts';
import { deleteServiceEvent, findByFingerprint, getServiceEvent, listServiceEvents } from './store.ts';

const tags = ['Service'];

async function requireVehicle(c: AppContext, id: string) {
  const scope = await readScopeOf(c);
  const vehicle = await getVehicle(scope, c.get('db'), id);
  // Whoever may write may do so where the vehicle lives: a dealer's shop in its customer's tenant.
  const acting = vehicle === null ? null : actingIn(scope, vehicle.tenantId);
  if (vehicle === null || acting === null) throw notFound('vehicle');
  return { scope, vehicle, acting };
}

const vehicleInPath = pathResource(requireVehicle);

const eventInPath = pathResource(async (c, id) => {
  const { acting, vehicle } = await requireVehicle(c, id);
  const row = await getServiceEvent(acting, c.get('db'), vehicle.id, c.req.param('eventId') ?? '');
  if (row === null) throw notFound('service event');
  return { acting, row };
});

const invalid = (path: string, message: string): AppError =>
  new AppError('VALIDATION_FAILED', `${path}: ${message}`, { details: { issues: [{ path, message }] } });

/** After a commit: tells the rooms, and has the vehicles scored once the answer is on its way. */
async function afterChange(
  c: AppContext,
  scope: TenantScope,
  { counters, vehicleIds }: { counters: number[]; vehicleIds: string[] },
): Promise<void> {
  if (vehicleIds.length === 0) return;
  await publishChange(c.env, c.get('db'), { tenantId: scope.tenantId, counters, vehicleIds, alertIds: [] });
  rescoreSoon(scope, c.env, c.executionCtx);
}

const eventParams = z.object({ id: z.string(), eventId: z.string() });

export const serviceEventRoutes = router()
  .openapi(
    signedInRoute(
      { permission: 'vehicles:read' },
      {
        method: 'get',
        path: '/vehicles/{id}/service-events',
        tags,
        summary: 'What was done to one vehicle, newest first',
        middleware: [vehicleInPath.middleware],
        request: { params: idParam, query: serviceEventListQuerySchema },
        responses: {
          200: answer(pageOf(serviceEventSchema), 'Newest first'),
          ...errors(...signedInErrors, 'NOT_FOUND'),
        },
      },
    ),
    async (c) => {
      const query = c.req.valid('query');
      const { scope, vehicle } = vehicleInPath.of(c);
      const { rows, total } = await listServiceEvents(scope, c.get('db'), vehicle.id, query);
      return c.json({ data: rows.map(toServiceEvent), meta: pageMeta(query, total) }, 200);
    },
  )
  .openapi(
    signedInRoute(
      { permission: 'service:write' },
      {
        method: 'post',
        path: '/vehicles/{id}/service-events',
        tags,
        summary: 'Say what was done to a vehicle',
        middleware: [vehicleInPath.middleware, jsonBody(), idempotent],
        request: { params: idParam, query: noQuery, body: body(createServiceEventInputSchema) },
        responses: {
          201: answer(oneOf(serviceEventSchema), 'The event'),
          ...errors(...signedInErrors, 'NOT_FOUND', 'CONFLICT', 'IDEMPOTENCY_MISMATCH', ...bodyErrors),
        },
      },
    ),
    async (c) => {
      const input = c.req.valid('json');
      const [db, now] = [c.get('db'), c.get('now')];
      const { acting, vehicle } = vehicleInPath.of(c);
      const problem = judgeTime(input.at, now);
      if (problem !== null) throw invalid('at', problem.message);
      if (lacksSpn(input)) throw invalid('fmi', 'needs an spn');
      const event: NewServiceEvent = {
        vehicleId: vehicle.id,
        at: input.at,
        kind: input.kind,
        system: input.system ?? null,
        spn: input.spn ?? null,
        fmi: input.fmi ?? null,
        description: input.description,
        odometerMiles: input.odometerMiles ?? null,
        source: 'api',
        externalId: input.externalId ?? null,
      };
      const recorded = await recordServiceEvents(acting, db, [event], now, {
        entryOf: ([made]) =>
          c.get('audit').entry(
            db,
            {
              tenantId: acting.tenantId,
              action: 'service_event.create',
              resourceType: 'service_event',
              resourceId: made?.id ?? null,
              after: { ...event },
            },
            { onlyIfChanged: true },
          ),
      });
      const kept = await findByFingerprint(acting, db, vehicle.id, fingerprintOf(event));
      if (kept === null) throw notFound('vehicle');
      if (recorded.created === 0) {
        throw new AppError('CONFLICT', 'This event is known already.', { details: { id: kept.id } });
      }
      await afterChange(c, acting, recorded);
      return c.json({ data: toServiceEvent(kept) }, 201);
    },
  )
  .openapi(
    signedInRoute(
      { permission: 'service:write' },
      {
        method: 'delete',
        path: '/vehicles/{id}/service-events/{eventId}',
        tags,
        summary: 'Take out an event that was entered by mistake',
        middleware: [eventInPath.middleware],
        request: { params: eventParams, query: noQuery },
        responses: { 204: { description: 'Taken out' }, ...errors(...signedInErrors, 'NOT_FOUND', 'CONFLICT') },
      },
    ),
    async (c) => {
      const { acting, row } = eventInPath.of(c);
      if (row.source === 'portal') {
        const message =
          'This event was read from the portal, which would tell it again. Correct its case there: what that says then ' +
          'is taken over when the case is next read, within a day.';
        throw new AppError('CONFLICT', message, { details: { source: row.source } });
      }
      const deleted = await deleteServiceEvent(acting, c.get('db'), c.get('audit'), row, c.get('now'));
      if (deleted === null) throw notFound('service event');
      await afterChange(c, acting, { ...deleted, vehicleIds: [row.vehicleId] });
      return c.body(null, 204);
    },
  )
  .openapi(
    signedInRoute(
      { permission: 'service:write' },
      {
        method: 'post',
        path: '/service-events/import',
        tags,
        summary: 'A file of events: good rows are kept, bad rows are named by their line',
        description:
          'CSV with a first line of column names: vin or unit number, date, kind and description; odometer, spn, fmi, ' +
          'system and order number where known. Separated by comma, semicolon or tab. A bare date (2026-11-20) is taken ' +
          'as noon UTC. One order counts once per kind. The same file twice changes nothing.',
        middleware: [csvBody({ limitBytes: 4 * megabyte }), idempotent],
        request: {
          query: tenantQuerySchema,
          body: { content: { 'text/csv': { schema: z.string() } }, required: true },
        },
        responses: {
          201: answer(oneOf(serviceImportResultSchema), 'How many events were new, and which rows were not kept'),
          ...errors(...signedInErrors, 'NOT_FOUND', 'CONFLICT', 'IDEMPOTENCY_MISMATCH', ...bodyErrors),
        },
      },
    ),
    async (c) => {
      const { tenantId } = c.req.valid('query');
      if (c.get('caller').tenant === null && tenantId === undefined) {
        const message = 'A super admin acts inside one organisation: name it with ?tenantId=.';
        throw new AppError('VALIDATION_FAILED', message);
      }
      const scope = await readScopeOf(c, tenantId);
      const [db, now] = [c.get('db'), c.get('now')];
      const read = readServiceCsv(await c.req.text(), now);
      if (read.kind === 'too_many_rows') {
        throw new AppError('PAYLOAD_TOO_LARGE', `At most ${maxImportRows} rows in one file.`);
      }
      if (read.kind === 'unreadable') throw new AppError('VALIDATION_FAILED', read.problem);
      const { result, byTenant } = await importServiceEvents(scope, db, c.get('audit'), read, now);
      for (const { acting, recorded } of byTenant) await afterChange(c, acting, recorded);
      return c.json({ data: result }, 201);
    },
  );
