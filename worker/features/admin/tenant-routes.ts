/** Tenants for the operator: list, make, look at, change, switch off and on. */
import { oneOf, pageOf } from '#contracts/primitives';
import {
  adminTenantSchema,
  adminUpdateTenantInputSchema,
  createTenantInputSchema,
  tenantListQuerySchema,
} from '#contracts/tenants';
import { readScopeOf, userOf } from '../../http/authenticate.ts';
import { jsonBody } from '../../http/body.ts';
import { entityTag, requireMatch } from '../../http/entity-tag.ts';
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
} from '../../http/routes.ts';
import { actingIn } from '../../http/tenant-scope.ts';
import { sendSoon } from '../../mail/outbox.ts';
import { closeSockets } from '../auth/revocation.ts';
import { rescoreSoon } from '../scoring/rescore-tenant.ts';
import { retireGates } from '../telemetry/gates.ts';
import { switchesForecasts } from '../tenant/rules.ts';
import { addressInUse } from '../users/invite.ts';
import { darken, relight, updateTenantAsOperator } from './switch-tenant.ts';
import { createTenant, getCountedTenant, isAddressInUse, listTenants, presentCounted } from './tenants-store.ts';

const tags = ['Admin'];
const access = { permission: 'admin:manage', callers: 'people' } as const;
/** The tenant in the path, with the scope to change it. */
const tenantInPath = pathResource(async (c, id) => {
  const acting = actingIn(await readScopeOf(c), id);
  const counted = acting === null ? null : await getCountedTenant(c.get('db'), id);
  if (acting === null || counted === null) throw notFound('organisation');
  return { acting, counted };
});

export const adminTenantRoutes = router()
  .openapi(
    signedInRoute(access, {
      method: 'get',
      path: '/admin/tenants',
      tags,
      summary: 'Every tenant',
      request: { query: tenantListQuerySchema },
      responses: { 200: answer(pageOf(adminTenantSchema), 'The page'), ...errors(...signedInErrors) },
    }),
    async (c) => {
      const query = c.req.valid('query');
      const { tenants, total } = await listTenants(c.get('db'), query);
      return c.json({ data: tenants, meta: pageMeta(query, total) }, 200);
    },
  )
  .openapi(
    signedInRoute(access, {
      method: 'post',
      path: '/admin/tenants',
      tags,
      summary: 'Make a tenant, and invite its first administrator',
      middleware: [jsonBody(), idempotent],
      request: { query: noQuery, body: body(createTenantInputSchema) },
      responses: {
        201: answer(oneOf(adminTenantSchema), 'The tenant'),
        ...errors(...signedInErrors, 'CONFLICT', 'IDEMPOTENCY_MISMATCH', ...bodyErrors),
      },
    }),
    async (c) => {
      const input = c.req.valid('json');
      const db = c.get('db');
      if (input.adminEmail !== undefined && (await isAddressInUse(db, input.adminEmail))) throw addressInUse();
      const id = await createTenant(c.env, db, c.get('audit'), input, userOf(c), c.get('now'));
      if (input.adminEmail !== undefined) sendSoon(c);
      const counted = await getCountedTenant(db, id);
      if (counted === null) throw new Error('a tenant that was just made is gone');
      return c.json({ data: await presentCounted(db, counted) }, 201);
    },
  )
  .openapi(
    signedInRoute(access, {
      method: 'get',
      path: '/admin/tenants/{id}',
      tags,
      summary: 'One tenant',
      middleware: [tenantInPath.middleware, entityTag()],
      request: { params: idParam, query: noQuery },
      responses: { 200: answer(oneOf(adminTenantSchema), 'The tenant'), ...errors(...signedInErrors, 'NOT_FOUND') },
    }),
    async (c) => c.json({ data: await presentCounted(c.get('db'), tenantInPath.of(c).counted) }, 200),
  )
  .openapi(
    signedInRoute(access, {
      method: 'patch',
      path: '/admin/tenants/{id}',
      tags,
      summary: 'Change a tenant; switched off, all its people are out at once',
      middleware: [tenantInPath.middleware, jsonBody()],
      request: { params: idParam, query: noQuery, body: body(adminUpdateTenantInputSchema) },
      responses: {
        200: answer(oneOf(adminTenantSchema), 'The tenant, changed'),
        ...errors(...signedInErrors, 'NOT_FOUND', 'PRECONDITION_FAILED', ...bodyErrors),
      },
    }),
    async (c) => {
      const { acting, counted } = tenantInPath.of(c);
      const input = c.req.valid('json');
      const db = c.get('db');
      await requireMatch(c, await presentCounted(db, counted));
      const unchangedSince = c.req.header('if-match') === undefined ? null : counted.row.updatedAt;
      const options = { now: c.get('now'), unchangedSince };
      const changed = await updateTenantAsOperator(acting, db, c.get('audit'), counted.row, input, options);
      if (changed === null) {
        throw new AppError('PRECONDITION_FAILED', 'It has changed since you read it. Read it again.');
      }
      // Asked for again it is told again: the first time may not have reached a room.
      const { ingestGates } = changed.row;
      await retireGates(c.env, acting.tenantId, counted.row.ingestGates, ingestGates);
      if (input.isActive === false) await darken(acting, db, c.env, changed.endedSessionIds);
      if (input.isActive === true) await relight(acting, db, c.env);
      await closeSockets(c.env, acting.tenantId, { userIds: changed.lackingFactor });
      if (switchesForecasts(counted.row, input)) rescoreSoon(acting, c.env, c.executionCtx);
      return c.json({ data: await presentCounted(db, { ...counted, row: changed.row }) }, 200);
    },
  );
