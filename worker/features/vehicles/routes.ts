/** GET /vehicles and what hangs on one vehicle: its faults, its predictions; and the whole fleet as one document. */
import { faultSchema } from '#contracts/faults';
import { oneOf, pageOf } from '#contracts/primitives';
import { predictionSchema } from '#contracts/risk';
import {
  fleetExportSchema,
  vehicleFaultsQuerySchema,
  vehicleListQuerySchema,
  vehiclePredictionsQuerySchema,
  vehicleSchema,
} from '#contracts/vehicles';
import { readScopeOf, tenantScopeOf } from '../../http/authenticate.ts';
import type { AppContext } from '../../http/context.ts';
import { notFound } from '../../http/errors.ts';
import { entityTag } from '../../http/entity-tag.ts';
import {
  answer,
  errors,
  idParam,
  noQuery,
  pageMeta,
  router,
  signedInErrors,
  signedInRoute,
} from '../../http/routes.ts';
import { ownTenantOnly, type ReadScope } from '../../http/tenant-scope.ts';
import { overlayOf } from '../live/overlay.ts';
import { toFault, toPrediction, toVehicle } from './present.ts';
import { getVehicle, listFaults, listPredictions, listVehicles, readFleet, type VehicleRow } from './store.ts';

const tags = ['Vehicles'];

async function requireVehicle(c: AppContext, id: string): Promise<{ scope: ReadScope; row: VehicleRow }> {
  const scope = await readScopeOf(c);
  const row = await getVehicle(scope, c.get('db'), id);
  if (row === null) throw notFound('vehicle');
  return { scope, row };
}

export const vehicleRoutes = router()
  .openapi(
    signedInRoute(
      { permission: 'vehicles:read' },
      {
        method: 'get',
        path: '/vehicles',
        tags,
        summary: 'A page of vehicles',
        request: { query: vehicleListQuerySchema },
        responses: { 200: answer(pageOf(vehicleSchema), 'The page'), ...errors(...signedInErrors, 'NOT_FOUND') },
      },
    ),
    async (c) => {
      const query = c.req.valid('query');
      const scope = await readScopeOf(c, query.tenantId);
      const { rows, total } = await listVehicles(scope, c.get('db'), query);
      const live = await overlayOf(c.env, rows);
      const data = rows.map((row) => toVehicle(row, live.get(row.id), c.get('now')));
      return c.json({ data, meta: pageMeta(query, total) }, 200);
    },
  )
  .openapi(
    signedInRoute(
      { permission: 'vehicles:read' },
      {
        method: 'get',
        path: '/vehicles/{id}',
        tags,
        summary: 'One vehicle',
        middleware: [entityTag()],
        request: { params: idParam, query: noQuery },
        responses: { 200: answer(oneOf(vehicleSchema), 'The vehicle'), ...errors(...signedInErrors, 'NOT_FOUND') },
      },
    ),
    async (c) => {
      const { row } = await requireVehicle(c, c.req.valid('param').id);
      const live = await overlayOf(c.env, [row]);
      return c.json({ data: toVehicle(row, live.get(row.id), c.get('now')) }, 200);
    },
  )
  .openapi(
    signedInRoute(
      { permission: 'vehicles:read' },
      {
        method: 'get',
        path: '/vehicles/{id}/fault-codes',
        tags,
        summary: 'Fault history of one vehicle',
        request: { params: idParam, query: vehicleFaultsQuerySchema },
        responses: { 200: answer(pageOf(faultSchema), 'Active first'), ...errors(...signedInErrors, 'NOT_FOUND') },
      },
    ),
    async (c) => {
      const query = c.req.valid('query');
      const { scope, row } = await requireVehicle(c, c.req.valid('param').id);
      const { rows, total } = await listFaults(scope, c.get('db'), row.id, query);
      return c.json({ data: rows.map((fault) => toFault(fault, row.faultsReadAt)), meta: pageMeta(query, total) }, 200);
    },
  )
  .openapi(
    signedInRoute(
      { permission: 'vehicles:read' },
      {
        method: 'get',
        path: '/vehicles/{id}/predictions',
        tags,
        summary: 'Every scoring of one vehicle, newest first',
        request: { params: idParam, query: vehiclePredictionsQuerySchema },
        responses: { 200: answer(pageOf(predictionSchema), 'Newest first'), ...errors(...signedInErrors, 'NOT_FOUND') },
      },
    ),
    async (c) => {
      const query = c.req.valid('query');
      const { scope, row } = await requireVehicle(c, c.req.valid('param').id);
      const { rows, total } = await listPredictions(scope, c.get('db'), row.id, query);
      return c.json({ data: rows.map(toPrediction), meta: pageMeta(query, total) }, 200);
    },
  )
  .openapi(
    signedInRoute(
      { permission: 'reports:export' },
      {
        method: 'get',
        path: '/exports/fleet',
        tags,
        summary: 'Everything of the own tenant in one document',
        request: { query: vehicleListQuerySchema.pick({ tenantId: true }) },
        responses: { 200: answer(oneOf(fleetExportSchema), 'The export'), ...errors(...signedInErrors, 'NOT_FOUND') },
      },
    ),
    async (c) => {
      const scope = ownTenantOnly(await tenantScopeOf(c, c.req.valid('query').tenantId));
      const { vehicles, faultsByVehicle } = await readFleet(scope, c.get('db'));
      // Everything there is leaves the house: who took it stands in the log before it goes.
      await c.get('audit').record(c.get('db'), {
        tenantId: scope.tenantId,
        action: 'fleet.export',
        resourceType: 'fleet',
        resourceId: scope.tenantId,
        after: { vehicleCount: vehicles.length },
      });
      const live = await overlayOf(c.env, vehicles);
      const now = c.get('now');
      const data = {
        exportedAt: now.toISOString(),
        vehicleCount: vehicles.length,
        vehicles: vehicles.map((row) => ({
          ...toVehicle(row, live.get(row.id), now),
          faults: (faultsByVehicle.get(row.id) ?? []).map((fault) => toFault(fault, row.faultsReadAt)),
        })),
      };
      return c.json({ data }, 200);
    },
  );
