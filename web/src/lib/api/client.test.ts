import { describe, expect, it, vi } from 'vitest';
import type { SignInResult } from '#contracts/auth';
import { idOf, tenantId } from '../../../test/builders.ts';
import { AccessKeeper, type AccessEffects } from './access.ts';
import { answer, answerWithTag, authorizedFetch, createApi } from './client.ts';
import { ApiFailure } from './failure.ts';

const user: SignInResult['user'] = {
  id: idOf(1),
  email: 'a@b.example',
  name: 'A B',
  role: 'viewer',
  tenantId,
  tenantName: 'T',
  permissions: ['vehicles:read'],
  mfaEnabled: false,
  mfaSetupRequired: false,
};
const signedIn = (accessToken: string): SignInResult => ({ accessToken, expiresIn: 900, user });
const json = (status: number, body: unknown, headers: Record<string, string> = {}): Response =>
  new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json', ...headers } });
const refusal = (status: number, code: string, headers: Record<string, string> = {}): Response =>
  json(status, { error: { code, message: `says ${code}`, requestId: 'req-1' } }, headers);

/** A keeper whose refresh answers in turn, and a client over it whose requests do. */
function setUp(options: {
  refresh?: (() => Response | Promise<Response>)[];
  answers?: (() => Response)[];
  nowMs?: () => number;
}) {
  const refreshes = [...(options.refresh ?? [])];
  const answers = [...(options.answers ?? [])];
  const seen: { token: string | null; body: string }[] = [];
  const effects: AccessEffects = {
    fetch: vi.fn(async () => {
      const next = refreshes.shift();
      if (next === undefined) throw new TypeError('Failed to fetch');
      return next();
    }),
    nowMs: options.nowMs ?? (() => 0),
    exclusively: (_name, work) => work(),
  };
  const keeper = new AccessKeeper(effects);
  const send = async (request: Request): Promise<Response> => {
    seen.push({ token: request.headers.get('Authorization'), body: await request.text() });
    const next = answers.shift();
    if (next === undefined) throw new TypeError('Failed to fetch');
    return next();
  };
  return { keeper, effects, seen, api: createApi(authorizedFetch(keeper, send), 'http://localhost') };
}

const failureOf = async (work: Promise<unknown>): Promise<ApiFailure> => {
  try {
    await work;
  } catch (thrown) {
    if (thrown instanceof ApiFailure) return thrown;
    throw thrown;
  }
  throw new Error('it did not fail');
};

describe('what anybody may ask', () => {
  it('carries no token, and its refusal leaves the session alone', async () => {
    const { keeper, seen, effects, api } = setUp({
      answers: [
        () => refusal(403, 'FORBIDDEN'),
        () => refusal(403, 'ACCOUNT_DEACTIVATED'),
        () => refusal(401, 'UNAUTHENTICATED'),
      ],
    });
    keeper.accept(signedIn('first'));
    keeper.onForbidden = vi.fn();
    const company = { company: 'C', name: 'N', email: 'a@b.example', password: 'Long-Enough-1' };
    await failureOf(answer(api.POST('/api/v1/auth/sign-up', { body: { ...company, delivery: 'cookie' } })));
    const suspended = await failureOf(
      answer(api.POST('/api/v1/auth/login', { body: { email: 'a@b.example', password: 'x', delivery: 'cookie' } })),
    );
    expect(suspended.message).toBe('says ACCOUNT_DEACTIVATED');
    await failureOf(answer(api.POST('/api/v1/setup', { body: { token: 't', email: 'a@b.example', password: 'x' } })));
    expect(seen.map(({ token }) => token)).toEqual([null, null, null]);
    expect(keeper.onForbidden).not.toHaveBeenCalled();
    expect(keeper.isSignedIn).toBe(true);
    expect(effects.fetch).not.toHaveBeenCalled();
  });

  it('is not what is protected: a refusal there has the rights read again', async () => {
    const { keeper, api } = setUp({ answers: [() => refusal(403, 'FORBIDDEN')] });
    keeper.accept(signedIn('first'));
    keeper.onForbidden = vi.fn();
    await failureOf(answer(api.GET('/api/v1/auth/sessions', {})));
    expect(keeper.onForbidden).toHaveBeenCalledOnce();
  });
});

describe('the client', () => {
  it('renews an expired token once and sends the same request again, body and all', async () => {
    const { keeper, seen, api } = setUp({
      refresh: [() => json(200, { data: signedIn('second') })],
      answers: [() => refusal(401, 'TOKEN_EXPIRED'), () => json(200, { data: {} })],
    });
    keeper.accept(signedIn('first'));
    await answer(
      api.PUT('/api/v1/alerts/{id}/resolve', { params: { path: { id: idOf(1) } }, body: { comment: 'fixed' } }),
    );
    expect(seen).toEqual([
      { token: 'Bearer first', body: '{"comment":"fixed"}' },
      { token: 'Bearer second', body: '{"comment":"fixed"}' },
    ]);
  });

  it('asks again once only: a second refusal is the answer', async () => {
    const { keeper, seen, api } = setUp({
      refresh: [() => json(200, { data: signedIn('second') })],
      answers: [() => refusal(401, 'TOKEN_EXPIRED'), () => refusal(401, 'TOKEN_EXPIRED')],
    });
    keeper.accept(signedIn('first'));
    const failure = await failureOf(answer(api.GET('/api/v1/tenant', {})));
    expect(failure.code).toBe('TOKEN_EXPIRED');
    expect(seen).toHaveLength(2);
  });

  it('signs out when the refresh is refused', async () => {
    const { keeper, api } = setUp({
      refresh: [() => refusal(401, 'TOKEN_REUSED')],
      answers: [() => refusal(401, 'TOKEN_EXPIRED')],
    });
    keeper.accept(signedIn('first'));
    const changes: unknown[] = [];
    keeper.onChange = (result) => changes.push(result);
    const failure = await failureOf(answer(api.GET('/api/v1/tenant', {})));
    expect(failure.code).toBe('TOKEN_REUSED');
    expect(failure.message).toBe('Your session has ended. Sign in again.');
    expect(changes).toEqual([null]);
    expect(keeper.isSignedIn).toBe(false);
  });

  it('stays signed in when the refresh meets no server', async () => {
    const { keeper, api } = setUp({ refresh: [], answers: [() => refusal(401, 'TOKEN_EXPIRED')] });
    keeper.accept(signedIn('first'));
    const failure = await failureOf(answer(api.GET('/api/v1/tenant', {})));
    expect(failure.code).toBe('NETWORK');
    expect(keeper.isSignedIn).toBe(true);
  });

  it.each(['TOKEN_REVOKED', 'USER_TOKENS_REVOKED', 'UNAUTHENTICATED'])('signs out at once on %s', async (code) => {
    const { keeper, effects, api } = setUp({ answers: [() => refusal(401, code)] });
    keeper.accept(signedIn('first'));
    await failureOf(answer(api.GET('/api/v1/tenant', {})));
    expect(keeper.isSignedIn).toBe(false);
    expect(effects.fetch).not.toHaveBeenCalled();
  });

  it('does not end anything when a sign-in is refused', async () => {
    const { keeper, api } = setUp({ answers: [() => refusal(401, 'INVALID_CREDENTIALS')] });
    const onChange = vi.fn();
    keeper.onChange = onChange;
    const failure = await failureOf(
      answer(api.POST('/api/v1/auth/login', { body: { email: 'a@b.example', password: 'x', delivery: 'cookie' } })),
    );
    expect(failure.message).toBe('That e-mail and password do not belong together.');
    expect(onChange).not.toHaveBeenCalled();
  });

  it('tells of a refusal for want of a permission, and of no other', async () => {
    const { keeper, api } = setUp({ answers: [() => refusal(404, 'NOT_FOUND'), () => refusal(403, 'FORBIDDEN')] });
    keeper.accept(signedIn('first'));
    const onForbidden = vi.fn();
    keeper.onForbidden = onForbidden;
    await failureOf(answer(api.GET('/api/v1/tenant', {})));
    expect(onForbidden).not.toHaveBeenCalled();
    await failureOf(answer(api.GET('/api/v1/tenant', {})));
    expect(onForbidden).toHaveBeenCalledOnce();
    expect(keeper.isSignedIn).toBe(true);
  });

  it('renews ahead of the end, and shares one renewal among callers', async () => {
    let nowMs = 0;
    let release = (): void => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    const { keeper, effects } = setUp({
      nowMs: () => nowMs,
      refresh: [
        async () => {
          await held;
          return json(200, { data: signedIn('second') });
        },
      ],
    });
    keeper.accept(signedIn('first'));
    expect(await keeper.token()).toBe('first');
    nowMs = 880_000;
    const both = Promise.all([keeper.token(), keeper.token()]);
    release();
    expect(await both).toEqual(['second', 'second']);
    expect(effects.fetch).toHaveBeenCalledTimes(1);
  });

  it('takes a refresh answer of another shape for no session at all', async () => {
    const { keeper } = setUp({ refresh: [() => json(200, { data: { accessToken: 7 } })] });
    expect((await failureOf(keeper.renew())).code).toBe('MALFORMED');
    expect(keeper.isSignedIn).toBe(false);
  });

  it('keeps the request id and the wait of a refusal', async () => {
    const { api } = setUp({ answers: [() => refusal(429, 'RATE_LIMITED', { 'Retry-After': '30' })] });
    const failure = await failureOf(answer(api.GET('/api/v1/vehicles', {})));
    expect(failure).toMatchObject({ requestId: 'req-1', retryAfterSeconds: 30, retryable: true });
    expect(failure.message).toBe('Too many requests at once. Try again in 30 s.');
  });

  it("says so when an answer is not ours: a proxy's page", async () => {
    const { api } = setUp({ answers: [() => new Response('<html>502</html>', { status: 502 })] });
    expect((await failureOf(answer(api.GET('/api/v1/vehicles', {})))).code).toBe('MALFORMED');
  });
});

describe('one thing with its version', () => {
  const settingsOf = (answers: (() => Response)[]) => {
    const { keeper, api } = setUp({ answers });
    keeper.accept(signedIn('a'));
    return answerWithTag(api.GET('/api/v1/scoring/settings', {}));
  };
  it('comes with the tag of the answer, or without one', async () => {
    expect(await settingsOf([() => json(200, { data: { a: 1 } }, { ETag: '"v1"' })])).toEqual({
      data: { a: 1 },
      tag: '"v1"',
    });
    expect((await settingsOf([() => json(200, { data: { a: 1 } })])).tag).toBeNull();
  });
  it('fails as everything else does', async () => {
    expect((await failureOf(settingsOf([() => refusal(412, 'PRECONDITION_FAILED')]))).code).toBe('PRECONDITION_FAILED');
    expect((await failureOf(settingsOf([]))).code).toBe('NETWORK');
  });
});
