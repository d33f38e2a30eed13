/** Changing a password, and choosing a new one by a mailed link. */
import { createRoute } from '@hono/zod-openapi';
import {
  changePasswordInputSchema,
  confirmPasswordResetInputSchema,
  doneSchema,
  passwordResetInputSchema,
} from '#contracts/auth';
import { oneOf } from '#contracts/primitives';
import { userOf } from '../../http/authenticate.ts';
import { jsonBody } from '../../http/body.ts';
import { publicRateLimit } from '../../http/rate-limit.ts';
import { answer, body, bodyErrors, errors, noQuery, router, signedInErrors, signedInRoute } from '../../http/routes.ts';
import { changePassword, confirmPasswordReset, requestPasswordResetSoon } from './password-changes.ts';

const tags = ['Auth'];
export const passwordResetRoutes = router()
  .openapi(
    createRoute({
      method: 'post',
      path: '/auth/password-reset',
      tags,
      summary: 'Mail a link for a new password, if the address has an account',
      middleware: [publicRateLimit, jsonBody()],
      request: { query: noQuery, body: body(passwordResetInputSchema) },
      responses: {
        202: answer(oneOf(doneSchema), 'The same for every address'),
        ...errors(...bodyErrors, 'RATE_LIMITED'),
      },
    }),
    (c) => {
      requestPasswordResetSoon(c, c.req.valid('json').email);
      return c.json({ data: {} }, 202);
    },
  )
  .openapi(
    createRoute({
      method: 'post',
      path: '/auth/password-reset/confirm',
      tags,
      summary: 'Choose a new password with the mailed token',
      description:
        'Works once, within 30 minutes. Ends every session and opens a locked account; a second factor stays in force.',
      middleware: [publicRateLimit, jsonBody()],
      request: { query: noQuery, body: body(confirmPasswordResetInputSchema) },
      responses: {
        200: answer(oneOf(doneSchema), 'Changed: sign in with the new password'),
        ...errors(...bodyErrors, 'RATE_LIMITED'),
      },
    }),
    async (c) => {
      await confirmPasswordReset(c, c.req.valid('json'));
      return c.json({ data: {} }, 200);
    },
  );

export const ownPasswordRoutes = router().openapi(
  signedInRoute(
    { permission: null, callers: 'people' },
    {
      method: 'post',
      path: '/auth/password',
      tags,
      summary: 'Change one’s own password',
      description: 'Ends every other session. A wrong current password counts like a wrong one at sign-in.',
      middleware: [jsonBody()],
      request: { query: noQuery, body: body(changePasswordInputSchema) },
      responses: {
        200: answer(oneOf(doneSchema), 'Changed'),
        ...errors(...bodyErrors, ...signedInErrors, 'INVALID_CREDENTIALS', 'CONFLICT', 'ACCOUNT_LOCKED'),
      },
    },
  ),
  async (c) => {
    await changePassword(c, userOf(c), c.req.valid('json'));
    return c.json({ data: {} }, 200);
  },
);
