/** Middleware order, public routes, the one line where authentication begins, protected routes. */
import { createRoute, z } from '@hono/zod-openapi';
import { oneOf, timeSchema } from '#contracts/primitives';
import { configOf } from './env.ts';
import { alertRoutes } from './features/alerts/routes.ts';
import { publicAuthRoutes, sessionRoutes } from './features/auth/routes.ts';
import { liveTicketRoutes, openLiveSocket } from './features/live/routes.ts';
import { syncRoutes } from './features/sync/routes.ts';
import { telemetryRoutes } from './features/telemetry/routes.ts';
import { tenantRoutes } from './features/tenant/routes.ts';
import { vehicleRoutes } from './features/vehicles/routes.ts';
import { authenticate } from './http/authenticate.ts';
import { onError } from './http/error-answer.ts';
import { AppError } from './http/errors.ts';
import { methodGuard } from './http/method-guard.ts';
import { countPublicRequest, publicRateLimit } from './http/rate-limit.ts';
import { requestContext } from './http/request-log.ts';
import { answer, noQuery, router } from './http/routes.ts';
import { securityHeaders } from './http/security-headers.ts';
import { publicJwk } from './http/tokens.ts';
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
  app.use('*', securityHeaders);
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
  app.get('/.well-known/jwks.json', publicRateLimit, (c) => c.json({ keys: [publicJwk(configOf(c.env))] }));
  // The ticket in its query is the socket's sign-in.
  app.get(`${base}/live`, publicRateLimit, (c) => openLiveSocket(c));
  app.route(base, publicAuthRoutes);

  app.use(`${base}/*`, authenticate);

  // — signed in —————————————————————————————————————————————————————————————————
  app.route(base, sessionRoutes);
  app.route(base, tenantRoutes);
  app.route(base, vehicleRoutes);
  app.route(base, alertRoutes);
  app.route(base, telemetryRoutes);
  app.route(base, syncRoutes);
  app.route(base, liveTicketRoutes);

  app.openAPIRegistry.registerComponent('securitySchemes', 'bearer', { type: 'http', scheme: 'bearer' });
  return app;
}
