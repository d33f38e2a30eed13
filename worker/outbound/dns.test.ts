/** Against the simulated name server, whose entries say what it answers. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createNameServer, type DnsEntry } from '#simulators/identity/dns';
import { lookUpTxt } from './dns.ts';

const names = createNameServer();
let server: Server;
let apiUrl: string;
beforeAll(async () => {
  server = createServer((request, response) => void names.handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  apiUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/dns-query`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const name = '_truckiq.fleet.example';
async function lookUp(entry: DnsEntry, at = name) {
  names.put({ name: at, ...entry });
  return lookUpTxt(at, { apiUrl, allowLocal: true, timeoutMs: 300 });
}
const record = (more: object) => ({ name: `${name}.`, type: 16, TTL: 1, data: '"x"', ...more });
const answering = (...records: unknown[]) => lookUp({ answer: { Status: 0, Answer: records } });
const texts = (...found: string[]) => ({ kind: 'texts', texts: found });

describe('TXT records', () => {
  test('are read whole: split, escaped, bare, several', async () => {
    expect(await lookUp({ texts: ['v=spf1 -all', 'a"b\\c', 'z'.repeat(600)] })).toEqual(
      texts('v=spf1 -all', 'a"b\\c', 'z'.repeat(600)),
    );
    expect(await answering(record({ data: '"one"  "two""three"' }))).toEqual(texts('onetwothree'));
    expect(await answering(record({ data: 'bare text' }))).toEqual(texts('bare text'));
    expect(await answering(record({ name: '_TruckIQ.Fleet.EXAMPLE' }))).toEqual(texts('x'));
  });

  test('that are not there are none', async () => {
    expect(await lookUp({}, '_truckiq.nowhere.example')).toEqual(texts());
    expect(await lookUp({ answer: { Status: 3, Answer: [record({})] } })).toEqual(texts());
    expect(await lookUp({ answer: { Status: 0 } })).toEqual(texts());
    expect(await lookUpTxt(`${'a.'.repeat(126)}example`, { apiUrl, allowLocal: true })).toEqual(texts());
  });

  test('of another name or kind do not count, whatever alias leads to them', async () => {
    const junk = [
      record({ type: 5, data: '"x"' }),
      record({ type: 5, data: 'elsewhere.example.' }),
      record({ name: 'elsewhere.example.' }),
      record({ name: 'fleet.example.' }),
      record({ name: '' }),
      record({ type: 46, data: '"x"' }),
    ];
    expect(await answering(...junk)).toEqual(texts());
    expect(await answering(...junk, record({ data: '"mine"' }))).toEqual(texts('mine'));
    expect(
      await answering(record({ data: '"open' }), record({ data: '"a" b "c"' }), record({ data: '"a\\"' })),
    ).toEqual(texts());
  });

  test.each<[string, DnsEntry]>([
    ['a server failure', { answer: { Status: 2 } }],
    ['a refusal', { answer: { Status: 5 } }],
    ['no status', { answer: { Answer: [] } }],
    ['records of another shape', { answer: { Status: 0, Answer: [{ name, type: '16', data: 'x' }] } }],
    ['an answer that is a list', { answer: [] }],
    ['what is no JSON', { body: '<html>' }],
    ['an empty answer', { body: '' }],
    ['a huge answer', { texts: ['x'.repeat(70_000)] }],
    ['a slow answer', { texts: ['x'], delayMs: 5_000 }],
    ['a redirect', { texts: ['x'], status: 302 }],
    ['an error', { texts: ['x'], status: 500 }],
  ])('behind %s are unavailable, not missing', async (_what, entry) => {
    expect(await lookUp(entry)).toEqual({ kind: 'unavailable' });
  });

  test('behind nobody, or behind an address that may not be called, are unavailable', async () => {
    for (const url of ['http://127.0.0.1:9/dns-query', 'https://10.0.0.1/dns-query']) {
      expect(await lookUpTxt(name, { apiUrl: url, allowLocal: true })).toEqual({ kind: 'unavailable' });
    }
  });
});
