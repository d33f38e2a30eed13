/**
 * Signing in through a tenant's identity provider, before anybody has signed in; and the provider's own notice that a
 * session is over. Nothing secret ever stands in an address of ours: the dashboard learns one word and the cookie is set.
 */
import { createRoute, z } from '@hono/zod-openapi';
import { createMiddleware } from 'hono/factory';
import { oidcChoiceSchema, oidcLookupInputSchema } from '#contracts/oidc';
import { idSchema } from '#contracts/primitives';
import { configOf } from '../../env.ts';
import { jsonBody, megabyte, readBody } from '../../http/body.ts';
import type { AppContext, AppEnv } from '../../http/context.ts';
import { AppError, notFound } from '../../http/errors.ts';
import { onlyFrom } from '../../http/ip-allow-list.ts';
import { pathResource } from '../../http/path-resource.ts';
import { publicRateLimit } from '../../http/rate-limit.ts';
import { answer, body, bodyErrors, errors, noQuery, router } from '../../http/routes.ts';
import { openVault, platformOwner } from '../../secrets/vault.ts';
import { closeSockets } from '../auth/revocation.ts';
import { keepWalk, takeWalk } from './cookies.ts';
import { depart, walkCookieName } from './flow.ts';
import { LogoutTokenRefused, readLogoutToken } from './logout-token.ts';
import { metadataOf } from './metadata.ts';
import { endProviderSessions, type LogoutNotice } from './people-store.ts';
import { redirectUri, startUrl } from './present.ts';
import { toSsoRefusal } from './refusal.ts';
import { safeNext } from './rules.ts';
import { comeBack, ownFault, type SsoOutcome } from './sign-in.ts';
import { findProvider, findProvidersOfDomain, type ProviderAtTheDoor } from './store.ts';

const tags = ['Auth'];

const providerParam = z.object({ provider: z.string() });

/** The provider in the path: its id is no secret, and unknown is unknown. */
const providerAtTheDoor = pathResource(async (c) => {
  const id = idSchema.safeParse(c.req.param('provider'));
  const door = id.success ? await findProvider(c.get('db'), id.data) : null;
  if (door === null) throw notFound('identity provider');
  return door;
});

/** Back to the dashboard's sign-in page, with one word of ours. */
function toSignInPage(c: AppContext, outcome: SsoOutcome): Response {
  const query = new URLSearchParams({ sso: outcome.kind === 'done' ? 'done' : outcome.reason });
  if (outcome.next !== null && outcome.next !== '/') query.set('next', outcome.next);
  return c.redirect(`/sign-in?${query.toString()}`, 303);
}

const nextSchema = z.string().transform((text, ctx) => {
  const next = safeNext(text);
  if (next !== null) return next;
  ctx.addIssue({ code: 'custom', message: 'must be a path of the dashboard' });
  return z.NEVER;
});

/** A form of at most a megabyte, read whole before anything answers. Another kind of body is simply not valid here. */
const formBody = createMiddleware<AppEnv>(async (c, next) => {
  const { raw } = c.req;
  const bytes = raw.body === null ? new Uint8Array() : await readBody(raw, raw.body, megabyte).catch(() => null);
  if (bytes === 'too_large') throw new AppError('PAYLOAD_TOO_LARGE', 'The body is larger than 1 MB.');
  const isForm = /^application\/x-www-form-urlencoded\s*(?:;|$)/i.test(raw.headers.get('content-type') ?? '');
  if (bytes === null || !isForm) {
    throw new AppError('VALIDATION_FAILED', 'Send logout_token as application/x-www-form-urlencoded.');
  }
  const headers = new Headers(raw.headers);
  headers.delete('content-length');
  headers.set('content-type', 'application/x-www-form-urlencoded');
  c.req.raw = new Request(raw.url, { method: raw.method, headers, body: Uint8Array.from(bytes) });
  await next();
});

async function requireLogoutNotice(
  c: AppContext,
  { provider }: ProviderAtTheDoor,
  token: string,
): Promise<LogoutNotice> {
  const now = c.get('now');
  const allowLocal = configOf(c.env).allowLocalTargets;
  try {
    const metadata = await metadataOf(provider.issuer, { allowLocal }, now);
    return await readLogoutToken(token, metadata, { clientId: provider.clientId, allowLocal, now });
  } catch (cause) {
    if (cause instanceof LogoutTokenRefused) {
      throw new AppError('VALIDATION_FAILED', 'The logout token is not valid.', { cause });
    }
    if (toSsoRefusal(cause) === null) throw cause;
    throw new AppError('UPSTREAM_FAILED', 'The identity provider’s keys cannot be read right now.', { cause });
  }
}

export const ssoRoutes = router()
  .openapi(
    createRoute({
      method: 'post',
      path: '/auth/oidc/lookup',
      tags,
      summary: 'The identity providers that serve an address, by its domain alone',
      middleware: [publicRateLimit, jsonBody()],
      request: { query: noQuery, body: body(oidcLookupInputSchema) },
      responses: {
        200: answer(z.object({ data: z.array(oidcChoiceSchema) }), 'None, one or several'),
        ...errors('VALIDATION_FAILED', ...bodyErrors, 'RATE_LIMITED'),
      },
    }),
    async (c) => {
      const { email } = c.req.valid('json');
      const { publicUrl } = configOf(c.env);
      const providers = await findProvidersOfDomain(c.get('db'), email.slice(email.lastIndexOf('@') + 1));
      return c.json({ data: providers.map((found) => ({ ...found, startUrl: startUrl(publicUrl, found.id) })) }, 200);
    },
  )
  .openapi(
    createRoute({
      method: 'get',
      path: '/auth/oidc/{provider}/start',
      tags,
      summary: 'Go to the identity provider; `next` is where the dashboard opens afterwards',
      middleware: [publicRateLimit, providerAtTheDoor.middleware],
      request: { params: providerParam, query: z.strictObject({ next: nextSchema.optional() }) },
      responses: {
        302: { description: 'To the provider' },
        303: { description: 'Back to /sign-in?sso=… when the provider cannot be used' },
        ...errors('VALIDATION_FAILED', 'NOT_FOUND', 'RATE_LIMITED'),
      },
    }),
    async (c) => {
      const { provider, tenant } = providerAtTheDoor.of(c);
      const { next = '/' } = c.req.valid('query');
      if (!provider.isActive || !tenant.isActive)
        return toSignInPage(c, { kind: 'failed', reason: 'deactivated', next });
      const config = configOf(c.env);
      try {
        const departure = await depart(provider, {
          vault: await openVault(c.get('db'), config, platformOwner),
          redirectUri: redirectUri(config.publicUrl, provider.id),
          next,
          now: c.get('now'),
          allowLocal: config.allowLocalTargets,
        });
        keepWalk(c, departure.cookieName, departure.cookieValue);
        return c.redirect(departure.url, 302);
      } catch (cause) {
        if (toSsoRefusal(cause) === null) throw cause;
        // Its metadata cannot be read or used: whatever it is, nobody can be sent there.
        return toSignInPage(c, { kind: 'failed', reason: 'provider_unavailable', next });
      }
    },
  )
  .openapi(
    createRoute({
      method: 'get',
      path: '/auth/oidc/{provider}/callback',
      tags,
      summary: 'Where the identity provider sends the browser back to',
      middleware: [publicRateLimit, providerAtTheDoor.middleware],
      request: {
        params: providerParam,
        // The provider's to write: what is missing or odd is answered to the person, not to a program.
        query: z.looseObject({ code: z.unknown().optional(), state: z.unknown().optional() }),
      },
      responses: {
        303: { description: 'To /sign-in?sso=done with the refresh cookie set, or sso=<why not>' },
        ...errors('NOT_FOUND', 'RATE_LIMITED'),
      },
    }),
    async (c) => {
      const parameters = new URL(c.req.url).searchParams;
      const state = parameters.get('state') ?? '';
      const cookie = takeWalk(c, walkCookieName(state));
      const door = providerAtTheDoor.of(c);
      try {
        return toSignInPage(c, await comeBack(c, door, { parameters, state, cookie }));
      } catch (cause) {
        return toSignInPage(c, ownFault(c, cause));
      }
    },
  )
  .openapi(
    createRoute({
      method: 'post',
      path: '/auth/oidc/{provider}/backchannel-logout',
      tags,
      summary: 'The identity provider says that a session is over (OpenID Connect Back-Channel Logout 1.0)',
      middleware: [
        publicRateLimit,
        providerAtTheDoor.middleware,
        onlyFrom((c) => providerAtTheDoor.of(c).provider.logoutIpAllowList),
        formBody,
      ],
      request: {
        params: providerParam,
        query: noQuery,
        body: {
          content: {
            'application/x-www-form-urlencoded': { schema: z.object({ logout_token: z.string().min(1).max(16_384) }) },
          },
          required: true,
        },
      },
      responses: {
        204: { description: 'Its sessions here have ended' },
        ...errors(
          'VALIDATION_FAILED',
          'FORBIDDEN',
          'NOT_FOUND',
          'PAYLOAD_TOO_LARGE',
          'RATE_LIMITED',
          'UPSTREAM_FAILED',
        ),
      },
    }),
    async (c) => {
      const door = providerAtTheDoor.of(c);
      const notice = await requireLogoutNotice(c, door, c.req.valid('form').logout_token);
      const result = await endProviderSessions(c.get('db'), c.get('audit'), door, notice, c.get('now'));
      if (result.kind === 'replayed') throw new AppError('VALIDATION_FAILED', 'The logout token is not valid.');
      await closeSockets(c.env, door.tenant.id, { endedSessionIds: result.sessionIds });
      c.header('Cache-Control', 'no-store');
      return c.body(null, 204);
    },
  );
