/** POST /telemetry/signals: good rows are in their daily rollups before the answer, bad rows are named. */
import { oneOf } from '#contracts/primitives';
import { ingestResultSchema, maxTelemetryRows, signalsInputSchema } from '#contracts/telemetry';
import { tenantScopeOf } from '../../http/authenticate.ts';
import { jsonBody, megabyte } from '../../http/body.ts';
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
import { placeRows } from './rules.ts';
import { judgeSignals, type SignalReading } from './signal-rules.ts';
import { recordSignals } from './signal-store.ts';
import { resolveVehicles } from './store.ts';

export const signalRoutes = router().openapi(
  signedInRoute(
    { permission: 'telemetry:write' },
    {
      method: 'post',
      path: '/telemetry/signals',
      tags: ['Telemetry'],
      summary: 'A batch of signal readings from a gateway',
      description:
        'Kept as one row per vehicle, signal and UTC day; of one signal at most one reading a minute counts, the first ' +
        'that arrives. A row that has been counted before is accepted and changes nothing. So is a row for a day more ' +
        'than 31 days back that is closed already; rows more than 400 days old are refused.',
      middleware: [jsonBody({ limitBytes: 4 * megabyte, ndjsonList: 'signals' })],
      request: { query: tenantQuerySchema, body: body(signalsInputSchema) },
      responses: {
        202: answer(oneOf(ingestResultSchema), 'How many rows were kept, and which were not'),
        ...errors(...signedInErrors, ...bodyErrors),
      },
    },
  ),
  async (c) => {
    const { signals } = c.req.valid('json');
    if (signals.length > maxTelemetryRows) {
      throw new AppError('PAYLOAD_TOO_LARGE', `At most ${maxTelemetryRows} rows in one batch.`);
    }
    const scope = ownTenantOnly(await tenantScopeOf(c, c.req.valid('query').tenantId));
    const { judged, rejected } = judgeSignals(signals, c.get('now'));
    const known = await resolveVehicles(scope, c.get('db'), {
      vins: judged.flatMap(({ row }) => row.vin ?? []),
      ids: judged.flatMap(({ row }) => row.vehicleId ?? []),
    });
    const { placed, unknown } = placeRows(judged, known);
    const readings = placed.map(({ vehicleId, row: { name, at, value } }): SignalReading => ({
      vehicleId,
      name,
      at,
      value,
    }));
    await recordSignals(scope, c.get('db'), readings);
    const data = {
      accepted: readings.length,
      rejected: [...rejected, ...unknown].sort((a, b) => a.index - b.index),
    };
    return c.json({ data }, 202);
  },
);
