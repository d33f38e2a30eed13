/** Who is signed in, where, and signing out. */
import { z } from '@hono/zod-openapi';
import { sessionSchema, signedInUserSchema } from '#contracts/auth';
import { oneOf, pageOf, pageQueryShape } from '#contracts/primitives';
import { userOf } from '../../http/authenticate.ts';
import { entityTag } from '../../http/entity-tag.ts';
import { answer, errors, idParam, noQuery, router, signedInErrors, signedInRoute } from '../../http/routes.ts';
import { endAll, endOne, listOwn } from './sessions.ts';
import { forgetRefreshCookie, refuseForeignOrigin } from './sign-in-result.ts';

const tags = ['Auth'];
const ended = { 204: { description: 'Ended' }, ...errors(...signedInErrors) };

export const ownSessionRoutes = router()
  .openapi(
    signedInRoute(
      { permission: null, callers: 'people' },
      {
        method: 'post',
        path: '/auth/logout',
        tags,
        summary: 'End this session',
        request: { query: noQuery },
        responses: ended,
      },
    ),
    async (c) => {
      refuseForeignOrigin(c);
      const caller = userOf(c);
      await endOne(c, caller, caller.sessionId, 'logout');
      forgetRefreshCookie(c);
      return c.body(null, 204);
    },
  )
  .openapi(
    signedInRoute(
      { permission: null, callers: 'people' },
      {
        method: 'post',
        path: '/auth/logout-all',
        tags,
        summary: 'End every session of this user',
        request: { query: noQuery },
        responses: ended,
      },
    ),
    async (c) => {
      refuseForeignOrigin(c);
      await endAll(c, userOf(c));
      forgetRefreshCookie(c);
      return c.body(null, 204);
    },
  )
  .openapi(
    signedInRoute(
      { permission: null, callers: 'people' },
      {
        method: 'get',
        path: '/auth/me',
        tags,
        summary: 'Who is signed in',
        middleware: [entityTag()],
        request: { query: noQuery },
        responses: { 200: answer(oneOf(signedInUserSchema), 'The caller'), ...errors(...signedInErrors) },
      },
    ),
    (c) => {
      const { id, email, name, role, tenant, permissions, mfaEnabled, mfaSetupRequired } = userOf(c);
      const data = {
        id,
        email,
        name,
        role,
        tenantId: tenant?.id ?? null,
        tenantName: tenant?.name ?? null,
        permissions: [...permissions],
        mfaEnabled,
        mfaSetupRequired,
      };
      return c.json({ data }, 200);
    },
  )
  .openapi(
    signedInRoute(
      { permission: null, callers: 'people' },
      {
        method: 'get',
        path: '/auth/sessions',
        tags,
        summary: 'Where this user is signed in',
        request: { query: z.strictObject(pageQueryShape) },
        responses: {
          200: answer(pageOf(sessionSchema), 'Live sessions, last used first'),
          ...errors(...signedInErrors),
        },
      },
    ),
    async (c) => c.json(await listOwn(c, userOf(c), c.req.valid('query')), 200),
  )
  .openapi(
    signedInRoute(
      { permission: null, callers: 'people' },
      {
        method: 'delete',
        path: '/auth/sessions/{id}',
        tags,
        summary: 'End one of this user’s sessions',
        request: { params: idParam, query: noQuery },
        responses: { ...ended, ...errors('NOT_FOUND') },
      },
    ),
    async (c) => {
      await endOne(c, userOf(c), c.req.valid('param').id, 'ended_by_user');
      return c.body(null, 204);
    },
  );
