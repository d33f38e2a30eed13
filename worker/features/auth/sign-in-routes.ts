/** Signing in with e-mail and password, and trading a refresh token for the next pair. */
import { createRoute } from '@hono/zod-openapi';
import { loginInputSchema, refreshInputSchema, signInResultSchema } from '#contracts/auth';
import { oneOf } from '#contracts/primitives';
import { jsonBody } from '../../http/body.ts';
import { AppError } from '../../http/errors.ts';
import { publicRateLimit } from '../../http/rate-limit.ts';
import { answer, body, bodyErrors, errors, noQuery, router } from '../../http/routes.ts';
import { refresh } from './refresh.ts';
import { signIn } from './sign-in.ts';
import { readRefreshCookie, requireOwnOrigin, toSignInResult } from './sign-in-result.ts';

const tags = ['Auth'];
export const signInRoutes = router()
  .openapi(
    createRoute({
      method: 'post',
      path: '/auth/login',
      tags,
      summary: 'Sign in with e-mail and password',
      middleware: [publicRateLimit, jsonBody()],
      request: { query: noQuery, body: body(loginInputSchema) },
      responses: {
        200: answer(oneOf(signInResultSchema), 'Signed in'),
        ...errors(
          ...bodyErrors,
          'INVALID_CREDENTIALS',
          'MFA_REQUIRED',
          'MFA_INVALID',
          'ACCOUNT_DEACTIVATED',
          'ACCOUNT_LOCKED',
          'RATE_LIMITED',
        ),
      },
    }),
    async (c) => {
      const input = c.req.valid('json');
      const { account, opened } = await signIn(c, input);
      const data = await toSignInResult(c, account, opened, { delivery: input.delivery, method: 'password' });
      return c.json({ data }, 200);
    },
  )
  .openapi(
    createRoute({
      method: 'post',
      path: '/auth/refresh',
      tags,
      summary: 'Trade a refresh token for the next pair',
      middleware: [publicRateLimit, jsonBody()],
      request: { query: noQuery, body: body(refreshInputSchema, false) },
      responses: {
        200: answer(oneOf(signInResultSchema), 'The next pair'),
        ...errors(
          ...bodyErrors,
          'UNAUTHENTICATED',
          'TOKEN_EXPIRED',
          'TOKEN_REVOKED',
          'TOKEN_REUSED',
          'USER_TOKENS_REVOKED',
          'FORBIDDEN',
          'RATE_LIMITED',
        ),
      },
    }),
    async (c) => {
      const { refreshToken: fromBody } = c.req.valid('json');
      const fromCookie = fromBody === undefined ? readRefreshCookie(c) : undefined;
      if (fromCookie !== undefined) requireOwnOrigin(c);
      const token = fromBody ?? fromCookie;
      if (token === undefined) throw new AppError('UNAUTHENTICATED', 'No refresh token was sent.');
      const delivery = fromCookie === undefined ? 'body' : 'cookie';
      const { account, method, opened } = await refresh(c, token, delivery);
      return c.json({ data: await toSignInResult(c, account, opened, { delivery, method }) }, 200);
    },
  );
