/**
 * POST /telemetry/faults and /telemetry/dm1: kept before the answer; scored, alerted and told to the live rooms right after
 * it, like what a sync brings.
 */
import { z } from 'zod';
import { oneOf } from '#contracts/primitives';
import {
  dm1InputSchema,
  faultInputSchema,
  faultsInputSchema,
  ingestResultSchema,
  maxFutureMs,
  maxTelemetryRows,
  type FaultInput,
} from '#contracts/telemetry';
import { judgeRows } from '#contracts/telemetry-rows';
import { decodeDm1, type Dm1 } from '#scoring';
import { tenantScopeOf } from '../../http/authenticate.ts';
import { jsonBody, megabyte } from '../../http/body.ts';
import type { AppContext } from '../../http/context.ts';
import { AppError, notFound } from '../../http/errors.ts';
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
import { ownTenantOnly, type TenantScope } from '../../http/tenant-scope.ts';
import { rescoreSoon } from '../scoring/rescore-tenant.ts';
import type { Dm1Word } from './fault-rules.ts';
import { keepDm1, keepFaultWords, type KeptFaults } from './fault-store.ts';
import { placeRows } from './rules.ts';
import { resolveVehicles } from './store.ts';

/** Scoring finds the marked vehicles, and brings alerts and rooms in line with them. */
function tellSoon(c: AppContext, scope: TenantScope, { newsVehicleIds: vehicleIds, counters }: KeptFaults): void {
  if (vehicleIds.length > 0) rescoreSoon(scope, c.env, c.executionCtx, { vehicleIds, counters });
}

const lampsOf = ({ lamps }: Dm1): Dm1Word['lamps'] => ({
  malfunction: lamps.malfunction === 'on',
  redStop: lamps.redStop === 'on',
  amberWarning: lamps.amberWarning === 'on',
  protect: lamps.protect === 'on',
});

const bytesOf = (hex: string): Uint8Array =>
  Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));

const dm1ResultSchema = z
  .object({
    /** 1: the message was taken, even when it was not new. */
    accepted: z.literal(1),
    /** Codes that the message reports as active. */
    activeFaults: z.number().int().nonnegative(),
  })
  .meta({ id: 'Dm1Result' });

export const faultRoutes = router()
  .openapi(
    signedInRoute(
      { permission: 'telemetry:write' },
      {
        method: 'post',
        path: '/telemetry/faults',
        tags: ['Telemetry'],
        summary: 'Faults as a gateway has decoded them',
        description:
          'Each row is the word of one controller on one code at one time; the newest word counts, in whatever order they ' +
          'arrive. `active: false` takes a code back. What the portal reports besides stays until the portal takes it back.',
        middleware: [jsonBody({ limitBytes: 4 * megabyte, ndjsonList: 'faults' })],
        request: { query: tenantQuerySchema, body: body(faultsInputSchema) },
        responses: {
          202: answer(oneOf(ingestResultSchema), 'How many rows were kept, and which were not'),
          ...errors(...signedInErrors, ...bodyErrors),
        },
      },
    ),
    async (c) => {
      const { faults } = c.req.valid('json');
      if (faults.length > maxTelemetryRows) {
        throw new AppError('PAYLOAD_TOO_LARGE', `At most ${maxTelemetryRows} rows in one batch.`);
      }
      const scope = ownTenantOnly(await tenantScopeOf(c, c.req.valid('query').tenantId));
      const { judged, rejected } = judgeRows<FaultInput>(faults, faultInputSchema, c.get('now'));
      const known = await resolveVehicles(scope, c.get('db'), {
        vins: judged.flatMap(({ row }) => row.vin ?? []),
        ids: judged.flatMap(({ row }) => row.vehicleId ?? []),
      });
      const { placed, unknown } = placeRows(judged, known);
      const words = placed.map(({ vehicleId, row }) => ({
        vehicleId,
        at: row.at,
        sourceAddress: row.sourceAddress,
        spn: row.spn,
        fmi: row.fmi,
        active: row.active,
        occurrenceCount: row.occurrenceCount ?? null,
        lamps: row.lamps ?? null,
      }));
      tellSoon(c, scope, await keepFaultWords(scope, c.get('db'), words, c.get('now')));
      const data = {
        accepted: placed.length,
        rejected: [...rejected, ...unknown].sort((a, b) => a.index - b.index),
      };
      return c.json({ data }, 202);
    },
  )
  .openapi(
    signedInRoute(
      { permission: 'telemetry:write' },
      {
        method: 'post',
        path: '/telemetry/dm1',
        tags: ['Telemetry'],
        summary: 'A raw J1939 DM1 of one controller',
        description:
          'Replaces what this controller reported by telemetry: codes that are missing now are over. Trailing 0xFF bytes are ' +
          'padding. One that is older than the newest of its controller changes nothing.',
        middleware: [jsonBody()],
        request: { query: tenantQuerySchema, body: body(dm1InputSchema) },
        responses: {
          202: answer(oneOf(dm1ResultSchema), 'Taken'),
          ...errors(...signedInErrors, ...bodyErrors, 'NOT_FOUND'),
        },
      },
    ),
    async (c) => {
      const { vin, at, sourceAddress, data } = c.req.valid('json');
      const now = c.get('now');
      const scope = ownTenantOnly(await tenantScopeOf(c, c.req.valid('query').tenantId));
      if (Date.parse(at) - now.getTime() > maxFutureMs) {
        throw new AppError('VALIDATION_FAILED', 'at: lies more than 10 minutes ahead.');
      }
      const dm1 = decodeDm1(bytesOf(data));
      if ('kind' in dm1) {
        throw new AppError('VALIDATION_FAILED', 'data: is cut short: two bytes of lamps, then four for each code.');
      }
      const vehicleId = (await resolveVehicles(scope, c.get('db'), { vins: [vin], ids: [] })).byVin.get(vin);
      if (vehicleId === undefined) throw notFound('vehicle');
      const word = { vehicleId, at, sourceAddress, codes: dm1.codes, lamps: lampsOf(dm1) };
      tellSoon(c, scope, await keepDm1(scope, c.get('db'), word, now));
      return c.json({ data: { accepted: 1 as const, activeFaults: dm1.codes.length } }, 202);
    },
  );
