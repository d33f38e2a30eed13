/** The alert inbox: list, one, acknowledge, resolve. */
import {
  acknowledgeAlertInputSchema,
  alertListQuerySchema,
  alertSchema,
  resolveAlertInputSchema,
  type AlertStatus,
} from '#contracts/alerts';
import { oneOf, pageOf } from '#contracts/primitives';
import { readScopeOf } from '../../http/authenticate.ts';
import { jsonBody } from '../../http/body.ts';
import { entityTag, requireMatch } from '../../http/entity-tag.ts';
import type { AppContext } from '../../http/context.ts';
import { AppError, notFound } from '../../http/errors.ts';
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
import { actingIn, type TenantScope } from '../../http/tenant-scope.ts';
import { publishChange } from '../live/publish.ts';
import { toAlert } from './present.ts';
import { getAlert, listAlerts, moveAlert, type AlertRow, type AlertTransition } from './store.ts';

const tags = ['Alerts'];

/** The alert in the path, with the scope to act on it. */
const alertInPath = pathResource(async (c, id) => {
  const scope = await readScopeOf(c);
  const alert = await getAlert(scope, c.get('db'), id);
  const acting = alert === null ? null : actingIn(scope, alert.tenantId);
  if (alert === null || acting === null) throw notFound('alert');
  return { alert, acting };
});

const manage = [alertInPath.middleware, jsonBody()];

async function move(c: AppContext, scope: TenantScope, alert: AlertRow, transition: AlertTransition) {
  await requireMatch(c, toAlert(alert));
  const { row, counters } = await moveAlert(scope, c.get('db'), c.get('audit'), alert, transition);
  await publishChange(c.env, c.get('db'), {
    tenantId: scope.tenantId,
    counters,
    vehicleIds: row === null || row.vehicleId === null ? [] : [row.vehicleId],
    alertIds: row === null ? [] : [row.id],
  });
  if (row !== null) return toAlert(row);
  const current = await getAlert(scope, c.get('db'), alert.id);
  throw new AppError('CONFLICT', `The alert is ${current?.status ?? 'gone'} by now.`, {
    details: { status: current?.status ?? null },
  });
}

const notEnded: AlertStatus[] = ['open', 'acknowledged', 'snoozed'];

export const alertRoutes = router()
  .openapi(
    signedInRoute(
      { permission: 'alerts:read' },
      {
        method: 'get',
        path: '/alerts',
        tags,
        summary: 'A page of alerts, worst first',
        request: { query: alertListQuerySchema },
        responses: { 200: answer(pageOf(alertSchema), 'The page'), ...errors(...signedInErrors, 'NOT_FOUND') },
      },
    ),
    async (c) => {
      const query = c.req.valid('query');
      const scope = await readScopeOf(c, query.tenantId);
      const { rows, total } = await listAlerts(scope, c.get('db'), query);
      return c.json({ data: rows.map(toAlert), meta: pageMeta(query, total) }, 200);
    },
  )
  .openapi(
    signedInRoute(
      { permission: 'alerts:read' },
      {
        method: 'get',
        path: '/alerts/{id}',
        tags,
        summary: 'One alert',
        middleware: [entityTag()],
        request: { params: idParam, query: noQuery },
        responses: { 200: answer(oneOf(alertSchema), 'The alert'), ...errors(...signedInErrors, 'NOT_FOUND') },
      },
    ),
    async (c) => {
      const row = await getAlert(await readScopeOf(c), c.get('db'), c.req.valid('param').id);
      if (row === null) throw notFound('alert');
      return c.json({ data: toAlert(row) }, 200);
    },
  )
  .openapi(
    signedInRoute(
      { permission: 'alerts:manage' },
      {
        method: 'put',
        path: '/alerts/{id}/acknowledge',
        tags,
        summary: 'Take an alert on',
        middleware: manage,
        request: { params: idParam, query: noQuery, body: body(acknowledgeAlertInputSchema, false) },
        responses: {
          200: answer(oneOf(alertSchema), 'The alert, acknowledged'),
          ...errors(...signedInErrors, 'NOT_FOUND', 'CONFLICT', 'PRECONDITION_FAILED', ...bodyErrors),
        },
      },
    ),
    async (c) => {
      const { comment } = c.req.valid('json');
      const { alert, acting } = alertInPath.of(c);
      // Acknowledging twice is what a double click does: the first one stands.
      if (alert.status === 'acknowledged') return c.json({ data: toAlert(alert) }, 200);
      const at = c.get('now').toISOString();
      const data = await move(c, acting, alert, {
        action: 'alert.acknowledge',
        from: ['open', 'snoozed'],
        set: {
          status: 'acknowledged',
          acknowledgedAt: at,
          acknowledgedBy: c.get('caller').id,
          acknowledgeComment: comment ?? null,
          snoozedUntil: null,
          updatedAt: at,
        },
      });
      return c.json({ data }, 200);
    },
  )
  .openapi(
    signedInRoute(
      { permission: 'alerts:manage' },
      {
        method: 'put',
        path: '/alerts/{id}/resolve',
        tags,
        summary: 'Settle an alert; a critical one needs a comment',
        middleware: manage,
        request: { params: idParam, query: noQuery, body: body(resolveAlertInputSchema, false) },
        responses: {
          200: answer(oneOf(alertSchema), 'The alert, resolved'),
          ...errors(...signedInErrors, 'NOT_FOUND', 'CONFLICT', 'PRECONDITION_FAILED', ...bodyErrors),
        },
      },
    ),
    async (c) => {
      const { comment } = c.req.valid('json');
      const { alert, acting } = alertInPath.of(c);
      if (alert.severity === 'critical' && comment === undefined) {
        throw new AppError('VALIDATION_FAILED', 'comment: resolving a critical alert needs a comment.', {
          details: { issues: [{ path: 'comment', message: 'is required for a critical alert' }] },
        });
      }
      const at = c.get('now').toISOString();
      const data = await move(c, acting, alert, {
        action: 'alert.resolve',
        from: notEnded,
        set: {
          status: 'resolved',
          resolvedAt: at,
          resolvedBy: c.get('caller').id,
          resolveComment: comment ?? null,
          updatedAt: at,
        },
      });
      return c.json({ data }, 200);
    },
  );
