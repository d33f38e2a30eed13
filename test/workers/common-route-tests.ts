/** The refusals that every protected route owes, run against each of them. */
import { expect, test } from 'vitest';
import { apiKeyScopes } from '#contracts/api-keys';
import { errorBodySchema } from '#contracts/errors';
import type { Permission } from '#contracts/roles';
import { apiKey, call, person, roleWithout, tenant, type TestTenant } from './harness.ts';

export interface RouteUnderTest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path under /api/v1; gets ids of `owner`'s things. */
  path: (owner: TestTenant) => Promise<string> | string;
  /** null where being signed in is enough. */
  permission: Permission | null;
  /** True when the path names a thing that another tenant must not find. */
  namesThing: boolean;
  takesBody: boolean;
  /** Who is let in; the operator's routes are asked by the operator, to whom every tenant's ids exist. */
  caller?: 'fleet_admin' | 'super_admin';
  /** Set where no API key may come in, whatever its scopes. */
  callers?: 'people';
}

async function expectRefusal(answer: Awaited<ReturnType<typeof call>>, status: number, code: string): Promise<void> {
  expect(answer.body.error?.code, answer.text).toBe(code);
  expect(answer.status).toBe(status);
  const body = errorBodySchema.parse(answer.body);
  expect(answer.headers.get('x-request-id')).toBe(body.error.requestId);
}

export function commonRouteTests(name: string, route: RouteUnderTest): void {
  const body = route.takesBody ? { body: {} } : {};
  const { caller = 'fleet_admin' } = route;
  const callerIn = (owner: TestTenant, options = {}) =>
    person(caller === 'super_admin' ? null : owner, caller, options);

  test(`${name}: no token is 401`, async () => {
    const path = await route.path(await tenant());
    await expectRefusal(await call(route.method, path, body), 401, 'UNAUTHENTICATED');
  });

  test(`${name}: an expired token is 401 TOKEN_EXPIRED`, async () => {
    const owner = await tenant();
    const { token } = await callerIn(owner, { issuedAt: new Date(Date.now() - 3600_000) });
    await expectRefusal(await call(route.method, await route.path(owner), { token, ...body }), 401, 'TOKEN_EXPIRED');
  });

  const { permission } = route;
  if (permission !== null) {
    test(`${name}: a role without ${permission} is 403 and told so`, async () => {
      const owner = await tenant();
      const { token } = await person(owner, roleWithout(permission));
      const answer = await call(route.method, await route.path(owner), { token, ...body });
      await expectRefusal(answer, 403, 'FORBIDDEN');
      expect(answer.body.error.details).toEqual({ required: permission });
    });
  }

  if (permission !== null || route.callers === 'people') {
    const scopes = apiKeyScopes.filter((scope) => route.callers === 'people' || scope !== permission);
    test(`${name}: an API key with ${route.callers === 'people' ? 'every scope' : 'every other scope'} is 403`, async () => {
      const owner = await tenant();
      const { key: token } = await apiKey(owner, scopes);
      const answer = await call(route.method, await route.path(owner), { token, ...body });
      await expectRefusal(answer, 403, 'FORBIDDEN');
      expect(answer.body.error.details).toEqual({ required: permission ?? 'sign-in' });
    });
  }

  if (route.namesThing) {
    test(`${name}: another tenant's id is 404, like one that never existed`, async () => {
      const { token } = await callerIn(await tenant());
      const foreign = await call(route.method, await route.path(await tenant()), { token, ...body });
      await expectRefusal(foreign, 404, 'NOT_FOUND');
      const invented = (await route.path(await tenant())).replace(/[0-9a-f]{8}-[0-9a-f-]{27}/, crypto.randomUUID());
      const never = await call(route.method, invented, { token, ...body });
      expect({ ...never.body.error, requestId: '' }).toEqual({ ...foreign.body.error, requestId: '' });
    });
  }

  if (route.takesBody) {
    test(`${name}: a malformed body is 400 INVALID_JSON`, async () => {
      const owner = await tenant();
      const { token } = await callerIn(owner);
      const answer = await call(route.method, await route.path(owner), { token, body: '{"a":' });
      await expectRefusal(answer, 400, 'INVALID_JSON');
    });
    test(`${name}: an unknown field or a wrong type is 400, never 500`, async () => {
      const owner = await tenant();
      const { token } = await callerIn(owner);
      for (const wrong of [[], 'text', 7, null, { unknownField: 1 }]) {
        const answer = await call(route.method, await route.path(owner), { token, body: JSON.stringify(wrong) });
        await expectRefusal(answer, 400, 'VALIDATION_FAILED');
      }
    });
    test(`${name}: another media type is 415`, async () => {
      const owner = await tenant();
      const { token } = await callerIn(owner);
      const answer = await call(route.method, await route.path(owner), {
        token,
        body: 'a=b',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      });
      await expectRefusal(answer, 415, 'UNSUPPORTED_MEDIA_TYPE');
    });
  }
}
