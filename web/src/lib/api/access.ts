/**
 * The access token: kept in memory only, renewed with the HttpOnly refresh cookie. A refresh token is single use, so tabs
 * take turns: two at once would read as theft and end the session.
 */
import { signInResultSchema, type SignInResult } from '#contracts/auth';
import { ApiFailure, failureFrom, networkFailure } from './failure.ts';

/** Renew this long before the token ends, so that a request under way does not meet its end. */
const renewAheadMs = 30_000;
const lockName = 'truckiq.refresh';

export interface AccessEffects {
  fetch: (input: string, init: RequestInit) => Promise<Response>;
  nowMs: () => number;
  /** Runs `work` while no other tab does. */
  exclusively: <T>(name: string, work: () => Promise<T>) => Promise<T>;
}

/** The browser's own: Web Locks where there are any (every secure origin, and localhost). */
export const browserEffects: AccessEffects = {
  fetch: (input, init) => fetch(input, init),
  nowMs: () => Date.now(),
  exclusively: (name, work) =>
    typeof navigator !== 'undefined' && 'locks' in navigator ? navigator.locks.request(name, work) : work(),
};

export class AccessKeeper {
  /** Called with each fresh sign-in or renewal, and with null when the session has ended. */
  onChange: (result: SignInResult | null) => void = () => {};
  /** Called when a request was refused for want of a permission: the role may have changed since sign-in. */
  onForbidden: () => void = () => {};
  #token: string | null = null;
  #endsAtMs = 0;
  #renewal: Promise<string> | null = null;
  readonly #effects: AccessEffects;

  constructor(effects: AccessEffects = browserEffects) {
    this.#effects = effects;
  }

  get isSignedIn(): boolean {
    return this.#token !== null;
  }

  accept(result: SignInResult): void {
    this.#token = result.accessToken;
    this.#endsAtMs = this.#effects.nowMs() + result.expiresIn * 1000;
    this.onChange(result);
  }

  drop(): void {
    if (this.#token === null) return;
    this.#token = null;
    this.onChange(null);
  }

  /** A token good for a request, renewed first when it is about to end; null when nobody is signed in. */
  async token(): Promise<string | null> {
    if (this.#token === null) return null;
    return this.#effects.nowMs() < this.#endsAtMs - renewAheadMs ? this.#token : this.renew();
  }

  /**
   * Trades the cookie for a new access token; callers at the same moment share one trade.
   * A refusal ends the session (onChange(null)); an unreachable server does not.
   * @throws ApiFailure
   */
  renew(): Promise<string> {
    this.#renewal ??= this.#effects
      .exclusively(lockName, () => this.#trade())
      .finally(() => {
        this.#renewal = null;
      });
    return this.#renewal;
  }

  async #trade(): Promise<string> {
    let response: Response;
    let body: unknown;
    try {
      response = await this.#effects.fetch('/api/v1/auth/refresh', { method: 'POST', credentials: 'same-origin' });
      body = await response.json().catch(() => null);
    } catch {
      throw networkFailure();
    }
    if (!response.ok) {
      const failure = failureFrom(response, body);
      if (response.status === 400 || response.status === 401 || response.status === 403) {
        this.#token = null;
        this.onChange(null);
      }
      throw failure;
    }
    const data = typeof body === 'object' && body !== null && 'data' in body ? body.data : null;
    const result = signInResultSchema.safeParse(data);
    if (!result.success) {
      throw new ApiFailure({
        code: 'MALFORMED',
        status: response.status,
        message: 'The server gave an answer that could not be read.',
        requestId: response.headers.get('X-Request-Id'),
      });
    }
    this.accept(result.data);
    return result.data.accessToken;
  }
}
