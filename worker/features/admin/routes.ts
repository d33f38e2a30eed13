/** The operator's: how every tenant's sync fares, starting it, drivers, and what access has been taken away. */
import {
  revocationStatsSchema,
  tenantSyncListQuerySchema,
  tenantSyncStatusSchema,
  triggeredSyncSchema,
  triggerSyncInputSchema,
} from '#contracts/admin';
import { oneOf, pageOf } from '#contracts/primitives';
import { userSchema } from '#contracts/users';
import { readScopeOf } from '../../http/authenticate.ts';
import { jsonBody } from '../../http/body.ts';
import { notFound } from '../../http/errors.ts';
import { idempotent } from '../../http/idempotency.ts';
import { pathResource } from '../../http/path-resource.ts';
import {
  answer,
  body,
  errors,
  idParam,
  noQuery,
  pageMeta,
  router,
  signedInErrors,
  signedInRoute,
} from '../../http/routes.ts';
import { activate, suspend } from '../users/actions.ts';
import { getPerson } from '../users/store.ts';
import { readRevocationStats } from './revocations-store.ts';
import { listSyncStatus, listTenantsToSync } from './sync-store.ts';
import { adminTenantRoutes } from './tenant-routes.ts';
import { triggerSync } from './trigger-sync.ts';

const tags = ['Admin'];
const access = { permission: 'admin:manage', callers: 'people' } as const;

/** Anybody of any tenant; the operators themselves are not drivers of anything. */
const driverInPath = pathResource(async (c, id) => {
  const scope = await readScopeOf(c);
  const person = await getPerson(scope, c.get('db'), id);
  if (person === null || person.tenantId === null) throw notFound('user');
  return { scope, person };
});

const personAnswers = (words: string) => ({
  200: answer(oneOf(userSchema), words),
  ...errors(...signedInErrors, 'NOT_FOUND', 'CONFLICT'),
});

export const adminRoutes = router();
adminRoutes.route('/', adminTenantRoutes);
adminRoutes
  .openapi(
    signedInRoute(access, {
      method: 'get',
      path: '/admin/sync-status',
      tags,
      summary: 'How the sync of every tenant fares',
      request: { query: tenantSyncListQuerySchema },
      responses: { 200: answer(pageOf(tenantSyncStatusSchema), 'The page'), ...errors(...signedInErrors) },
    }),
    async (c) => {
      const query = c.req.valid('query');
      const { statuses, total } = await listSyncStatus(c.get('db'), query, c.get('now').getTime());
      return c.json({ data: statuses, meta: pageMeta(query, total) }, 200);
    },
  )
  .openapi(
    signedInRoute(access, {
      method: 'post',
      path: '/admin/sync/trigger',
      tags,
      summary: 'Start the sync of one tenant, or of all of them',
      middleware: [jsonBody(), idempotent],
      request: { query: noQuery, body: body(triggerSyncInputSchema, false) },
      responses: {
        202: answer(oneOf(triggeredSyncSchema), 'Which runs are on their way, and what was skipped'),
        ...errors(
          ...signedInErrors,
          'NOT_FOUND',
          'CONFLICT',
          'INVALID_JSON',
          'IDEMPOTENCY_MISMATCH',
          'PAYLOAD_TOO_LARGE',
          'UNSUPPORTED_MEDIA_TYPE',
        ),
      },
    }),
    async (c) => {
      const { tenantId } = c.req.valid('json');
      const db = c.get('db');
      const wanted = await listTenantsToSync(db, tenantId);
      if (tenantId !== undefined && wanted.length === 0) throw notFound('organisation');
      const data = await triggerSync(await readScopeOf(c), c.env, db, c.get('audit'), wanted, c.get('now'));
      return c.json({ data }, 202);
    },
  )
  .openapi(
    signedInRoute(access, {
      method: 'patch',
      path: '/admin/drivers/{id}/suspend',
      tags,
      summary: 'Keep anybody out, in whatever tenant: every session and live socket ends now',
      middleware: [driverInPath.middleware],
      request: { params: idParam, query: noQuery },
      responses: personAnswers('The person, suspended'),
    }),
    async (c) => {
      const { scope, person } = driverInPath.of(c);
      return c.json({ data: await suspend(c, scope, person, { mayBeLast: true }) }, 200);
    },
  )
  .openapi(
    signedInRoute(access, {
      method: 'patch',
      path: '/admin/drivers/{id}/activate',
      tags,
      summary: 'Let anybody in again',
      middleware: [driverInPath.middleware],
      request: { params: idParam, query: noQuery },
      responses: personAnswers('The person, active'),
    }),
    async (c) => {
      const { scope, person } = driverInPath.of(c);
      return c.json({ data: await activate(c, scope, person) }, 200);
    },
  )
  .openapi(
    signedInRoute(access, {
      method: 'get',
      path: '/admin/revocations/stats',
      tags,
      summary: 'How much access there is, and how much has been taken away',
      request: { query: noQuery },
      responses: { 200: answer(oneOf(revocationStatsSchema), 'The numbers'), ...errors(...signedInErrors) },
    }),
    async (c) => c.json({ data: await readRevocationStats(c.get('db'), c.get('now')) }, 200),
  );
