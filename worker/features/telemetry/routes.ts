/** POST /telemetry/positions: good rows are durable in the room before the answer, bad rows are named. */
import { oneOf } from '#contracts/primitives';
import { ingestResultSchema, maxTelemetryRows, positionsInputSchema, type PositionInput } from '#contracts/telemetry';
import type { VehicleReading } from '#durable-objects/fleet-room/feed';
import { roomOf } from '#durable-objects/stubs';
import { tenantScopeOf } from '../../http/authenticate.ts';
import { jsonBody, megabyte } from '../../http/body.ts';
import type { AppContext } from '../../http/context.ts';
import { AppError } from '../../http/errors.ts';
import {
  answer,
  body,
  bodyErrors,
  errors,
  router,
  signedInErrors,
  signedInRoute,
  tenantQuerySchema,
} from '../../http/routes.ts';
import { ownTenantOnly } from '../../http/tenant-scope.ts';
import { roomsShowing } from '../live/facts.ts';
import { judgePositions, placeRows } from './rules.ts';
import { resolveVehicles } from './store.ts';

const toReading = (vehicleId: string, position: PositionInput): VehicleReading => ({
  vehicleId,
  at: position.at,
  lat: position.lat,
  lon: position.lon,
  speedMph: position.speedMph ?? null,
  heading: position.heading ?? null,
  odometerMiles: position.odometerMiles ?? null,
  engineHours: position.engineHours ?? null,
  fuelPercent: position.fuelPercent ?? null,
  ignition: position.ignition ?? null,
});

/** The own room must have it before we say so; the dealers' rooms get it as well as they can. */
async function record(c: AppContext, tenantId: string, readings: VehicleReading[]): Promise<void> {
  const batch = { sourceTenantId: tenantId, readings };
  // Found out meanwhile; a dealer's room that misses a reading gets the next one.
  const rooms = roomsShowing(c.get('db'), tenantId).catch(() => []);
  try {
    await roomOf(c.env.FLEET_ROOM, tenantId).recordReadings(batch);
  } catch (cause) {
    throw new AppError('UNAVAILABLE', 'The readings could not be stored. Send them again.', { cause });
  }
  const mirrors = (await rooms).filter((room) => room !== tenantId);
  c.executionCtx.waitUntil(
    Promise.allSettled(mirrors.map((room) => roomOf(c.env.FLEET_ROOM, room).recordReadings(batch))),
  );
}

export const telemetryRoutes = router().openapi(
  signedInRoute(
    { permission: 'telemetry:write' },
    {
      method: 'post',
      path: '/telemetry/positions',
      tags: ['Telemetry'],
      summary: 'A batch of positions from a gateway',
      middleware: [jsonBody({ limitBytes: 4 * megabyte, ndjsonList: 'positions' })],
      request: { query: tenantQuerySchema, body: body(positionsInputSchema) },
      responses: {
        202: answer(oneOf(ingestResultSchema), 'How many rows were kept, and which were not'),
        ...errors(...signedInErrors, ...bodyErrors),
      },
    },
  ),
  async (c) => {
    const { positions } = c.req.valid('json');
    if (positions.length > maxTelemetryRows) {
      throw new AppError('PAYLOAD_TOO_LARGE', `At most ${maxTelemetryRows} rows in one batch.`);
    }
    const scope = ownTenantOnly(await tenantScopeOf(c, c.req.valid('query').tenantId));
    const { judged, rejected } = judgePositions(positions, c.get('now'));
    const known = await resolveVehicles(scope, c.get('db'), {
      vins: judged.flatMap(({ row }) => row.vin ?? []),
      ids: judged.flatMap(({ row }) => row.vehicleId ?? []),
    });
    const { placed, unknown } = placeRows(judged, known);
    const readings = placed.map(({ vehicleId, row }) => toReading(vehicleId, row));
    if (readings.length > 0) await record(c, scope.tenantId, readings);
    const data = {
      accepted: readings.length,
      rejected: [...rejected, ...unknown].sort((a, b) => a.index - b.index),
    };
    return c.json({ data }, 202);
  },
);
