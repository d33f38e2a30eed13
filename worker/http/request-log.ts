/** Request id, clock and one structured log line per request. */
import { createMiddleware } from 'hono/factory';
import { AuditTrail } from '../audit/trail.ts';
import { openDatabase } from '../db/client.ts';
import { newId } from '../ids.ts';
import { drain } from './body.ts';
import { clientOf } from './client-address.ts';
import type { AppEnv } from './context.ts';

/** Ids a client may bring: plain, short, safe to log and to echo in a header. */
const clientRequestId = /^[A-Za-z0-9._-]{8,64}$/;

/** Gives every request an id, a clock and a database, and logs how it ended. */
export const requestContext = createMiddleware<AppEnv>(async (c, next) => {
  const offered = c.req.header('x-request-id');
  const requestId = offered !== undefined && clientRequestId.test(offered) ? offered : newId();
  const startedAt = new Date();
  c.set('requestId', requestId);
  c.set('now', startedAt);
  c.set('db', openDatabase(c.env.DB));
  c.set('audit', new AuditTrail({ actorType: 'anonymous', actorId: null, ...clientOf(c), requestId }, startedAt));
  const { raw } = c.req;
  await next();
  await drain(raw);
  // A WebSocket answer's headers are immutable and need no id.
  if (c.res.status !== 101) c.res.headers.set('X-Request-Id', requestId);
  const caller = c.get('caller') as AppEnv['Variables']['caller'] | undefined;
  console.log(
    JSON.stringify({
      level: c.res.status >= 500 ? 'error' : 'info',
      event: 'request',
      requestId,
      method: c.req.method,
      path: c.req.path,
      status: c.res.status,
      durationMs: Date.now() - startedAt.getTime(),
      callerId: caller?.id,
      tenantId: caller?.tenant?.id,
    }),
  );
});
