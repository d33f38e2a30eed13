/** Scoring on demand: one vehicle now, the bands and weights of the risk score, and what others would make of the fleet. */
import { oneOf } from '#contracts/primitives';
import { predictionSchema } from '#contracts/risk';
import { riskPreviewSchema, riskSettingsInputSchema, riskSettingsSchema } from '#contracts/scoring';
import { configOf } from '../../env.ts';
import { readScopeOf, tenantScopeOf } from '../../http/authenticate.ts';
import { jsonBody } from '../../http/body.ts';
import type { AppContext } from '../../http/context.ts';
import { entityTag, hasChanged, requireMatch } from '../../http/entity-tag.ts';
import { AppError, notFound } from '../../http/errors.ts';
import { pathResource } from '../../http/path-resource.ts';
import { countRequest } from '../../http/rate-limit.ts';
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
  tenantQuerySchema,
} from '../../http/routes.ts';
import { actingIn, ownTenantOnly, type TenantScope } from '../../http/tenant-scope.ts';
import { getVehicle } from '../vehicles/store.ts';
import { mostPreviewed, previewRisk } from './preview.ts';
import { rescoreSoon, tellOfScores } from './rescore-tenant.ts';
import { scoreNow } from './rescore.ts';
import { changedTerms, termsInForce, toRiskSettings } from './settings-rules.ts';
import { changeRiskTerms, readRiskTerms, type RiskTermsRow } from './settings-store.ts';

const tags = ['Scoring'];

/**
 * Each of them scores a whole fleet: what one person may ask for in a minute, at the default of 100 requests. A change also
 * keeps a prediction of every vehicle.
 */
const fleetScoringsPer100 = { preview: 20, change: 6 };

async function countFleetScoring(c: AppContext, kind: keyof typeof fleetScoringsPer100): Promise<void> {
  const limit = Math.max(1, Math.floor((configOf(c.env).requestsPerMinute * fleetScoringsPer100[kind]) / 100));
  await countRequest(c, `fleet_scoring:${kind}:${c.get('caller').id}`, limit);
}

/** The vehicle in the path, with the scope to act on it: a dealer's customers' too. */
const vehicleInPath = pathResource(async (c, id) => {
  const scope = await readScopeOf(c);
  const vehicle = await getVehicle(scope, c.get('db'), id);
  const acting = vehicle === null ? null : actingIn(scope, vehicle.tenantId);
  if (vehicle === null || acting === null) throw notFound('vehicle');
  return { vehicle, acting };
});

async function ownTerms(c: AppContext, tenantId?: string): Promise<{ scope: TenantScope; known: RiskTermsRow }> {
  const scope = ownTenantOnly(await tenantScopeOf(c, tenantId));
  const known = await readRiskTerms(scope, c.get('db'));
  if (known === null) throw notFound('organisation');
  return { scope, known };
}

export const scoringRoutes = router()
  .openapi(
    signedInRoute(
      { permission: 'scoring:manage' },
      {
        method: 'post',
        path: '/vehicles/{id}/score',
        tags,
        summary: 'Score one vehicle now',
        description:
          'Scores the vehicle with what is known of it at this moment and keeps the prediction. Alerts and live pictures follow. 409 while the vehicle keeps changing.',
        middleware: [vehicleInPath.middleware],
        request: { params: idParam, query: noQuery },
        responses: {
          200: answer(oneOf(predictionSchema), 'The prediction'),
          ...errors(...signedInErrors, 'NOT_FOUND', 'CONFLICT'),
        },
      },
    ),
    async (c) => {
      const { vehicle, acting } = vehicleInPath.of(c);
      const db = c.get('db');
      const now = c.get('now');
      const scored = await scoreNow(acting, db, c.env.ARTIFACTS, vehicle.id, {
        now,
        audited: {
          trail: c.get('audit'),
          action: {
            tenantId: acting.tenantId,
            action: 'vehicle.score',
            resourceType: 'vehicle',
            resourceId: vehicle.id,
          },
        },
      });
      if (scored === null) throw new AppError('CONFLICT', 'The vehicle is changing right now. Try again in a moment.');
      const nowIso = now.toISOString();
      await tellOfScores(acting, c.env, db, { vehicleIds: [vehicle.id], counters: scored.counters, nowIso });
      const data = {
        ...scored.score,
        id: scored.predictionId,
        createdAt: nowIso,
        outcome: { failedAt: null, censoredAt: null, within: { days7: null, days30: null, days90: null } },
      };
      return c.json({ data }, 200);
    },
  )
  .openapi(
    signedInRoute(
      { permission: 'vehicles:read' },
      {
        method: 'get',
        path: '/scoring/settings',
        tags,
        summary: 'Bands and weights of the risk score',
        middleware: [entityTag()],
        request: { query: tenantQuerySchema },
        responses: {
          200: answer(oneOf(riskSettingsSchema), 'What is in force, and the defaults'),
          ...errors(...signedInErrors, 'NOT_FOUND'),
        },
      },
    ),
    async (c) => {
      const { known } = await ownTerms(c, c.req.valid('query').tenantId);
      return c.json({ data: toRiskSettings(known.own, known.updatedAt) }, 200);
    },
  )
  .openapi(
    signedInRoute(
      { permission: 'scoring:manage' },
      {
        method: 'put',
        path: '/scoring/settings',
        tags,
        summary: 'Change bands and weights; what is not mentioned stays, null goes back to the default',
        description:
          'The whole fleet is scored again in the background, beginning at once. At most six changes a minute.',
        middleware: [jsonBody()],
        request: { query: tenantQuerySchema, body: body(riskSettingsInputSchema) },
        responses: {
          200: answer(oneOf(riskSettingsSchema), 'What is in force now'),
          ...errors(...signedInErrors, 'NOT_FOUND', 'PRECONDITION_FAILED', ...bodyErrors),
        },
      },
    ),
    async (c) => {
      const input = c.req.valid('json');
      const { scope, known } = await ownTerms(c, c.req.valid('query').tenantId);
      await requireMatch(c, toRiskSettings(known.own, known.updatedAt));
      await countFleetScoring(c, 'change');
      const unchangedSince = c.req.header('if-match') === undefined ? null : known.updatedAt;
      const changed = await changeRiskTerms(scope, c.get('db'), c.get('audit'), known, input, {
        now: c.get('now'),
        unchangedSince,
      });
      if (changed === null) throw hasChanged();
      if (changed.isChanged) rescoreSoon(scope, c.env, c.executionCtx);
      return c.json({ data: toRiskSettings(changed.row.own, changed.row.updatedAt) }, 200);
    },
  )
  .openapi(
    signedInRoute(
      { permission: 'scoring:manage' },
      {
        method: 'post',
        path: '/scoring/settings/preview',
        tags,
        summary: 'What other bands and weights would make of today’s fleet; changes nothing',
        description:
          'Every vehicle is scored twice at the same moment: with the settings in force, and with these. What is not mentioned is as in force, null is the default. At most twenty a minute. 409 past ten thousand vehicles.',
        middleware: [jsonBody()],
        request: { query: tenantQuerySchema, body: body(riskSettingsInputSchema) },
        responses: {
          200: answer(oneOf(riskPreviewSchema), 'Levels before and after, and whose would change'),
          ...errors(...signedInErrors, 'NOT_FOUND', 'CONFLICT', ...bodyErrors),
        },
      },
    ),
    async (c) => {
      const input = c.req.valid('json');
      const { scope, known } = await ownTerms(c, c.req.valid('query').tenantId);
      await countFleetScoring(c, 'preview');
      const wanted = termsInForce(changedTerms(known.own, input));
      const preview = await previewRisk(scope, c.get('db'), c.env.ARTIFACTS, wanted, c.get('now'));
      if (preview === null) {
        throw new AppError('CONFLICT', `A fleet of more than ${mostPreviewed} vehicles cannot be shown in advance.`);
      }
      return c.json({ data: preview }, 200);
    },
  );
