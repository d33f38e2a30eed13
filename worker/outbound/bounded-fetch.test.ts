import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { fetchBounded } from './bounded-fetch.ts';

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

function serve(listener: RequestListener): Promise<string> {
  const listening = createServer(listener);
  server = listening;
  return new Promise((resolve) => {
    listening.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${(listening.address() as AddressInfo).port}`));
  });
}

const bounds = { timeoutMs: 300, maxBytes: 1000, allowLocal: true };

test('an answer within the bounds comes back whole', async () => {
  const url = await serve((_request, response) => response.writeHead(201, { 'x-a': 'b' }).end('x'.repeat(1000)));
  const answer = await fetchBounded(url, {}, bounds);
  expect([answer.status, answer.headers.get('x-a'), (await answer.text()).length]).toEqual([201, 'b', 1000]);
});

test('a body one byte too long is too_large, though it says nothing of its length', async () => {
  const url = await serve((_request, response) => {
    response.write('x'.repeat(600));
    response.end('x'.repeat(401));
  });
  await expect(fetchBounded(url, {}, bounds)).rejects.toMatchObject({ kind: 'too_large' });
});

test('headers that never come, and a body that never ends, are timed_out', async () => {
  for (const listener of [
    () => undefined,
    (_request, response) => void response.writeHead(200).write('x'),
  ] satisfies RequestListener[]) {
    const startedAt = Date.now();
    await expect(fetchBounded(await serve(listener), {}, bounds)).rejects.toMatchObject({ kind: 'timed_out' });
    expect(Date.now() - startedAt).toBeLessThan(1500);
    server?.closeAllConnections();
  }
});

test('a redirect is not followed', async () => {
  const asked: string[] = [];
  const url = await serve((request, response) => {
    asked.push(request.url ?? '');
    response.writeHead(302, { location: '/elsewhere' }).end();
  });
  expect((await fetchBounded(url, {}, bounds)).status).toBe(302);
  expect(asked).toEqual(['/']);
});

test('a broken connection is unreachable', async () => {
  const url = await serve((request) => request.socket.destroy());
  await expect(fetchBounded(url, {}, bounds)).rejects.toMatchObject({ kind: 'unreachable' });
});

test('an address inside is refused before anything is called', async () => {
  let asked = 0;
  const url = await serve(() => (asked += 1));
  const refused = { kind: 'target_refused' };
  await expect(fetchBounded(url, {}, { ...bounds, allowLocal: false })).rejects.toMatchObject(refused);
  await expect(fetchBounded('https://10.0.0.1', {}, bounds)).rejects.toMatchObject(refused);
  await expect(fetchBounded('not a url', {}, bounds)).rejects.toMatchObject(refused);
  expect(asked).toBe(0);
});
