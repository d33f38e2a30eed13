/** The typed HTTP client: openapi-fetch over the API's own description, with sign-in handled underneath. */
import createClient from 'openapi-fetch';
import { AccessKeeper } from './access.ts';
import { failureFrom, networkFailure } from './failure.ts';
import type { paths } from './generated/schema.d.ts';

/** What anybody may ask. It carries no token, and its refusal says nothing about the session that may be open here. */
const publicPath =
  /^\/api\/v1\/(?:setup|auth\/(?:login|sign-up|options|accept-invitation|invitation-preview|password-reset(?:\/confirm)?|oidc\/lookup))$/;

/** A fetch that carries the access token, renews an expired one and asks again once. */
export function authorizedFetch(
  access: AccessKeeper,
  send: (request: Request) => Promise<Response> = (request) => fetch(request),
): (request: Request) => Promise<Response> {
  const withToken = (request: Request, token: string | null): Request => {
    if (token !== null) request.headers.set('Authorization', `Bearer ${token}`);
    return request;
  };
  return async (request) => {
    if (publicPath.test(new URL(request.url).pathname)) return send(request);
    // A body can be sent once only: keep a copy for the second try.
    const again = request.clone();
    const response = await send(withToken(request, await access.token()));
    if (response.status === 403) access.onForbidden();
    if (response.status !== 401 || !access.isSignedIn) return response;
    const body: unknown = await response
      .clone()
      .json()
      .catch(() => null);
    const { code } = failureFrom(response, body);
    if (code === 'TOKEN_EXPIRED') return send(withToken(again, await access.renew()));
    // Revoked, suspended, unknown: the session is over whatever the cookie says.
    if (code !== 'INVALID_CREDENTIALS' && code !== 'MFA_REQUIRED' && code !== 'MFA_INVALID') access.drop();
    return response;
  };
}

export const access = new AccessKeeper();

/** `origin` is the page's own: the API is served beside the dashboard. */
export const createApi = (fetchWith: (request: Request) => Promise<Response>, origin: string) =>
  createClient<paths>({ baseUrl: origin, fetch: fetchWith, credentials: 'same-origin' });

export const api = createApi(
  authorizedFetch(access),
  typeof location === 'undefined' ? 'http://localhost' : location.origin,
);

/** What came back, whatever it says. @throws ApiFailure when nothing did */
async function outcomeOf<Outcome>(request: Promise<Outcome>): Promise<Outcome> {
  try {
    return await request;
  } catch (thrown) {
    // openapi-fetch passes on what fetch and our own renewal throw.
    if (thrown instanceof Error && thrown.name === 'ApiFailure') throw thrown;
    throw networkFailure();
  }
}

/**
 * The body of a good answer.
 * @throws ApiFailure for a refused request, and for one that got no answer
 */
export async function answer<T>(
  request: Promise<{ data?: T; error?: unknown; response: Response }>,
): Promise<NonNullable<T>> {
  const outcome = await outcomeOf(request);
  if (!outcome.response.ok || outcome.data === undefined || outcome.data === null) {
    throw failureFrom(outcome.response, outcome.error);
  }
  return outcome.data;
}

/** A thing and the version of it that was read: what changes it later says which version it means to change. */
export interface Tagged<T> {
  data: T;
  /** The answer's `ETag`; null when it carried none. */
  tag: string | null;
}

/**
 * Like `answer`, for one thing with its version.
 * @throws ApiFailure
 */
export async function answerWithTag<T>(
  request: Promise<{ data?: { data: T }; error?: unknown; response: Response }>,
): Promise<Tagged<T>> {
  const outcome = await outcomeOf(request);
  const { data } = await answer(Promise.resolve(outcome));
  return { data, tag: outcome.response.headers.get('ETag') };
}

/** Like `answer`, where the body does not matter: a 204, or what nobody reads. */
export async function answerEmpty(request: Promise<{ error?: unknown; response: Response }>): Promise<void> {
  const outcome = await outcomeOf(request);
  if (!outcome.response.ok) throw failureFrom(outcome.response, outcome.error);
}
