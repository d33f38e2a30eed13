import { afterAll, beforeAll, expect, test } from 'vitest';
import { startIdentityProvider, type IdentityProvider } from './start.ts';

let provider: IdentityProvider;
beforeAll(async () => {
  provider = await startIdentityProvider({ port: 0, people: [] });
});
afterAll(() => provider.stop());

const ask = (query: string, init: RequestInit = {}) =>
  fetch(`${provider.url}/dns-query${query}`, { headers: { accept: 'application/dns-json' }, ...init });
const put = (input: object) =>
  fetch(`${provider.url}/control/dns`, { method: 'POST', body: JSON.stringify(input) }).then((answer) => answer.json());

test('the name server is strict about how it is asked', async () => {
  for (const accept of ['application/json', '*/*', 'application/dns-json, */*']) {
    expect((await ask('?name=a.example&type=TXT', { headers: { accept } })).status, accept).toBe(406);
  }
  expect((await ask('?name=a.example&type=TXT', { method: 'POST' })).status).toBe(405);
  for (const query of [
    '',
    '?type=TXT',
    '?name=a%20b&type=TXT',
    '?name=..&type=TXT',
    '?name=a.example',
    '?name=a.example&type=A',
  ]) {
    expect((await ask(query)).status, query).toBe(400);
  }
});

test('answers what was put there, in quotes and pieces, and nothing for a name that is not', async () => {
  const missing = await ask('?name=a.example&type=TXT');
  expect([missing.status, missing.headers.get('content-type')]).toEqual([200, 'application/dns-json']);
  expect(await missing.json()).toMatchObject({ Status: 3, Question: [{ name: 'a.example.', type: 16 }] });
  await put({ name: '_x.A.example.', texts: ['say "hi"', 'y'.repeat(300)] });
  expect(await (await ask('?name=_x.a.example&type=16')).json()).toMatchObject({
    Status: 0,
    Answer: [
      { name: '_x.a.example.', type: 16, data: '"say \\"hi\\""' },
      { name: '_x.a.example.', type: 16, data: `"${'y'.repeat(255)}" "${'y'.repeat(45)}"` },
    ],
  });
  await put({ name: '_x.a.example' });
  expect(await (await ask('?name=_x.a.example&type=TXT')).json()).toMatchObject({ Status: 3 });
});
