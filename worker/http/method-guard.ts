/** 405 with Allow where the path exists and the method does not. */
import type { Hono } from 'hono';
import { createMiddleware } from 'hono/factory';
import type { AppEnv } from './context.ts';
import { AppError } from './errors.ts';
import { countPublicRequest } from './rate-limit.ts';

interface KnownPath {
  path: string;
  pattern: RegExp;
  methods: Set<string>;
}

function knownPaths(app: Hono<AppEnv>): KnownPath[] {
  const methodsByPath = new Map<string, Set<string>>();
  for (const { path, method } of app.routes) {
    // Middleware stands for every method and names no resource.
    if (method === 'ALL') continue;
    methodsByPath.set(path, (methodsByPath.get(path) ?? new Set()).add(method));
  }
  return [...methodsByPath].map(([path, methods]) => ({
    path,
    pattern: new RegExp(`^${path.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/:[^/]+/g, '[^/]+')}$`),
    methods,
  }));
}

/** `app` is asked on first use, when every route stands. */
export const methodGuard = (app: Hono<AppEnv>) => {
  let known: KnownPath[] | undefined;
  let methodsByPath: ReadonlyMap<string, ReadonlySet<string>> = new Map();
  return createMiddleware<AppEnv>(async (c, next) => {
    if (known === undefined) {
      known = knownPaths(app);
      methodsByPath = new Map(known.map(({ path, methods }) => [path, methods]));
    }
    const method = c.req.method === 'HEAD' ? 'GET' : c.req.method;
    // Most paths are of fixed words: one look, and no pattern tried.
    if (methodsByPath.get(c.req.path)?.has(method) === true) return next();
    const here = known.filter((path) => path.pattern.test(c.req.path));
    if (here.length > 0 && !here.some((path) => path.methods.has(method))) {
      const allowed = [...new Set(here.flatMap((path) => [...path.methods]))].sort().join(', ');
      await countPublicRequest(c);
      c.header('Allow', allowed);
      throw new AppError('METHOD_NOT_ALLOWED', `This address answers ${allowed}.`);
    }
    return next();
  });
};
