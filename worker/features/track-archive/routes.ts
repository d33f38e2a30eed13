/** Which days of a tenant's tracks are where, and how they come back out of the archive. */
import {
  restoredForDays,
  restoreTracksInputSchema,
  trackDaySchema,
  trackDaysQuerySchema,
  trackRestoreSchema,
} from '#contracts/positions';
import { oneOf, pageOf } from '#contracts/primitives';
import { tenantScopeOf } from '../../http/authenticate.ts';
import { jsonBody } from '../../http/body.ts';
import {
  answer,
  body,
  bodyErrors,
  errors,
  pageMeta,
  router,
  signedInErrors,
  signedInRoute,
  tenantQuerySchema,
} from '../../http/routes.ts';
import { ownTenantOnly } from '../../http/tenant-scope.ts';
import { logFailure } from '../../log.ts';
import { toTrackDay } from './present.ts';
import { listTrackDays, requestRestore } from './store.ts';

const tags = ['Positions'];

export const trackArchiveRoutes = router()
  .openapi(
    signedInRoute(
      { permission: 'reports:read' },
      {
        method: 'get',
        path: '/track-days',
        tags,
        summary: 'Days of positions that are older than 30 days: where each lies, and until when',
        request: { query: trackDaysQuerySchema },
        responses: {
          200: answer(pageOf(trackDaySchema), 'A page of days, oldest first'),
          ...errors(...signedInErrors, 'NOT_FOUND'),
        },
      },
    ),
    async (c) => {
      const query = c.req.valid('query');
      const scope = ownTenantOnly(await tenantScopeOf(c, query.tenantId));
      const { rows, total } = await listTrackDays(scope, c.get('db'), query);
      return c.json({ data: rows.map(toTrackDay), meta: pageMeta(query, total) }, 200);
    },
  )
  .openapi(
    signedInRoute(
      { permission: 'settings:manage', callers: 'people' },
      {
        method: 'post',
        path: '/track-restores',
        tags,
        summary: 'Make archived days readable for a week',
        description:
          'It begins at once and takes some seconds a day; until then these days are still 409 CONFLICT. Asking again moves the end. Days that are not archived need nothing and are not counted.',
        middleware: [jsonBody()],
        request: { query: tenantQuerySchema, body: body(restoreTracksInputSchema) },
        responses: {
          202: answer(oneOf(trackRestoreSchema), 'It has begun'),
          ...errors(...signedInErrors, ...bodyErrors, 'NOT_FOUND'),
        },
      },
    ),
    async (c) => {
      const scope = ownTenantOnly(await tenantScopeOf(c, c.req.valid('query').tenantId));
      const until = new Date(c.get('now').getTime() + restoredForDays * 86_400_000).toISOString();
      const days = await requestRestore(scope, c.get('db'), c.get('audit'), { ...c.req.valid('json'), until });
      const { tenantId } = scope;
      if (days > 0) {
        await c.env.LIVE_QUEUE.send({ kind: 'track_restores', tenantId }).catch((cause: unknown) => {
          // The hourly job finds it.
          logFailure('track_restore_not_queued', cause, { tenantId });
        });
      }
      return c.json({ data: { days, readableUntil: days > 0 ? until : null } }, 202);
    },
  );
