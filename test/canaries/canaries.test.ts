import { describe, expect, test } from 'vitest';
import { base32Canary, bytesCanary, canariesIn, textCanary, utf8Bytes } from './canaries.ts';

const secret = 'Canary-Pässword-"7f3a"';
const canary = textCanary('password', secret);
const bytes = Buffer.from(secret);

describe('a canary is found', () => {
  test.each([
    ['as it is', secret],
    ['inside of JSON', JSON.stringify({ password: secret })],
    ['inside of JSON inside of JSON', JSON.stringify(JSON.stringify({ password: secret }))],
    ['in a URL', `https://portal.example/?p=${encodeURIComponent(secret)}`],
    ['in hex', bytes.toString('hex')],
    ['in upper-case hex', `x${bytes.toString('hex').toUpperCase()}`],
    ...[0, 1, 2, 3, 4].flatMap((before): [string, string][] => {
      const longer = Buffer.concat([Buffer.alloc(before, 'z'), bytes, Buffer.from('after it')]);
      return [
        [`in base64 after ${before} bytes`, longer.toString('base64')],
        [`in base64url after ${before} bytes`, longer.toString('base64url')],
      ];
    }),
  ])('%s', (_where, dump) => {
    expect(canariesIn(`before ${utf8Bytes(dump)}`, [canary])).toHaveLength(1);
  });

  test('with digits that tell the two alphabets of base64 apart', () => {
    const key = Uint8Array.from([251, 255, 190, 255, 239, 251, 255, 254, 63]);
    const one = bytesCanary('key', key);
    expect(Buffer.from(key).toString('base64')).toMatch(/[+/]/);
    for (const encoding of ['base64', 'base64url', 'hex', 'latin1'] as const) {
      expect(canariesIn(Buffer.from(key).toString(encoding), [one])).toHaveLength(1);
    }
  });

  test('as base32 and as the bytes behind it', () => {
    const seed = base32Canary('seed', 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP');
    const raw = Buffer.from('48656c6c6f21deadbeef48656c6c6f21deadbeef', 'hex');
    for (const dump of ['JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP', raw.toString('latin1'), raw.toString('base64')]) {
      expect(canariesIn(dump, [seed])).toHaveLength(1);
    }
  });
});

test('what is not there is not found, and a secret too short to search for is refused', () => {
  expect(canariesIn('Canary-Password-7f3a', [canary])).toEqual([]);
  expect(() => textCanary('pin', '1234')).toThrow('too short');
});
