/** Signing in, staying signed in, signing out. */
import { createRoute, z } from '@hono/zod-openapi';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import {
  accessTokenSeconds,
  loginInputSchema,
  refreshInputSchema,
  refreshTokenSeconds,
  sessionSchema,
  signedInUserSchema,
  signInResultSchema,
  type SignInResult,
} from '#contracts/auth';
import { oneOf, pageOf, pageQueryShape } from '#contracts/primitives';
import { permissionsOf } from '#contracts/roles';
import { configOf } from '../../env.ts';
import { userOf } from '../../http/authenticate.ts';
import { jsonBody } from '../../http/body.ts';
import { clientOf } from '../../http/client-address.ts';
import type { AppContext } from '../../http/context.ts';
import { entityTag } from '../../http/entity-tag.ts';
import { AppError, notFound } from '../../http/errors.ts';
import { publicRateLimit } from '../../http/rate-limit.ts';
import {
  answer,
  body,
  errors,
  idParam,
  noQuery,
  pageMeta,
  pageWindow,
  router,
  signedInErrors,
  signedInRoute,
} from '../../http/routes.ts';
import { hashToken, signAccessToken } from '../../http/tokens.ts';
import { verifyPassword } from './passwords.ts';
import { closeSockets } from './revocation.ts';
import { lockedForMs, lockMs } from './rules.ts';
import {
  endAllSessions,
  endSession,
  findAccountByEmail,
  findAccountById,
  forgetWrongPasswords,
  listSessions,
  openSession,
  readSignInFailures,
  recordWrongPassword,
  rotateRefreshToken,
  type Account,
} from './store.ts';

const tags = ['Auth'];
const refreshCookie = 'truckiq_refresh';
const cookiePath = '/api/v1/auth';

const isLocalhost = (url: URL): boolean =>
  url.protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);

const cookieAttributes = (c: AppContext) =>
  ({ path: cookiePath, httpOnly: true, secure: !isLocalhost(new URL(c.req.url)), sameSite: 'Strict' }) as const;

const setRefreshCookie = (c: AppContext, token: string): void =>
  setCookie(c, refreshCookie, token, { ...cookieAttributes(c), maxAge: refreshTokenSeconds });

const forgetRefreshCookie = (c: AppContext): void => {
  deleteCookie(c, refreshCookie, cookieAttributes(c));
};

async function signInResult(
  c: AppContext,
  account: Account,
  session: { sessionId: string; refreshToken: string },
  delivery: 'body' | 'cookie',
): Promise<SignInResult> {
  const { user, tenant } = account;
  const permissions = [...permissionsOf[user.role]];
  const accessToken = await signAccessToken(
    c.env,
    { userId: user.id, sessionId: session.sessionId, tenantId: user.tenantId, role: user.role, permissions },
    c.get('now'),
  );
  if (delivery === 'cookie') setRefreshCookie(c, session.refreshToken);
  return {
    accessToken,
    expiresIn: accessTokenSeconds,
    ...(delivery === 'body' ? { refreshToken: session.refreshToken } : {}),
    user: {
      id: user.id,
      email: user.email,
      name: user.name,
      role: user.role,
      tenantId: user.tenantId,
      tenantName: tenant?.name ?? null,
      permissions,
      mfaEnabled: user.mfaEnabledAt !== null,
      mfaSetupRequired: false,
    },
  };
}

const locked = (lockedMs: number): AppError =>
  new AppError('ACCOUNT_LOCKED', 'Too many wrong passwords. The account opens again by itself.', {
    retryAfterSeconds: lockedMs / 1000,
    details: { retryAfterSeconds: Math.ceil(lockedMs / 1000) },
  });

function requireActive(account: Account): void {
  if (account.user.isDeactivated || account.tenant?.isActive === false) {
    throw new AppError('ACCOUNT_DEACTIVATED', 'This account has been deactivated. Ask your administrator.');
  }
}

/** The account behind e-mail and password, or the error that says why not. */
async function requireAccount(c: AppContext, email: string, password: string): Promise<Account> {
  const db = c.get('db');
  const now = c.get('now');
  const emailHash = await hashToken(email);
  const [account, state] = await Promise.all([findAccountByEmail(db, email), readSignInFailures(db, emailHash)]);
  const lockedMs = lockedForMs(state, now);
  // The right password does not open a locked account, so it is not even looked at.
  if (lockedMs > 0) throw locked(lockedMs);
  const fits = await verifyPassword(password, account?.user.passwordHash ?? null);
  if (account === null || !fits) {
    const nowLockedMs = lockedForMs(await recordWrongPassword(db, emailHash, now), now);
    if (nowLockedMs > 0) throw locked(nowLockedMs);
    throw new AppError('INVALID_CREDENTIALS', 'E-mail or password is wrong.');
  }
  requireActive(account);
  if (!(await forgetWrongPasswords(db, emailHash, now))) throw locked(lockMs);
  return account;
}

/** Closes the sockets of a family that was ended by the reuse of one of its tokens. */
async function closeSocketsOf(c: AppContext, userId: string, sessionIds: readonly string[]): Promise<void> {
  const account = await findAccountById(c.get('db'), userId);
  await closeSockets(c.env, { userId, tenantId: account?.user.tenantId ?? null, sessionIds });
}

const bodyErrors = ['VALIDATION_FAILED', 'INVALID_JSON', 'PAYLOAD_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE'] as const;

/** The origin of a cookie-borne request: browsers always send it on a POST, and nobody else needs the cookie. */
function requireOwnOrigin(c: AppContext): void {
  const origin = c.req.header('origin');
  const allowed = [new URL(c.req.url).origin, ...configOf(c.env).allowedOrigins];
  if (origin === undefined || !allowed.includes(origin)) {
    throw new AppError('FORBIDDEN', 'A cookie counts only for requests from the dashboard itself.');
  }
}

export const publicAuthRoutes = router()
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
        ...errors(...bodyErrors, 'INVALID_CREDENTIALS', 'ACCOUNT_DEACTIVATED', 'ACCOUNT_LOCKED', 'RATE_LIMITED'),
      },
    }),
    async (c) => {
      const { email, password, delivery } = c.req.valid('json');
      const account = await requireAccount(c, email, password);
      const session = await openSession(c.get('db'), account.user, clientOf(c), c.get('now'));
      return c.json({ data: await signInResult(c, account, session, delivery) }, 200);
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
          'ACCOUNT_DEACTIVATED',
          'FORBIDDEN',
          'RATE_LIMITED',
        ),
      },
    }),
    async (c) => {
      const { refreshToken: fromBody } = c.req.valid('json');
      const fromCookie = fromBody === undefined ? getCookie(c, refreshCookie) : undefined;
      if (fromCookie !== undefined) requireOwnOrigin(c);
      const token = fromBody ?? fromCookie;
      if (token === undefined) throw new AppError('UNAUTHENTICATED', 'No refresh token was sent.');
      const rotation = await rotateRefreshToken(c.get('db'), token, c.get('now'));
      if (rotation.kind !== 'rotated') {
        if (fromCookie !== undefined) forgetRefreshCookie(c);
        if (rotation.kind === 'reused') await closeSocketsOf(c, rotation.userId, [rotation.sessionId]);
        throw {
          unknown: new AppError('UNAUTHENTICATED', 'The refresh token is not known.'),
          ended: new AppError('TOKEN_REVOKED', 'This session has ended. Sign in again.'),
          expired: new AppError('TOKEN_EXPIRED', 'The refresh token has expired. Sign in again.'),
          reused: new AppError('TOKEN_REUSED', 'This refresh token was used before; its session has been ended.'),
        }[rotation.kind];
      }
      const account = await findAccountById(c.get('db'), rotation.userId);
      if (account === null) throw new AppError('UNAUTHENTICATED', 'The refresh token is not known.');
      requireActive(account);
      const delivery = fromCookie === undefined ? 'body' : 'cookie';
      return c.json({ data: await signInResult(c, account, rotation, delivery) }, 200);
    },
  );

const ended = { 204: { description: 'Ended' }, ...errors(...signedInErrors) };

export const sessionRoutes = router()
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
      const { id: userId, sessionId, tenant } = userOf(c);
      await endSession(c.get('db'), sessionId, 'logout', c.get('now'));
      await closeSockets(c.env, { userId, tenantId: tenant?.id ?? null, sessionIds: [sessionId] });
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
      const { id: userId, tenant } = userOf(c);
      const sessions = await endAllSessions(c.get('db'), userId, 'logout_all', c.get('now'));
      await closeSockets(c.env, { userId, tenantId: tenant?.id ?? null, sessionIds: sessions });
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
    async (c) => {
      const { id: userId, sessionId } = userOf(c);
      const query = c.req.valid('query');
      const { limit, offset } = pageWindow(query);
      const all = await listSessions(c.get('db'), userId, c.get('now'));
      const data = all.slice(offset, offset + limit).map((row) => ({
        id: row.id,
        createdAt: row.createdAt,
        lastUsedAt: row.lastUsedAt,
        ip: row.ip,
        userAgent: row.userAgent,
        isCurrent: row.id === sessionId,
      }));
      return c.json({ data, meta: pageMeta(query, all.length) }, 200);
    },
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
      const { id: userId, tenant } = userOf(c);
      const { id } = c.req.valid('param');
      const own = await listSessions(c.get('db'), userId, c.get('now'));
      if (!own.some((session) => session.id === id)) throw notFound('session');
      await endSession(c.get('db'), id, 'ended_by_user', c.get('now'));
      await closeSockets(c.env, { userId, tenantId: tenant?.id ?? null, sessionIds: [id] });
      return c.body(null, 204);
    },
  );
