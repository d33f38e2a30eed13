/** The second factor of one's own account. */
import { mfaCodeInputSchema, mfaSetupSchema, recoveryCodesSchema } from '#contracts/auth';
import { oneOf } from '#contracts/primitives';
import { userOf } from '../../http/authenticate.ts';
import { jsonBody } from '../../http/body.ts';
import { answer, body, bodyErrors, errors, noQuery, router, signedInErrors, signedInRoute } from '../../http/routes.ts';
import { disableMfa, enableMfa, replaceRecoveryCodes, setUpMfa } from './mfa.ts';

const tags = ['Auth'];
const codeErrors = errors(...signedInErrors, ...bodyErrors, 'MFA_INVALID', 'CONFLICT', 'ACCOUNT_LOCKED');
const people = { permission: null, callers: 'people' } as const;

export const mfaRoutes = router()
  .openapi(
    signedInRoute(people, {
      method: 'post',
      path: '/auth/mfa/setup',
      tags,
      summary: 'A new authenticator seed, not in force yet',
      description: 'In force once POST /auth/mfa/enable has seen a code of it. Asking again replaces it.',
      request: { query: noQuery },
      responses: {
        200: answer(oneOf(mfaSetupSchema), 'The seed, as text, link and QR code'),
        ...errors(...signedInErrors, 'CONFLICT'),
      },
    }),
    async (c) => c.json({ data: await setUpMfa(c, userOf(c)) }, 200),
  )
  .openapi(
    signedInRoute(people, {
      method: 'post',
      path: '/auth/mfa/enable',
      tags,
      summary: 'Turn two-step sign-in on',
      description: 'Ends every other session. The recovery codes are shown this once.',
      middleware: [jsonBody()],
      request: { query: noQuery, body: body(mfaCodeInputSchema) },
      responses: { 200: answer(oneOf(recoveryCodesSchema), 'In force'), ...codeErrors },
    }),
    async (c) => {
      const recoveryCodes = await enableMfa(c, userOf(c), c.req.valid('json').code);
      return c.json({ data: { recoveryCodes } }, 200);
    },
  )
  .openapi(
    signedInRoute(people, {
      method: 'post',
      path: '/auth/mfa/recovery-codes',
      tags,
      summary: 'New recovery codes in the place of the old ones',
      middleware: [jsonBody()],
      request: { query: noQuery, body: body(mfaCodeInputSchema) },
      responses: { 200: answer(oneOf(recoveryCodesSchema), 'Shown this once'), ...codeErrors },
    }),
    async (c) => {
      const recoveryCodes = await replaceRecoveryCodes(c, userOf(c), c.req.valid('json').code);
      return c.json({ data: { recoveryCodes } }, 200);
    },
  )
  .openapi(
    signedInRoute(people, {
      method: 'delete',
      path: '/auth/mfa',
      tags,
      summary: 'Turn two-step sign-in off',
      description: 'Takes a TOTP code or a recovery code. Ends every other session.',
      middleware: [jsonBody()],
      request: { query: noQuery, body: body(mfaCodeInputSchema) },
      responses: { 204: { description: 'Removed' }, ...codeErrors },
    }),
    async (c) => {
      await disableMfa(c, userOf(c), c.req.valid('json').code);
      return c.body(null, 204);
    },
  );
