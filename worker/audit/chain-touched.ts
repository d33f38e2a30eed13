/** Around every request: what it committed to the audit outbox is chained once the answer is on its way. */
import { createMiddleware } from 'hono/factory';
import type { AppEnv } from '../http/context.ts';
import { chainSoon } from './chain.ts';

/** Outside of everything that may write entries, refusals included. */
export const chainTouched = createMiddleware<AppEnv>(async (c, next) => {
  await next();
  for (const chain of c.get('audit').touched) c.executionCtx.waitUntil(chainSoon(c.env, chain));
});
