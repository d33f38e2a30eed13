/** The thing a path names: found before the body is judged (an unknown id is 404 whatever was sent), handed to the handler. */
import type { MiddlewareHandler } from 'hono';
import { createMiddleware } from 'hono/factory';
import type { AppContext, AppEnv } from './context.ts';

export interface PathResource<T> {
  middleware: MiddlewareHandler<AppEnv>;
  /** What the middleware found for this request. */
  of(c: AppContext): T;
}

/** `find` throws NOT_FOUND when the id is not the caller's to see. */
export function pathResource<T>(find: (c: AppContext, id: string) => Promise<T>): PathResource<T> {
  const found = new WeakMap<AppContext, { value: T }>();
  return {
    middleware: createMiddleware<AppEnv>(async (c, next) => {
      found.set(c, { value: await find(c, c.req.param('id') ?? '') });
      await next();
    }),
    of(c) {
      const entry = found.get(c);
      if (entry === undefined) throw new Error('the route does not use this path resource as middleware');
      return entry.value;
    },
  };
}
