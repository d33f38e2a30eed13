import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { keysIn, keyTokens, retryAfterMs, SignInError, type GatewayKeys } from './sign-in.ts';

const folder = mkdtempSync(join(tmpdir(), 'gateway-keys-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Keys that a test may replace, and how often they were read. */
function keys(first: GatewayKeys) {
  let reads = 0;
  const held = { now: first };
  const getToken = keyTokens(() => {
    reads += 1;
    return Promise.resolve(held.now);
  });
  return { held, getToken, reads: () => reads };
}

const pauseOf = async (asking: Promise<string>): Promise<number> => {
  const error: unknown = await asking.catch((e: unknown) => e);
  if (!(error instanceof SignInError)) throw new Error('expected a SignInError');
  return error.retryAfterMs;
};

describe('the gateway’s keys', () => {
  it('say when to ask again: for no key, for keys that cannot be read, and they are read again then', async () => {
    expect(await pauseOf(keys({}).getToken('Nobody'))).toBe(60_000);
    const file = join(folder, 'keys.json');
    const getToken = keyTokens(keysIn(file));
    expect(await pauseOf(getToken('Blue Ridge Freight'))).toBe(60_000);
    writeFileSync(file, '{"Blue Ridge Freight": 7}');
    expect(await pauseOf(getToken('Blue Ridge Freight'))).toBe(60_000);
    writeFileSync(file, '{"Blue Ridge Freight": "tk_live_1"}');
    expect(await getToken('Blue Ridge Freight')).toBe('tk_live_1');
  });

  it('are each fleet’s own, and read once for everybody', async () => {
    const { getToken, reads } = keys({ A: 'a', B: 'b' });
    expect(await Promise.all([getToken('A'), getToken('B'), getToken('A')])).toEqual(['a', 'b', 'a']);
    expect(reads()).toBe(1);
  });

  it('are read anew when one is refused: a replaced one is taken up', async () => {
    const { held, getToken, reads } = keys({ A: 'old' });
    expect(await getToken('A')).toBe('old');
    held.now = { A: 'new' };
    expect(await getToken('A', 'old')).toBe('new');
    expect(await getToken('A', 'old')).toBe('new');
    expect(reads()).toBe(2);
  });

  it('are tried again after a pause when they stay refused, each time', async () => {
    const { getToken } = keys({ A: 'a' });
    expect(await getToken('A')).toBe('a');
    for (let round = 0; round < 3; round += 1) {
      expect(await pauseOf(getToken('A', 'a'))).toBe(60_000);
      expect(await getToken('A', 'a')).toBe('a');
    }
  });
});

it('reads Retry-After in seconds only', () => {
  const header = (value: string) => retryAfterMs(new Response('', { headers: { 'Retry-After': value } }), 7);
  expect([header('12'), header('soon'), header('-1')]).toEqual([12_000, 7, 7]);
});
