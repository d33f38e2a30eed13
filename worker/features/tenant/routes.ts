/** GET /tenant: the caller's own tenant and whom it is linked with; and the list of tenants for the operator. */
import { idSchema, oneOf, pageOf, pageQueryShape } from '#contracts/primitives';
import { tenantSchema } from '#contracts/tenants';
import { z } from 'zod';
import { tenantScopeOf } from '../../http/authenticate.ts';
import { notFound } from '../../http/errors.ts';
import { entityTag } from '../../http/entity-tag.ts';
import { answer, errors, pageMeta, router, signedInErrors, signedInRoute } from '../../http/routes.ts';
import { listTenants, readTenant } from './store.ts';

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
        request: { query: z.strictObject({ tenantId: idSchema.optional() }) },
        responses: { 200: answer(oneOf(tenantSchema), 'The tenant'), ...errors(...signedInErrors, 'NOT_FOUND') },
      },
    ),
    async (c) => {
      const scope = await tenantScopeOf(c, c.req.valid('query').tenantId);
      const data = await readTenant(scope, c.get('db'));
      if (data === null) throw notFound('tenant');
      return c.json({ data }, 200);
    },
  )
  .openapi(
    signedInRoute(
      { permission: 'admin:manage', callers: 'people' },
      {
        method: 'get',
        path: '/admin/tenants',
        tags: ['Admin'],
        summary: 'Every tenant',
        request: { query: z.strictObject(pageQueryShape) },
        responses: { 200: answer(pageOf(tenantSchema), 'The page'), ...errors(...signedInErrors) },
      },
    ),
    async (c) => {
      const query = c.req.valid('query');
      const { tenants, total } = await listTenants(c.get('db'), query);
      return c.json({ data: tenants, meta: pageMeta(query, total) }, 200);
    },
  );
