/** The caller's own tenant: who it is, whom it is linked with, and its settings. */
import { oneOf } from '#contracts/primitives';
import { tenantSchema, updateTenantInputSchema } from '#contracts/tenants';
import { inTenantQuerySchema } from '#contracts/users';
import { tenantScopeOf, userOf } from '../../http/authenticate.ts';
import { jsonBody } from '../../http/body.ts';
import { entityTag, requireMatch } from '../../http/entity-tag.ts';
import { AppError, notFound } from '../../http/errors.ts';
import { answer, body, bodyErrors, errors, router, signedInErrors, signedInRoute } from '../../http/routes.ts';
import { closeSockets } from '../auth/revocation.ts';
import { rescoreSoon } from '../scoring/rescore-tenant.ts';
import { updateTenant } from './change.ts';
import { demandsFactor, switchesForecasts } from './rules.ts';
import { getTenantRow, presentTenant } from './store.ts';

const tags = ['Tenants'];

export const tenantRoutes = router()
  .openapi(
    signedInRoute(
      { permission: null },
      {
        method: 'get',
        path: '/tenant',
        tags,
        summary: 'The tenant the caller works in',
        middleware: [entityTag()],
        request: { query: inTenantQuerySchema },
        responses: { 200: answer(oneOf(tenantSchema), 'The tenant'), ...errors(...signedInErrors, 'NOT_FOUND') },
      },
    ),
    async (c) => {
      const scope = await tenantScopeOf(c, c.req.valid('query').tenantId);
      const row = await getTenantRow(scope, c.get('db'));
      if (row === null) throw notFound('organisation');
      return c.json({ data: await presentTenant(scope, c.get('db'), row) }, 200);
    },
  )
  .openapi(
    signedInRoute(
      { permission: 'settings:manage', callers: 'people' },
      {
        method: 'patch',
        path: '/tenant',
        tags,
        summary: 'Change name and settings; what is not mentioned stays',
        middleware: [jsonBody()],
        request: { query: inTenantQuerySchema, body: body(updateTenantInputSchema) },
        responses: {
          200: answer(oneOf(tenantSchema), 'The tenant, changed'),
          ...errors(...signedInErrors, 'NOT_FOUND', 'CONFLICT', 'PRECONDITION_FAILED', ...bodyErrors),
        },
      },
    ),
    async (c) => {
      const scope = await tenantScopeOf(c, c.req.valid('query').tenantId);
      const input = c.req.valid('json');
      const db = c.get('db');
      const known = await getTenantRow(scope, db);
      if (known === null) throw notFound('organisation');
      await requireMatch(c, await presentTenant(scope, db, known));
      const { mfaEnabled, tenant: home, method } = userOf(c);
      if (demandsFactor(known, input) && home !== null && !mfaEnabled && method === 'password') {
        throw new AppError('CONFLICT', 'Set up your own two-step sign-in first: this would lock you out half-way.');
      }
      const unchangedSince = c.req.header('if-match') === undefined ? null : known.updatedAt;
      const changed = await updateTenant(scope, db, c.get('audit'), known, input, {
        now: c.get('now'),
        unchangedSince,
      });
      if (changed === null)
        throw new AppError('PRECONDITION_FAILED', 'It has changed since you read it. Read it again.');
      await closeSockets(c.env, scope.tenantId, { userIds: changed.lackingFactor });
      if (switchesForecasts(known, input)) rescoreSoon(scope, c.env, c.executionCtx);
      return c.json({ data: await presentTenant(scope, db, changed.row) }, 200);
    },
  );
