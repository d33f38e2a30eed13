/** What the API document says of every route: who may call it. */
import { expect, test } from 'vitest';
import { routesOf, undeclared } from '#scripts/permission-matrix';
import { call } from '#test/workers/harness';
import { createApp } from './app.ts';
import { openApiDocument } from './openapi.ts';

const routes = routesOf(openApiDocument(createApp()));

test('every route declares a permission and its callers, or is public on purpose', () => {
  expect(routes.length).toBeGreaterThan(40);
  expect(undeclared(routes)).toEqual([]);
});

test('without a sign-in a route that declares something is 401, whatever is sent', async () => {
  for (const { name, permission } of routes) {
    if (permission === undefined) continue;
    const [method = '', path = ''] = name.split(' ');
    const answer = await call(method, path.replaceAll(/\{[^}]+\}/g, '01900000-0000-7000-8000-000000000000'), {
      ...(method === 'GET' || method === 'DELETE' ? {} : { body: '{"a":' }),
    });
    expect([answer.status, answer.body.error.code], name).toEqual([401, 'UNAUTHENTICATED']);
  }
});
