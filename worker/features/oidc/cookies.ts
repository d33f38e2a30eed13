/** Cookies of walks under way: one per walk, sealed, out of reach of scripts, sent to the sign-in's own addresses only. */
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import { ssoMinutes } from '#contracts/oidc';
import type { AppContext } from '../../http/context.ts';
import { isLocalhost } from '../auth/sign-in-result.ts';
import { walkCookiePrefix } from './flow.ts';

/** Tabs at once in one browser; of more the oldest is given up, so that the header stays small. */
const maxWalks = 5;

/** Lax: the way back from the provider is a top-level navigation from another site. */
const attributes = (c: AppContext) =>
  ({
    path: '/api/v1/auth/oidc',
    httpOnly: true,
    secure: !isLocalhost(new URL(c.req.url)),
    sameSite: 'Lax',
  }) as const;

const forget = (c: AppContext, name: string): void => void deleteCookie(c, name, attributes(c));

export function keepWalk(c: AppContext, name: string, sealed: string): void {
  // Browsers send older cookies first.
  const walks = Object.keys(getCookie(c)).filter((known) => known.startsWith(walkCookiePrefix));
  for (const old of walks.slice(0, Math.max(0, walks.length - maxWalks + 1))) forget(c, old);
  setCookie(c, name, sealed, { ...attributes(c), maxAge: ssoMinutes * 60 });
}

/** The cookie of one walk, which is used up by looking at it. */
export function takeWalk(c: AppContext, name: string | null): string | undefined {
  if (name === null) return undefined;
  const sealed = getCookie(c, name);
  if (sealed !== undefined) forget(c, name);
  return sealed;
}
