import { expect, test } from 'vitest';
import { matchingStep, newRecoveryCodes, newTotpSecret, otpauthUrlOf, qrSvgOf, readTypedCode } from './totp.ts';

/** RFC 6238, appendix B: the SHA-1 seed; the last six of its eight digits. */
const rfcSeed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';
const at = (seconds: number) => new Date(seconds * 1000);

test.each([
  [59, '287082'],
  [1_111_111_109, '081804'],
  [1_111_111_111, '050471'],
  [1_234_567_890, '005924'],
  [2_000_000_000, '279037'],
  [20_000_000_000, '353130'],
])('the RFC’s code at %i s', (seconds, code) => {
  expect(matchingStep(rfcSeed, code, at(seconds))).toBe(Math.floor(seconds / 30));
});

test('a clock one step off is right, two are wrong; the step is the code’s, not the clock’s', () => {
  const step = Math.floor(1_234_567_890 / 30);
  for (const off of [-1, 0, 1]) expect(matchingStep(rfcSeed, '005924', at((step + off) * 30 + 29))).toBe(step);
  for (const off of [-2, 2]) expect(matchingStep(rfcSeed, '005924', at((step + off) * 30))).toBeNull();
});

test.each(['', '00592', '0059244', '005925', 'abcdef', '００５９２４'])('%j is no code', (code) => {
  expect(matchingStep(rfcSeed, code, at(1_234_567_890))).toBeNull();
});

test('what is typed is read as it was meant, or not at all', () => {
  expect(readTypedCode(' 005 924 ')).toEqual({ kind: 'totp', code: '005924' });
  expect(readTypedCode('abcd-efgh-jkmn-pqrs')).toEqual({ kind: 'recovery', code: 'abcdefghjkmnpqrs' });
  expect(readTypedCode('ABCD EFGH JKMN PQRS')).toEqual({ kind: 'recovery', code: 'abcdefghjkmnpqrs' });
  expect(readTypedCode('OIL1-0000-0000-0000')).toEqual({ kind: 'recovery', code: '0111000000000000' });
  for (const wrong of ['', '12345', '1234567', '００５９２４', 'abcd-efgh-jkmn-pqru', 'x'.repeat(64), '\0\0\0\0\0\0']) {
    expect(readTypedCode(wrong), wrong).toBeNull();
  }
});

test('recovery codes: ten, of eighty bits, each read back as itself', () => {
  let next = 0;
  const codes = newRecoveryCodes((bytes) => Uint8Array.from({ length: bytes }, () => Math.floor((next += 13.7)) % 256));
  expect(new Set(codes).size).toBe(10);
  for (const code of codes) {
    expect(code).toMatch(/^[0-9a-hjkmnp-tv-z]{4}(-[0-9a-hjkmnp-tv-z]{4}){3}$/);
    expect(readTypedCode(code)).toEqual({ kind: 'recovery', code: code.replaceAll('-', '') });
  }
});

test('the link and the picture of a new seed', () => {
  const secret = newTotpSecret();
  expect(secret).toMatch(/^[A-Z2-7]{32}$/);
  expect(newTotpSecret()).not.toBe(secret);
  const url = new URL(otpauthUrlOf(secret, 'a+b@tenant.example'));
  expect(url.protocol).toBe('otpauth:');
  expect(decodeURIComponent(url.pathname)).toContain('TruckIQ:a+b@tenant.example');
  expect(Object.fromEntries(url.searchParams)).toMatchObject({ secret, issuer: 'TruckIQ', digits: '6', period: '30' });
  const svg = qrSvgOf(url.href);
  expect(svg).toMatch(/^<svg role="img" aria-label="[^"]+" /);
  expect(svg).toContain('#ffffff');
  expect(svg).not.toContain(secret);
});
