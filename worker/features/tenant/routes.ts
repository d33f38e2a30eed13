/** GET /tenant: the caller's own tenant and whom it is linked with; and the list of tenants for the operator. */
import { createRoute } from '@hono/zod-openapi';
import { asc, sql } from 'drizzle-orm';
import { etag } from 'hono/etag';
import { idSchema, oneOf, pageOf, pageQueryShape } from '#contracts/primitives';
import { tenantSchema, tenantSettingsSchema, type Tenant } from '#contracts/tenants';
import { z } from 'zod';
import { tenants } from '../../db/schema/index.ts';
import { requirePermission, tenantScopeOf } from '../../http/authenticate.ts';
import { notFound } from '../../http/errors.ts';
import { answer, bearer, errors, pageMeta, pageWindow, router, signedInErrors } from '../../http/routes.ts';
import { readTenant } from './store.ts';

const tags = ['Tenants'];

export const tenantRoutes = router()
  .openapi(
    createRoute({
      method: 'get',
      path: '/tenant',
      tags,
      summary: 'The tenant the caller works in',
      security: bearer,
      middleware: [etag()],
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
      const { limit, offset } = pageWindow(query);
      const db = c.get('db');
      const [rows, [count]] = await db.batch([
        db.select().from(tenants).orderBy(asc(tenants.id)).limit(limit).offset(offset),
        db.select({ total: sql<number>`count(*)` }).from(tenants),
      ]);
      const data = rows.map((row): Tenant => {
        const settings = tenantSettingsSchema.parse(row.settings);
        return {
          id: row.id,
          name: row.name,
          kind: row.kind,
          timeZone: settings.timeZone,
          units: settings.units,
          flags: settings.flags,
          linkedTenants: [],
          createdAt: row.createdAt,
        };
      });
      return c.json({ data, meta: pageMeta(query, count?.total ?? 0) }, 200);
    },
  );
