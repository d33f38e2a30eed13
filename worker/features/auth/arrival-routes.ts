/** Ways in for somebody who has no account yet. */
import { createRoute } from '@hono/zod-openapi';
import {
  acceptInvitationInputSchema,
  authOptionsSchema,
  invitationPreviewInputSchema,
  invitationPreviewSchema,
  setupInputSchema,
  signInResultSchema,
  signUpInputSchema,
} from '#contracts/auth';
import { oneOf } from '#contracts/primitives';
import { userSchema } from '#contracts/users';
import { jsonBody } from '../../http/body.ts';
import { publicRateLimit } from '../../http/rate-limit.ts';
import { answer, body, bodyErrors, errors, noQuery, router } from '../../http/routes.ts';
import { acceptInvitation, openWays, previewInvitation, setUp, signUp } from './arrivals.ts';
import { toSignInResult } from './sign-in-result.ts';

const tags = ['Auth'];
export const arrivalRoutes = router()
  .openapi(
    createRoute({
      method: 'get',
      path: '/auth/options',
      tags,
      summary: 'Which ways in are open: signing up a fleet, the first setup',
      middleware: [publicRateLimit] as const,
      request: { query: noQuery },
      responses: {
        200: answer(oneOf(authOptionsSchema), 'What is open now'),
        ...errors('VALIDATION_FAILED', 'RATE_LIMITED'),
      },
    }),
    async (c) => c.json({ data: await openWays(c) }, 200),
  )
  .openapi(
    createRoute({
      method: 'post',
      path: '/auth/invitation-preview',
      tags,
      summary: 'What an invitation leads to; it stays open',
      middleware: [publicRateLimit, jsonBody()],
      request: { query: noQuery, body: body(invitationPreviewInputSchema) },
      responses: {
        200: answer(oneOf(invitationPreviewSchema), 'Who is invited, by whom, to what'),
        ...errors(...bodyErrors, 'RATE_LIMITED'),
      },
    }),
    async (c) => c.json({ data: await previewInvitation(c, c.req.valid('json').token) }, 200),
  )
  .openapi(
    createRoute({
      method: 'post',
      path: '/auth/accept-invitation',
      tags,
      summary: 'Accept an invitation and sign in',
      middleware: [publicRateLimit, jsonBody()],
      request: { query: noQuery, body: body(acceptInvitationInputSchema) },
      responses: {
        201: answer(oneOf(signInResultSchema), 'The account stands, and is signed in'),
        ...errors(...bodyErrors, 'CONFLICT', 'RATE_LIMITED'),
      },
    }),
    async (c) => {
      const input = c.req.valid('json');
      const { account, opened } = await acceptInvitation(c, input);
      const data = await toSignInResult(c, account, opened, { delivery: input.delivery, method: 'password' });
      return c.json({ data }, 201);
    },
  )
  .openapi(
    createRoute({
      method: 'post',
      path: '/auth/sign-up',
      tags,
      summary: 'A new fleet and its first administrator, where the operator allows it',
      middleware: [publicRateLimit, jsonBody()],
      request: { query: noQuery, body: body(signUpInputSchema) },
      responses: {
        201: answer(oneOf(signInResultSchema), 'The fleet stands, and its administrator is signed in'),
        ...errors(...bodyErrors, 'FORBIDDEN', 'CONFLICT', 'RATE_LIMITED'),
      },
    }),
    async (c) => {
      const input = c.req.valid('json');
      const { account, opened } = await signUp(c, input);
      const data = await toSignInResult(c, account, opened, { delivery: input.delivery, method: 'password' });
      return c.json({ data }, 201);
    },
  )
  .openapi(
    createRoute({
      method: 'post',
      path: '/setup',
      tags,
      summary: 'The first super admin of a new installation, once',
      middleware: [publicRateLimit, jsonBody()],
      request: { query: noQuery, body: body(setupInputSchema) },
      responses: {
        201: answer(oneOf(userSchema), 'Made: sign in with POST /auth/login'),
        ...errors(...bodyErrors, 'INVALID_CREDENTIALS', 'FORBIDDEN', 'CONFLICT', 'RATE_LIMITED'),
      },
    }),
    async (c) => c.json({ data: await setUp(c, c.req.valid('json')) }, 201),
  );
