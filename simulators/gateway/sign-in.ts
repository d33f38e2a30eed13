/** How a gateway gets its access token: the fleet admin's sign-in through the public API. */
import { oneOf } from '#contracts/primitives';
import { signInResultSchema } from '#contracts/auth';

/**
 * Gives the access token of a tenant. With `refusedToken` (the API answered 401 to it) a new one is fetched unless that
 * has happened already. Rejects with a `SignInError`.
 */
export type TokenProvider = (tenantName: string, refusedToken?: string) => Promise<string>;

/** Sign-in did not give a token; `retryAfterMs` says when it makes sense to ask again. */
export class SignInError extends Error {
  override readonly name = 'SignInError';
  readonly retryAfterMs: number;

  constructor(message: string, retryAfterMs: number) {
    super(message);
    this.retryAfterMs = retryAfterMs;
  }
}

/**
 * A refused password is tried once more soon, because a product that is just being set up may not know its people yet;
 * then seldom, because the third wrong try locks an account.
 */
const firstRefusalPauseMs = 20_000;
const wrongPasswordPauseMs = 15 * 60_000;
const unavailablePauseMs = 2_000;
const signInTimeoutMs = 10_000;

/** Seconds of a Retry-After header as milliseconds, or the fallback when there is none that can be read. */
export function retryAfterMs(response: Response, fallbackMs: number): number {
  const header = response.headers.get('Retry-After');
  return header !== null && /^\d{1,6}$/.test(header) ? Number(header) * 1000 : fallbackMs;
}

/**
 * Tokens by `POST /api/v1/auth/login`. One sign-in at a time per tenant, however many ask; kept until it is refused.
 * `credentialsOf` gives null for a tenant that has none.
 */
export function loginTokens(options: {
  apiBaseUrl: string;
  credentialsOf: (tenantName: string) => { email: string; password: string } | null;
  fetch?: typeof fetch;
}): TokenProvider {
  const send = options.fetch ?? fetch;
  const tokens = new Map<string, Promise<string>>();
  const refusals = new Map<string, number>();

  const signIn = async (tenantName: string): Promise<string> => {
    const credentials = options.credentialsOf(tenantName);
    if (credentials === null) throw new SignInError(`no sign-in for ${tenantName}`, wrongPasswordPauseMs);
    const response = await send(`${options.apiBaseUrl}/api/v1/auth/login`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ ...credentials, delivery: 'body' }),
      signal: AbortSignal.timeout(signInTimeoutMs),
    }).catch((error: unknown) => {
      throw new SignInError(`the API cannot be reached: ${String(error)}`, unavailablePauseMs);
    });
    const body: unknown = await response.json().catch(() => null);
    if (!response.ok) {
      const isUnavailable = response.status === 429 || response.status >= 500;
      const refused = (refusals.get(tenantName) ?? 0) + (isUnavailable ? 0 : 1);
      refusals.set(tenantName, refused);
      const pauseMs = isUnavailable ? unavailablePauseMs : refused === 1 ? firstRefusalPauseMs : wrongPasswordPauseMs;
      throw new SignInError(
        `sign-in for ${tenantName} was answered ${response.status}`,
        retryAfterMs(response, pauseMs),
      );
    }
    const result = oneOf(signInResultSchema).safeParse(body);
    if (!result.success) throw new SignInError('sign-in gave no token', unavailablePauseMs);
    refusals.delete(tenantName);
    return result.data.data.accessToken;
  };

  return async (tenantName, refusedToken) => {
    const known = tokens.get(tenantName);
    if (known !== undefined) {
      const token = await known.catch(() => null);
      if (token !== null && token !== refusedToken) return token;
    }
    // Whoever waited for the same failure or refusal joins the sign-in that another has begun meanwhile.
    const newer = tokens.get(tenantName);
    if (newer !== undefined && newer !== known) return newer;
    const fresh = signIn(tenantName);
    tokens.set(tenantName, fresh);
    fresh.catch(() => {
      if (tokens.get(tenantName) === fresh) tokens.delete(tenantName);
    });
    return fresh;
  };
}
