/** Middleware order, public routes, the one line where authentication begins, protected routes. */
import { createRoute, z } from '@hono/zod-openapi';
import { oneOf, timeSchema } from '#contracts/primitives';
import { chainTouched } from './audit/chain-touched.ts';
import { recordDenied } from './audit/denied.ts';
import { adminRoutes } from './features/admin/routes.ts';
import { alertRoutes } from './features/alerts/routes.ts';
import { apiKeyRoutes } from './features/api-keys/routes.ts';
import { auditRoutes } from './features/audit/routes.ts';
import { publicAuthRoutes, sessionRoutes } from './features/auth/routes.ts';
import { dealerLinkRoutes } from './features/dealer-links/routes.ts';
import { displayBoardRoutes } from './features/displays/board-routes.ts';
import { displayPairingRoutes } from './features/displays/pairing-routes.ts';
import { displayRoutes } from './features/displays/routes.ts';
import { geofenceRoutes } from './features/geofences/routes.ts';
import { liveTicketRoutes, openLiveSocket } from './features/live/routes.ts';
import { oidcProviderRoutes } from './features/oidc/routes.ts';
import { ssoRoutes } from './features/oidc/sign-in-routes.ts';
import { positionRoutes } from './features/positions/routes.ts';
import { reportRoutes } from './features/reports/routes.ts';
import { serviceEventRoutes } from './features/service-events/routes.ts';
import { scoringRoutes } from './features/scoring/routes.ts';
import { syncRoutes } from './features/sync/routes.ts';
import { faultRoutes } from './features/telemetry/fault-routes.ts';
import { telemetryRoutes } from './features/telemetry/routes.ts';
import { signalRoutes } from './features/telemetry/signal-routes.ts';
import { openStream, streamRoutes } from './features/telemetry/stream-routes.ts';
import { tenantRoutes } from './features/tenant/routes.ts';
import { trackArchiveRoutes } from './features/track-archive/routes.ts';
import { trainingRoutes } from './features/training/routes.ts';
import { invitationRoutes } from './features/users/invitation-routes.ts';
import { userRoutes } from './features/users/routes.ts';
import { vehicleRoutes } from './features/vehicles/routes.ts';
import { authenticate } from './http/authenticate.ts';
import { onError } from './http/error-answer.ts';
import { AppError } from './http/errors.ts';
import { methodGuard } from './http/method-guard.ts';
import { countPublicRequest, publicRateLimit, socketRateLimit } from './http/rate-limit.ts';
import { requestContext } from './http/request-log.ts';
import { answer, noQuery, router } from './http/routes.ts';
import { securityHeaders } from './http/security-headers.ts';
import { shield } from './http/shield.ts';
import { publicKeySet } from './http/signing-keys.ts';
import { apiVersion, docsPage, openApiDocument } from './openapi.ts';

const base = '/api/v1';

const healthRoute = createRoute({
  method: 'get',
  path: '/api/health',
  tags: ['Platform'],
  request: { query: noQuery },
  summary: 'Is the service up',
  responses: {
    200: answer(
      oneOf(z.object({ status: z.literal('ok'), version: z.string(), time: timeSchema })),
      'It answers and its database does',
    ),
    503: { description: 'UNAVAILABLE' },
  },
});

export function createApp() {
  const app = router();
  app.onError(onError);
  app.notFound(async (c) => {
    // Behind the sign-in the request has been counted already.
    if (!c.req.path.startsWith(`${base}/`)) await countPublicRequest(c);
    throw new AppError('NOT_FOUND', 'There is nothing at this address.');
  });
  app.use('*', requestContext);
  app.use('*', chainTouched);
  app.use('*', recordDenied);
  app.use('*', securityHeaders);
  app.use('*', shield);
  app.use('*', methodGuard(app));

  // — public ————————————————————————————————————————————————————————————————————
  app.use('/api/health', publicRateLimit);
  app.openapi(healthRoute, async (c) => {
    try {
      await c.env.DB.prepare('SELECT 1').first();
    } catch (cause) {
      throw new AppError('UNAVAILABLE', 'The database does not answer.', { cause });
    }
    return c.json({ data: { status: 'ok' as const, version: apiVersion, time: c.get('now').toISOString() } }, 200);
  });
  app.get('/api/openapi.json', publicRateLimit, (c) => c.json(openApiDocument(app)));
  app.get('/api/docs', publicRateLimit, (c) => c.html(docsPage));
  app.get('/.well-known/jwks.json', publicRateLimit, async (c) =>
    c.json(await publicKeySet(c.env, c.get('now')), 200, { 'cache-control': 'public, max-age=300' }),
  );
  // The ticket in its query is the socket's sign-in.
  app.get(`${base}/live`, socketRateLimit, (c) => openLiveSocket(c));
  app.get(`${base}/live/vehicles/:id`, socketRateLimit, (c) => openLiveSocket(c));
  app.get(`${base}/telemetry/stream`, socketRateLimit, (c) => openStream(c));
  app.route(base, publicAuthRoutes);
  app.route(base, ssoRoutes);
  app.route(base, displayPairingRoutes);

  app.use(`${base}/*`, authenticate);

  // — signed in —————————————————————————————————————————————————————————————————
  app.route(base, sessionRoutes);
  app.route(base, tenantRoutes);
  // Their paths come before `/users/{id}`.
  app.route(base, invitationRoutes);
  app.route(base, userRoutes);
  app.route(base, adminRoutes);
  app.route(base, vehicleRoutes);
  app.route(base, positionRoutes);
  app.route(base, serviceEventRoutes);
  app.route(base, scoringRoutes);
  app.route(base, alertRoutes);
  app.route(base, geofenceRoutes);
  app.route(base, telemetryRoutes);
  app.route(base, signalRoutes);
  app.route(base, faultRoutes);
  app.route(base, streamRoutes);
  app.route(base, reportRoutes);
  app.route(base, syncRoutes);
  app.route(base, oidcProviderRoutes);
  app.route(base, liveTicketRoutes);
  // Its path comes before `/displays/{id}`.
  app.route(base, displayBoardRoutes);
  app.route(base, displayRoutes);
  app.route(base, auditRoutes);
  app.route(base, apiKeyRoutes);
  app.route(base, dealerLinkRoutes);
  app.route(base, trainingRoutes);
  app.route(base, trackArchiveRoutes);

  app.openAPIRegistry.registerComponent('securitySchemes', 'bearer', { type: 'http', scheme: 'bearer' });
  return app;
}
