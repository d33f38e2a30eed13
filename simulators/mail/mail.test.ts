import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { localApiKey } from './email-api.ts';
import { folderMailbox } from './mail-folder.ts';
import { startMail, type RunningMail } from './start.ts';

const email = {
  from: 'TruckIQ <notify@truckiq.example>',
  to: ['ann@blueridge.example'],
  subject: 'Choose a new password',
  html: '<p>Open <a href="http://127.0.0.1:8787/reset-password?token=pr_1">this</a></p>',
  text: 'Open http://127.0.0.1:8787/reset-password?token=pr_1',
};

let folder = '';
let mail: RunningMail;
const logged: string[] = [];
const start = async (requestsPerSecond = 1000): Promise<void> => {
  mail = await startMail({ port: 0, folder, log: (line) => logged.push(line), requestsPerSecond });
};
beforeEach(async () => {
  logged.length = 0;
  folder = mkdtempSync(join(tmpdir(), 'truckiq-mail-'));
  await start();
});
afterEach(async () => {
  await mail.stop();
  rmSync(folder, { recursive: true, force: true });
});

const post = (body: unknown, headers: Record<string, string | null> = {}) => {
  const all = { authorization: `Bearer ${localApiKey}`, 'content-type': 'application/json', ...headers };
  const sent = Object.entries(all).filter((pair): pair is [string, string] => pair[1] !== null);
  return fetch(`${mail.url}/emails`, {
    method: 'POST',
    headers: sent,
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
};
const refusal = async (answer: Promise<Response>): Promise<[number, string]> => {
  const response = await answer;
  const body = (await response.json()) as { statusCode: number; name: string };
  expect(body.statusCode).toBe(response.status);
  return [response.status, body.name];
};
const files = () => readdirSync(folder).toSorted();
const page = async (path: string) => {
  const answer = await fetch(`${mail.url}${path}`);
  return { status: answer.status, text: await answer.text(), headers: answer.headers };
};
const control = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
  fetch(`${mail.url}/_control${path}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });

describe('the API refuses', () => {
  it.each([
    ['no key', { authorization: null }, 401, 'missing_api_key'],
    ['another key', { authorization: 'Bearer re_other' }, 401, 'invalid_api_key'],
    ['a key without Bearer', { authorization: localApiKey }, 401, 'invalid_api_key'],
    ['a form', { 'content-type': 'application/x-www-form-urlencoded' }, 415, 'validation_error'],
    ['no content type', { 'content-type': 'text/plain' }, 415, 'validation_error'],
    ['a key of 257 characters', { 'idempotency-key': 'x'.repeat(257) }, 400, 'invalid_idempotency_key'],
  ] as const)('%s', async (_, headers, status, name) => {
    expect(await refusal(post(email, headers))).toEqual([status, name]);
    expect(files()).toEqual([]);
  });

  it.each([
    ['no JSON', '{"from":', 400, 'validation_error'],
    ['bytes that are no text', '"\ud800"', 422, 'missing_required_field'],
    ['a list', [], 422, 'missing_required_field'],
    ['no sender', { ...email, from: undefined }, 422, 'missing_required_field'],
    ['no receiver', { ...email, to: undefined }, 422, 'missing_required_field'],
    ['no subject', { ...email, subject: undefined }, 422, 'missing_required_field'],
    ['a sender that is no address', { ...email, from: 'TruckIQ' }, 422, 'invalid_from_address'],
    ['a receiver that is no address', { ...email, to: ['ann'] }, 422, 'validation_error'],
    ['a receiver with a name in it', { ...email, to: 'Ann <ann@x.example>' }, 422, 'validation_error'],
    ['nobody', { ...email, to: [] }, 422, 'validation_error'],
    ['fifty-one receivers', { ...email, to: Array(51).fill('a@b.example') }, 422, 'validation_error'],
    ['an empty subject', { ...email, subject: '' }, 422, 'validation_error'],
    ['a subject of two lines', { ...email, subject: 'a\r\nBcc: b@c.example' }, 422, 'validation_error'],
    ['neither text nor html', { ...email, text: undefined, html: undefined }, 422, 'validation_error'],
    ['a field it does not know', { ...email, body: 'x' }, 422, 'validation_error'],
    ['a header of two lines', { ...email, headers: { 'X-A': 'a\nb' } }, 422, 'validation_error'],
    ['a header name with a colon', { ...email, headers: { 'X-A:': 'a' } }, 422, 'validation_error'],
    ['half a megabyte', { ...email, text: 'x'.repeat(520 * 1024) }, 413, 'validation_error'],
  ])('%s', async (_, body, status, name) => {
    expect(await refusal(post(body))).toEqual([status, name]);
    expect(files()).toEqual([]);
  });

  it('other methods and addresses', async () => {
    expect(await refusal(fetch(`${mail.url}/emails`))).toEqual([405, 'method_not_allowed']);
    expect(await refusal(fetch(`${mail.url}/email`, { method: 'POST' }))).toEqual([404, 'not_found']);
  });

  it('a known key with another message, and repeats its answer for the same one', async () => {
    const key = { 'idempotency-key': 'k1' };
    const first = (await (await post(email, key)).json()) as { id: string };
    expect(await (await post(email, key)).json()).toEqual(first);
    expect(await refusal(post({ ...email, subject: 'Other' }, key))).toEqual([409, 'invalid_idempotent_request']);
    expect(files()).toHaveLength(1);
  });

  it('too many in a second', async () => {
    await mail.stop();
    await start(2);
    const answers = await Promise.all(Array.from({ length: 8 }, () => post(email)));
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThanOrEqual(4);
    expect(refused[0]?.headers.get('retry-after')).toBe('1');
  });
});

describe('the folder', () => {
  it('holds one whole file per message, in order, with exactly what a reader needs', async () => {
    const before = Date.now();
    await post(email);
    await post({ ...email, to: ['a@b.example', 'c@d.example'], html: undefined });
    const [first = '', second = ''] = files();
    expect(files()).toHaveLength(2);
    for (const name of files()) expect(name).toMatch(/^\d{8}T\d{9}Z-[0-9a-f-]{36}\.json$/);
    const read = (name: string) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as Record<string, string>;
    const { at, ...rest } = read(first);
    expect(rest).toEqual({ to: 'ann@blueridge.example', subject: email.subject, text: email.text, html: email.html });
    expect(Date.parse(at ?? '')).toBeGreaterThanOrEqual(before);
    expect(read(second)).toMatchObject({ to: 'a@b.example, c@d.example', html: '' });
  });

  it('is read again by the next start; what is no message is left alone and said', async () => {
    await post(email);
    await mail.stop();
    writeFileSync(join(folder, 'notes.txt'), 'mine');
    const broken = '20261120T091124123Z-0199c2f0-0000-7000-8000-000000000001.json';
    writeFileSync(join(folder, broken), '{"to":');
    await start();
    expect((await page('/')).text).toContain('Choose a new password');
    expect((await page('/')).text).toContain('1 message');
    expect(logged.some((line) => line.includes(broken))).toBe(true);
    expect(files()).toContain('notes.txt');
    expect(files()).toContain(broken);
  });

  it('may be emptied or removed by hand while it runs', async () => {
    await post(email);
    const [name = ''] = files();
    const id = name.slice(20, 56);
    expect((await page(`/messages/${id}`)).status).toBe(200);
    rmSync(folder, { recursive: true });
    expect((await page(`/messages/${id}`)).status).toBe(404);
    expect((await post(email)).status).toBe(200);
    expect(files()).toHaveLength(1);
  });

  it('forgets only messages', () => {
    writeFileSync(join(folder, 'notes.txt'), 'mine');
    const box = folderMailbox(folder, () => undefined);
    const id = '0199c2f0-0000-7000-8000-000000000002';
    box.add({ id, to: 'a@b.example', subject: 's', text: 't', html: '', at: '2026-11-20T09:11:24.123Z' });
    expect(files()).toContain(`20261120T091124123Z-${id}.json`);
    box.clear();
    expect(files()).toEqual(['notes.txt']);
  });
});

describe('the inbox', () => {
  const idOf = async (): Promise<string> => /\/messages\/([0-9a-f-]{36})/.exec((await page('/')).text)?.[1] ?? '';

  it('says what to do while it is empty', async () => {
    const { text, headers } = await page('/');
    expect(text).toContain('No mail yet.');
    expect(text).toContain('Nothing leaves this machine.');
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
  });

  it('shows the newest first, finds by address and subject, and counts', async () => {
    await post({ ...email, subject: 'First' });
    await post({ ...email, subject: 'Second', to: 'zoe@cascade.example' });
    const { text } = await page('/');
    expect(text.indexOf('Second')).toBeLessThan(text.indexOf('First'));
    const found = await page('/list?q=CASCADE');
    expect(found.text).toContain('Second');
    expect(found.text).not.toContain('First');
    expect(found.headers.get('x-messages')).toBe('2 messages');
    expect((await page('/list?q=nobody')).text).toContain('Nothing to or about “nobody”');
  });

  it('shows a message framed: no scripts, nothing loaded, links in a window of their own', async () => {
    await post(email);
    const { text } = await page(`/messages/${await idOf()}`);
    expect(text).toContain('sandbox="allow-popups allow-popups-to-escape-sandbox"');
    expect(text).toContain('default-src &#39;none&#39;; style-src &#39;unsafe-inline&#39;; img-src data:');
    expect(text).toContain('&lt;base target=&quot;_blank&quot;&gt;');
    const plain = await page(`/messages/${await idOf()}?view=text`);
    expect(plain.text).toContain(
      '<a href="http://127.0.0.1:8787/reset-password?token=pr_1" target="_blank" rel="noopener noreferrer">',
    );
  });

  it('is not moved by what stands in a message', async () => {
    const hostile = `"><script>alert(1)</script>'</iframe>`;
    await post({
      ...email,
      subject: hostile,
      html: hostile,
      text: `${hostile} http://x.example/"onclick="y javascript:z`,
    });
    const id = await idOf();
    for (const path of ['/', `/messages/${id}`, `/messages/${id}?view=text`, `/?q=${encodeURIComponent(hostile)}`]) {
      const { text } = await page(path);
      expect(text).not.toContain('<script>');
      expect(text).not.toContain(`'</iframe>`);
      expect(text).not.toContain('href="javascript:');
      expect(text).not.toContain('"onclick="');
    }
  });

  it('an unknown message is not found, and the way back is there', async () => {
    const { status, text } = await page('/messages/none');
    expect(status).toBe(404);
    expect(text).toContain('<a href="/">Mail</a>');
  });
});

describe('who may ask', () => {
  it('control is not for pages, and not for what it does not know', async () => {
    expect((await control('GET', '/state', undefined, { origin: 'http://evil.example' })).status).toBe(403);
    expect((await control('GET', '/nothing')).status).toBe(404);
    expect((await control('PUT', '/mood', { mood: 'merry' })).status).toBe(400);
    expect((await control('PUT', '/mood', 'x')).status).toBe(400);
  });

  it('a foreign name that points here is refused, for every page', async () => {
    const { port } = new URL(mail.url);
    const { request } = await import('node:http');
    const ask = (path: string) =>
      new Promise<number | undefined>((resolve, reject) => {
        request({ host: '127.0.0.1', port, path, headers: { host: 'evil.example' } }, (response) => {
          response.resume();
          resolve(response.statusCode);
        })
          .on('error', reject)
          .end();
      });
    for (const path of ['/', '/list', '/_control/state', '/emails']) expect(await ask(path)).toBe(421);
  });

  it('control tells and changes the mood, and lists what arrived', async () => {
    await post(email);
    await post({ ...email, to: 'zoe@cascade.example' });
    const listed = await (await control('GET', '/messages?to=zoe%40cascade.example')).json();
    expect(listed).toMatchObject([{ to: 'zoe@cascade.example', text: email.text }]);
    await control('PUT', '/mood', { mood: 'down', times: 2 });
    const statuses = [];
    for (let i = 0; i < 3; i += 1) statuses.push((await post(email)).status);
    expect(statuses).toEqual([503, 503, 200]);
    const state = await (await control('GET', '/state')).json();
    expect(state).toMatchObject({
      mood: { mood: 'well' },
      messages: 3,
      counters: { requests: 5, accepted: 3, answersByStatus: { 200: 3, 503: 2 } },
    });
    await control('DELETE', '/counters');
    expect(await (await control('DELETE', '/messages')).json()).toMatchObject({
      messages: 0,
      counters: { requests: 0 },
    });
    expect(files()).toEqual([]);
  });

  it('says which port is taken', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    const refused = startMail({ port, folder, log: () => undefined });
    await expect(refused).rejects.toThrow(`the mail simulator's port ${port} is already in use`);
    await new Promise((resolve) => other.close(resolve));
  });

  it('stops with a request still hanging', async () => {
    await control('PUT', '/mood', { mood: 'hangs' });
    const hanging = post(email).then(
      () => 'answered',
      () => 'cut',
    );
    await expect
      .poll(
        async () =>
          ((await (await control('GET', '/state')).json()) as { counters: { requests: number } }).counters.requests,
      )
      .toBe(1);
    await mail.stop();
    expect(await hanging).toBe('cut');
    await start();
  });
});
