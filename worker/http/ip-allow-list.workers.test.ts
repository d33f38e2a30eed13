import { env } from 'cloudflare:workers';
import { Hono } from 'hono';
import { expect, test } from 'vitest';
import type { AppEnv } from './context.ts';
import { onError } from './error-answer.ts';
import { onlyFrom } from './ip-allow-list.ts';

const app = new Hono<AppEnv>();
app.onError(onError);
app.post('/fixed', onlyFrom(['203.0.113.0/24']), (c) => c.text('in'));
app.post('/open', onlyFrom(null), (c) => c.text('in'));
app.post(
  '/found/:list',
  onlyFrom(async (c) => (c.req.param('list') === 'none' ? [] : ['2001:db8::/32'])),
  (c) => c.text('in'),
);

const post = async (path: string, ip: string | null, bindings = {}) => {
  const headers = new Headers(ip === null ? [] : [['cf-connecting-ip', ip]]);
  return (await app.request(path, { method: 'POST', headers }, { ...env, ...bindings })).status;
};

test('a webhook from elsewhere, or from nowhere, is 403 and never reaches the handler', async () => {
  expect(await post('/fixed', '203.0.114.1')).toBe(403);
  expect(await post('/fixed', null)).toBe(403);
  expect(await post('/fixed', '203.0.113.1, 203.0.114.1')).toBe(403);
  expect(await post('/fixed', '203.0.113.1', { TRUST_CONNECTING_IP: 'false' })).toBe(403);
  expect(await post('/found/none', '2001:db8::1')).toBe(403);
  expect(await post('/fixed', '203.0.113.1')).toBe(200);
  expect(await post('/found/some', '2001:db8::1')).toBe(200);
  expect(await post('/open', null)).toBe(200);
});
