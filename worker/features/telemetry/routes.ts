/** POST /telemetry/positions: good rows are durable in the room before the answer, bad rows are named. */
import { oneOf } from '#contracts/primitives';
import { ingestResultSchema, maxTelemetryRows, positionsInputSchema } from '#contracts/telemetry';
import { judgePositions } from '#contracts/telemetry-rows';
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
import { ingestPositions } from './ingest.ts';

export const telemetryRoutes = router().openapi(
  signedInRoute(
    { permission: 'telemetry:write' },
    {
      method: 'post',
      path: '/telemetry/positions',
      tags: ['Telemetry'],
      summary: 'A batch of positions from a gateway',
      description:
        'At most 1,000 rows, as JSON or NDJSON, plain or with Content-Encoding gzip. What is accepted is stored; sending it ' +
        'again changes nothing. A row older than 30 days becomes part of history only. 429 with Retry-After also when more ' +
        'comes in than can be stored: nothing of the batch is to be relied on then, send all of it again.',
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
    const gates = c.get('caller').tenant?.ingestGates ?? 0;
    const unknown = await ingestPositions(scope, c.env, c.get('db'), judged, gates);
    const data = {
      accepted: judged.length - unknown.length,
      rejected: [...rejected, ...unknown].sort((a, b) => a.index - b.index),
    };
    return c.json({ data }, 202);
  },
);
