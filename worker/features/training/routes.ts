/** The scoring models of a tenant: what is in force, what there is to go back to, and the runs that train them. */
import { z } from '@hono/zod-openapi';
import { idSchema, feedOf, oneOf, pageOf } from '#contracts/primitives';
import {
  activeModelSchema,
  chooseModelInputSchema,
  modelListQuerySchema,
  scoringModelSchema,
  trainingRunListQuerySchema,
  trainingRunSchema,
} from '#contracts/scoring';
import { globalPrior } from '#scoring';
import { tenantScopeOf } from '../../http/authenticate.ts';
import { jsonBody } from '../../http/body.ts';
import type { AppContext } from '../../http/context.ts';
import { entityTag, hasChanged, requireMatch } from '../../http/entity-tag.ts';
import { AppError, notFound, unknownCursor } from '../../http/errors.ts';
import { idempotent } from '../../http/idempotency.ts';
import {
  answer,
  body,
  bodyErrors,
  errors,
  idParam,
  pageMeta,
  pageWindow,
  router,
  signedInErrors,
  signedInRoute,
  tenantQuerySchema,
} from '../../http/routes.ts';
import { ownTenantOnly, type TenantScope } from '../../http/tenant-scope.ts';
import { rescoreSoon } from '../scoring/rescore-tenant.ts';
import { toActiveModel, toScoringModel, toTrainingRun } from './present.ts';
import { chooseModel, getModel, listModels, modelInForce, type ModelInForce } from './registry-store.ts';
import { getTrainingRun, listTrainingRuns } from './runs-store.ts';
import { startTraining } from './start-run.ts';
import { arePredictionsOn } from './tenant-store.ts';

const tags = ['Scoring'];
const defaultLimit = 20;
/** Choices made at the same moment: each looks again; more than this are no coincidence. */
const choiceAttempts = 3;

const ownScope = async (c: AppContext, tenantId?: string): Promise<TenantScope> =>
  ownTenantOnly(await tenantScopeOf(c, tenantId));

async function inForce(c: AppContext, scope: TenantScope): Promise<ModelInForce> {
  const found = await modelInForce(scope, c.get('db'));
  if (found === null) throw notFound('organisation');
  return found;
}

export const trainingRoutes = router()
  .openapi(
    signedInRoute(
      { permission: 'vehicles:read' },
      {
        method: 'get',
        path: '/scoring/models',
        tags,
        summary: 'Trained models, newest first',
        request: { query: modelListQuerySchema },
        responses: {
          200: answer(pageOf(scoringModelSchema), 'The page'),
          ...errors(...signedInErrors, 'NOT_FOUND'),
        },
      },
    ),
    async (c) => {
      const query = c.req.valid('query');
      const { rows, total } = await listModels(await ownScope(c, query.tenantId), c.get('db'), pageWindow(query));
      return c.json({ data: rows.map(toScoringModel), meta: pageMeta(query, total) }, 200);
    },
  )
  .openapi(
    signedInRoute(
      { permission: 'vehicles:read' },
      {
        method: 'get',
        path: '/scoring/models/{id}',
        tags,
        summary: 'One trained model with its quality and where it comes from',
        middleware: [entityTag()],
        request: { params: idParam, query: tenantQuerySchema },
        responses: { 200: answer(oneOf(scoringModelSchema), 'The model'), ...errors(...signedInErrors, 'NOT_FOUND') },
      },
    ),
    async (c) => {
      const scope = await ownScope(c, c.req.valid('query').tenantId);
      const row = await getModel(scope, c.get('db'), c.req.valid('param').id);
      if (row === null) throw notFound('scoring model');
      return c.json({ data: toScoringModel(row) }, 200);
    },
  )
  .openapi(
    signedInRoute(
      { permission: 'vehicles:read' },
      {
        method: 'get',
        path: '/scoring/active-model',
        tags,
        summary: 'What scores are made with now',
        middleware: [entityTag()],
        request: { query: tenantQuerySchema },
        responses: {
          200: answer(oneOf(activeModelSchema), 'The model in force'),
          ...errors(...signedInErrors, 'NOT_FOUND'),
        },
      },
    ),
    async (c) => {
      const scope = await ownScope(c, c.req.valid('query').tenantId);
      return c.json({ data: toActiveModel(await inForce(c, scope), globalPrior) }, 200);
    },
  )
  .openapi(
    signedInRoute(
      { permission: 'scoring:manage' },
      {
        method: 'put',
        path: '/scoring/active-model',
        tags,
        summary: 'Choose the model that scores are made with, or with null the prior; the next scoring uses it',
        middleware: [jsonBody()],
        request: { query: tenantQuerySchema, body: body(chooseModelInputSchema) },
        responses: {
          200: answer(oneOf(activeModelSchema), 'The model in force'),
          ...errors(...signedInErrors, 'NOT_FOUND', 'CONFLICT', 'PRECONDITION_FAILED', ...bodyErrors),
        },
      },
    ),
    async (c) => {
      const scope = await ownScope(c, c.req.valid('query').tenantId);
      const { modelId, isPinned } = c.req.valid('json');
      const db = c.get('db');
      for (let attempt = 1; attempt <= choiceAttempts; attempt += 1) {
        const known = await inForce(c, scope);
        const model = modelId === null ? null : await getModel(scope, db, modelId);
        if (modelId !== null && model === null) throw notFound('scoring model');
        await requireMatch(c, toActiveModel(known, globalPrior));
        if (model?.artefactBytes === 0) {
          throw new AppError('CONFLICT', `${model.version} is too old: its artefact is no longer kept.`);
        }
        if (await chooseModel(scope, db, c.get('audit'), known, { model, isPinned }, c.get('now'))) {
          rescoreSoon(scope, c.env, c.executionCtx);
          return c.json({ data: toActiveModel(await inForce(c, scope), globalPrior) }, 200);
        }
      }
      throw hasChanged();
    },
  )
  .openapi(
    signedInRoute(
      { permission: 'scoring:manage' },
      {
        method: 'post',
        path: '/scoring/training-runs',
        tags,
        summary: 'Train on the own history now',
        middleware: [jsonBody(), idempotent],
        request: { query: tenantQuerySchema, body: body(z.strictObject({}), false) },
        responses: {
          202: answer(oneOf(z.object({ id: idSchema })), 'The run is on its way'),
          ...errors(...signedInErrors, 'NOT_FOUND', 'CONFLICT', 'IDEMPOTENCY_MISMATCH', ...bodyErrors),
        },
      },
    ),
    async (c) => {
      const scope = await ownScope(c, c.req.valid('query').tenantId);
      const db = c.get('db');
      if (!(await arePredictionsOn(scope, db))) {
        throw new AppError('CONFLICT', 'Predictions are switched off for this organisation.');
      }
      const { created, row } = await startTraining(scope, c.env, db, {
        trigger: 'manual',
        nowIso: c.get('now').toISOString(),
        trail: c.get('audit'),
      });
      if (!created) {
        throw new AppError('CONFLICT', 'A training is already on its way.', {
          details: { id: row.id, status: row.status },
        });
      }
      return c.json({ data: { id: row.id } }, 202);
    },
  )
  .openapi(
    signedInRoute(
      { permission: 'scoring:manage' },
      {
        method: 'get',
        path: '/scoring/training-runs',
        tags,
        summary: 'Training runs, newest first',
        request: { query: trainingRunListQuerySchema },
        responses: {
          200: answer(feedOf(trainingRunSchema), 'A part of the log'),
          ...errors(...signedInErrors, 'NOT_FOUND'),
        },
      },
    ),
    async (c) => {
      const { tenantId, cursor, limit = defaultLimit } = c.req.valid('query');
      const page = await listTrainingRuns(await ownScope(c, tenantId), c.get('db'), { cursor, limit });
      if (page === null) {
        throw unknownCursor();
      }
      return c.json({ data: page.rows.map(toTrainingRun), meta: { nextCursor: page.nextCursor } }, 200);
    },
  )
  .openapi(
    signedInRoute(
      { permission: 'scoring:manage' },
      {
        method: 'get',
        path: '/scoring/training-runs/{id}',
        tags,
        summary: 'One training run',
        middleware: [entityTag()],
        request: { params: idParam, query: tenantQuerySchema },
        responses: { 200: answer(oneOf(trainingRunSchema), 'The run'), ...errors(...signedInErrors, 'NOT_FOUND') },
      },
    ),
    async (c) => {
      const scope = await ownScope(c, c.req.valid('query').tenantId);
      const row = await getTrainingRun(scope, c.get('db'), c.req.valid('param').id);
      if (row === null) throw notFound('training run');
      return c.json({ data: toTrainingRun(row) }, 200);
    },
  );
