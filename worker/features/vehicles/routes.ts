/** GET /vehicles and what hangs on one vehicle: its faults, its predictions; and the whole fleet as one document. */
import { createRoute } from '@hono/zod-openapi';
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
import { readScopeOf, requirePermission, tenantScopeOf } from '../../http/authenticate.ts';
import type { AppContext } from '../../http/context.ts';
import { notFound } from '../../http/errors.ts';
import { entityTag } from '../../http/entity-tag.ts';
import { answer, bearer, errors, idParam, noQuery, pageMeta, router, signedInErrors } from '../../http/routes.ts';
import { ownTenantOnly, type ReadScope } from '../../http/tenant-scope.ts';
import { overlayOf } from '../live/overlay.ts';
import { toFault, toPrediction, toVehicle } from './present.ts';
import { getVehicle, listFaults, listPredictions, listVehicles, readFleet, type VehicleRow } from './store.ts';

const canRead = [requirePermission('vehicles:read')];
const tags = ['Vehicles'];

async function requireVehicle(c: AppContext, id: string): Promise<{ scope: ReadScope; row: VehicleRow }> {
  const scope = await readScopeOf(c);
  const row = await getVehicle(scope, c.get('db'), id);
  if (row === null) throw notFound('vehicle');
  return { scope, row };
}

export const vehicleRoutes = router()
  .openapi(
    createRoute({
      method: 'get',
      path: '/vehicles',
      tags,
      summary: 'A page of vehicles',
      security: bearer,
      middleware: canRead,
      request: { query: vehicleListQuerySchema },
      responses: { 200: answer(pageOf(vehicleSchema), 'The page'), ...errors(...signedInErrors, 'NOT_FOUND') },
    }),
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
    createRoute({
      method: 'get',
      path: '/vehicles/{id}',
      tags,
      summary: 'One vehicle',
      security: bearer,
      middleware: [...canRead, entityTag()],
      request: { params: idParam, query: noQuery },
      responses: { 200: answer(oneOf(vehicleSchema), 'The vehicle'), ...errors(...signedInErrors, 'NOT_FOUND') },
    }),
    async (c) => {
      const { row } = await requireVehicle(c, c.req.valid('param').id);
      const live = await overlayOf(c.env, [row]);
      return c.json({ data: toVehicle(row, live.get(row.id), c.get('now')) }, 200);
    },
  )
  .openapi(
    createRoute({
      method: 'get',
      path: '/vehicles/{id}/fault-codes',
      tags,
      summary: 'Fault history of one vehicle',
      security: bearer,
      middleware: canRead,
      request: { params: idParam, query: vehicleFaultsQuerySchema },
      responses: { 200: answer(pageOf(faultSchema), 'Active first'), ...errors(...signedInErrors, 'NOT_FOUND') },
    }),
    async (c) => {
      const query = c.req.valid('query');
      const { scope, row } = await requireVehicle(c, c.req.valid('param').id);
      const { rows, total } = await listFaults(scope, c.get('db'), row.id, query);
      return c.json({ data: rows.map((fault) => toFault(fault, row.faultsReadAt)), meta: pageMeta(query, total) }, 200);
    },
  )
  .openapi(
    createRoute({
      method: 'get',
      path: '/vehicles/{id}/predictions',
      tags,
      summary: 'Every scoring of one vehicle, newest first',
      security: bearer,
      middleware: canRead,
      request: { params: idParam, query: vehiclePredictionsQuerySchema },
      responses: { 200: answer(pageOf(predictionSchema), 'Newest first'), ...errors(...signedInErrors, 'NOT_FOUND') },
    }),
    async (c) => {
      const query = c.req.valid('query');
      const { scope, row } = await requireVehicle(c, c.req.valid('param').id);
      const { rows, total } = await listPredictions(scope, c.get('db'), row.id, query);
      return c.json({ data: rows.map(toPrediction), meta: pageMeta(query, total) }, 200);
    },
  )
  .openapi(
    createRoute({
      method: 'get',
      path: '/exports/fleet',
      tags,
      summary: 'Everything of the own tenant in one document',
      security: bearer,
      middleware: [requirePermission('reports:export')],
      request: { query: vehicleListQuerySchema.pick({ tenantId: true }) },
      responses: { 200: answer(oneOf(fleetExportSchema), 'The export'), ...errors(...signedInErrors, 'NOT_FOUND') },
    }),
    async (c) => {
      const scope = ownTenantOnly(await tenantScopeOf(c, c.req.valid('query').tenantId));
      const { vehicles, faultsByVehicle } = await readFleet(scope, c.get('db'));
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
