/** What somebody who has just been let in gets: tokens, and who they are; and the cookie the dashboard keeps instead. */
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import {
  accessTokenSeconds,
  refreshTokenSeconds,
  type Delivery,
  type SignedInUser,
  type SignInResult,
} from '#contracts/auth';
import { permissionsOf } from '#contracts/roles';
import type { AppContext } from '../../http/context.ts';
import { AppError } from '../../http/errors.ts';
import { isOwnOrigin } from '../../http/own-origin.ts';
import { lacksSecondFactor } from '../../http/second-factor.ts';
import { signAccessToken } from '../../http/tokens.ts';
import type { Account, OpenedSession, SessionRow } from './store.ts';

const refreshCookie = 'truckiq_refresh';
const cookiePath = '/api/v1/auth';

export const isLocalhost = (url: URL): boolean =>
  url.protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);

const cookieAttributes = (c: AppContext) =>
  ({ path: cookiePath, httpOnly: true, secure: !isLocalhost(new URL(c.req.url)), sameSite: 'Strict' }) as const;

export const setRefreshCookie = (c: AppContext, token: string): void =>
  setCookie(c, refreshCookie, token, { ...cookieAttributes(c), maxAge: refreshTokenSeconds });

export const readRefreshCookie = (c: AppContext): string | undefined => getCookie(c, refreshCookie);

export const forgetRefreshCookie = (c: AppContext): void => {
  deleteCookie(c, refreshCookie, cookieAttributes(c));
};

const foreignOrigin = (): AppError =>
  new AppError('FORBIDDEN', 'A cookie counts only for requests from the dashboard itself.', {
    details: { required: 'origin' },
  });

/** For a request that the cookie alone vouches for: browsers always name the origin of a POST, and nobody else needs it. */
export function requireOwnOrigin(c: AppContext): void {
  const origin = c.req.header('origin');
  if (origin === undefined || !isOwnOrigin(c, origin)) throw foreignOrigin();
}

/** For a request that an access token vouches for and that brings the cookie along: refused only from another site. */
export function refuseForeignOrigin(c: AppContext): void {
  const origin = c.req.header('origin');
  if (origin !== undefined && readRefreshCookie(c) !== undefined && !isOwnOrigin(c, origin)) throw foreignOrigin();
}

/** The signed-in person as a client sees them. With a second factor still owed nothing is permitted yet. */
export function toSignedInUser({ user, tenant }: Account, method: SessionRow['method']): SignedInUser {
  const mfaEnabled = user.mfaEnabledAt !== null;
  const mfaSetupRequired = lacksSecondFactor({ requireMfa: tenant?.requireMfa ?? false, mfaEnabled, method });
  return {
    id: user.id,
    email: user.email,
    name: user.name,
    role: user.role,
    tenantId: user.tenantId,
    tenantName: tenant?.name ?? null,
    permissions: mfaSetupRequired ? [] : [...permissionsOf[user.role]],
    mfaEnabled,
    mfaSetupRequired,
  };
}

/** The answer to a sign-in or a refresh; sets the cookie where the refresh token is to travel in one. */
export async function toSignInResult(
  c: AppContext,
  account: Account,
  opened: OpenedSession,
  { delivery, method }: { delivery: Delivery; method: SessionRow['method'] },
): Promise<SignInResult> {
  const user = toSignedInUser(account, method);
  const accessToken = await signAccessToken(
    c.env,
    {
      userId: user.id,
      sessionId: opened.sessionId,
      tenantId: user.tenantId,
      role: user.role,
      permissions: user.permissions,
    },
    c.get('now'),
  );
  if (delivery === 'cookie') setRefreshCookie(c, opened.refreshToken);
  return {
    accessToken,
    expiresIn: accessTokenSeconds,
    ...(delivery === 'body' ? { refreshToken: opened.refreshToken } : {}),
    user,
  };
}
