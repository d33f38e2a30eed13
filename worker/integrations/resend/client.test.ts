import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { listen, remoteAddressOf, type Listener } from '#simulators/local';
import { localApiKey } from '#simulators/mail/email-api';
import { createMailSimulator } from '#simulators/mail/mail';
import { memoryMailbox, type Mailbox } from '#simulators/mail/mailbox';
import { parseRetryAfter, resendNotifier, toNotifierResult } from './client.ts';

const from = 'TruckIQ <notify@truckiq.example>';
const message = {
  id: '0199c2f0-0000-7000-8000-000000000001',
  to: 'ann@blueridge.example',
  subject: 'Choose a new password',
  text: 'Text',
  html: '<p>Text</p>',
};

describe('against the simulated provider', () => {
  let mailbox: Mailbox;
  let simulator: ReturnType<typeof createMailSimulator>;
  let listener: Listener;
  beforeEach(async () => {
    mailbox = memoryMailbox();
    simulator = createMailSimulator({ mailbox, remoteAddressOf, requestsPerSecond: 1000 });
    listener = await listen(simulator.app, 0, 'mail simulator');
  });
  afterEach(() => listener.close());

  const notifier = (more: { apiKey?: string; from?: string; timeoutMs?: number } = {}) =>
    resendNotifier({ apiUrl: listener.url, apiKey: localApiKey, from, ...more });
  const mood = async (settings: object) => {
    const answer = await fetch(`${listener.url}/_control/mood`, { method: 'PUT', body: JSON.stringify(settings) });
    expect(answer.status).toBe(200);
  };

  test('a message arrives as it was written', async () => {
    const result = await notifier().send(message);
    const [kept] = mailbox.list();
    expect(result).toEqual({ kind: 'sent', providerId: kept?.id });
    expect(mailbox.get(kept?.id ?? '')).toMatchObject({ to: message.to, subject: message.subject, html: message.html });
  });

  test('handed over twice, at once or after a lost answer, it is there once', async () => {
    await mood({ mood: 'loses_answer', times: 1 });
    expect(await notifier().send(message)).toMatchObject({ kind: 'unavailable', status: 502 });
    const results = await Promise.all([notifier().send(message), notifier().send(message)]);
    expect(results.map(({ kind }) => kind)).toEqual(['sent', 'sent']);
    expect(mailbox.list()).toHaveLength(1);
    // A new release words it differently: the first one is on its way, that is what counts.
    expect(await notifier().send({ ...message, text: 'Other' })).toEqual({ kind: 'sent', providerId: null });
    expect(mailbox.list()).toHaveLength(1);
  });

  test.each([
    ['another key', { apiKey: 're_wrong' }, { kind: 'auth', status: 401, code: 'invalid_api_key' }],
    [
      'a sender that is no address',
      { from: 'nobody' },
      { kind: 'rejected', status: 422, code: 'invalid_from_address' },
    ],
  ])('%s', async (_, options, expected) => {
    expect(await notifier(options).send(message)).toMatchObject(expected);
  });

  test.each([
    [
      { mood: 'rate_limited', retryAfterSeconds: 7 },
      { kind: 'rate_limited', status: 429, retryAfterSeconds: 7 },
    ],
    [{ mood: 'down' }, { kind: 'unavailable', status: 503, code: null }],
    [{ mood: 'refuses_key' }, { kind: 'auth', status: 401 }],
    [{ mood: 'rejects' }, { kind: 'rejected', status: 422, code: 'validation_error' }],
    [{ mood: 'garbage' }, { kind: 'unavailable', status: 200, code: 'bad_payload' }],
    [{ mood: 'hangs' }, { kind: 'unavailable', status: null, code: 'timeout' }],
  ])('%j', async (settings, expected) => {
    await mood(settings);
    expect(await notifier({ timeoutMs: 300 }).send(message)).toMatchObject(expected);
    expect(mailbox.list()).toEqual([]);
  });

  test('a subject that would begin a header is refused by the provider, not sent', async () => {
    const result = await notifier().send({ ...message, subject: 'Hello\r\nBcc: all@fleet.example' });
    expect(result).toMatchObject({ kind: 'rejected', status: 422 });
  });
});

describe('against a server that does what it likes', () => {
  let server: Server;
  let url = '';
  let respond: (response: ServerResponse) => void;
  const seen: { authorization: string | undefined; path: string | undefined }[] = [];
  beforeEach(async () => {
    seen.length = 0;
    server = createServer((request, response) => {
      seen.push({ authorization: request.headers.authorization, path: request.url });
      request.resume();
      request.on('end', () => respond(response));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const send = () => resendNotifier({ apiUrl: url, apiKey: 're_x', from, timeoutMs: 400 }).send(message);

  test('the key does not follow a redirection', async () => {
    respond = (response) => response.writeHead(307, { location: `${url}/elsewhere` }).end();
    expect(await send()).toMatchObject({ kind: 'unavailable', status: 307 });
    expect(seen.map(({ path }) => path)).toEqual(['/emails']);
  });

  test('an answer that stops in the middle is a timeout', async () => {
    respond = (response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write('{"id":');
    };
    expect(await send()).toMatchObject({ kind: 'unavailable', code: 'timeout' });
  });

  test('a cut connection is a network error', async () => {
    respond = (response) => response.destroy();
    expect(await send()).toMatchObject({ kind: 'unavailable', status: null, code: 'network' });
  });

  test.each(['null', '[]', '{"id":7}', '{"id":""}', ''])('200 with %j is no answer', async (body) => {
    respond = (response) => response.writeHead(200, { 'content-type': 'application/json' }).end(body);
    expect(await send()).toMatchObject({ kind: 'unavailable', code: 'bad_payload' });
  });

  test('what the provider writes is not repeated: a link might stand in it', async () => {
    const text = 'https://fleet.example/reset-password?token=pr_secret';
    respond = (response) => response.writeHead(422).end(JSON.stringify({ name: text, message: text, statusCode: 422 }));
    const result = await send();
    expect(result).toMatchObject({ kind: 'rejected', status: 422, code: null });
    expect(JSON.stringify(result)).not.toContain('pr_secret');
  });

  test('nobody listens', async () => {
    await new Promise((resolve) => server.close(resolve));
    expect(await send()).toMatchObject({ kind: 'unavailable', code: 'network' });
  });
});

test.each([
  [400, 'validation_error', 'rejected'],
  [401, 'missing_api_key', 'auth'],
  [403, 'validation_error', 'auth'],
  [404, 'not_found', 'rejected'],
  [408, null, 'unavailable'],
  [409, 'concurrent_idempotent_requests', 'unavailable'],
  [409, 'invalid_idempotent_request', 'sent'],
  [409, null, 'rejected'],
  [413, null, 'rejected'],
  [429, 'daily_quota_exceeded', 'rate_limited'],
  [451, 'security_error', 'rejected'],
  [500, 'application_error', 'unavailable'],
  [301, null, 'unavailable'],
] as const)('status %i %s means %s', (status, name, kind) => {
  expect(toNotifierResult(status, name, null).kind).toBe(kind);
});

test('Retry-After in both forms', () => {
  const nowMs = Date.parse('2026-11-20T09:00:00Z');
  expect(parseRetryAfter('12', nowMs)).toBe(12);
  expect(parseRetryAfter('Fri, 20 Nov 2026 09:00:30 GMT', nowMs)).toBe(30);
  expect(parseRetryAfter('Fri, 20 Nov 2026 08:00:00 GMT', nowMs)).toBe(0);
  for (const senseless of [null, '', 'soon', '-5x']) expect(parseRetryAfter(senseless, nowMs)).toBeNull();
});
