/** GET /tenant: the caller's own tenant and whom it is linked with; and the list of tenants for the operator. */
import { createRoute } from '@hono/zod-openapi';
import { idSchema, oneOf, pageOf, pageQueryShape } from '#contracts/primitives';
import { tenantSchema } from '#contracts/tenants';
import { z } from 'zod';
import { requirePermission, tenantScopeOf } from '../../http/authenticate.ts';
import { notFound } from '../../http/errors.ts';
import { entityTag } from '../../http/entity-tag.ts';
import { answer, bearer, errors, pageMeta, router, signedInErrors } from '../../http/routes.ts';
import { listTenants, readTenant } from './store.ts';

const tags = ['Tenants'];

export const tenantRoutes = router()
  .openapi(
    createRoute({
      method: 'get',
      path: '/tenant',
      tags,
      summary: 'The tenant the caller works in',
      security: bearer,
      middleware: [entityTag()],
      request: { query: z.strictObject({ tenantId: idSchema.optional() }) },
      responses: { 200: answer(oneOf(tenantSchema), 'The tenant'), ...errors(...signedInErrors, 'NOT_FOUND') },
    }),
    async (c) => {
      const scope = await tenantScopeOf(c, c.req.valid('query').tenantId);
      const data = await readTenant(scope, c.get('db'));
      if (data === null) throw notFound('tenant');
      return c.json({ data }, 200);
    },
  )
  .openapi(
    createRoute({
      method: 'get',
      path: '/admin/tenants',
      tags: ['Admin'],
      summary: 'Every tenant',
      security: bearer,
      middleware: [requirePermission('admin:manage')],
      request: { query: z.strictObject(pageQueryShape) },
      responses: { 200: answer(pageOf(tenantSchema), 'The page'), ...errors(...signedInErrors) },
    }),
    async (c) => {
      const query = c.req.valid('query');
      const { tenants, total } = await listTenants(c.get('db'), query);
      return c.json({ data: tenants, meta: pageMeta(query, total) }, 200);
    },
  );
