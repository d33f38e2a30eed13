import { describe, expect, it } from 'vitest';
import { decodeBase32, matchingStep, totpCode } from './totp.ts';

/** "12345678901234567890", the SHA-1 secret of RFC 6238, appendix B. */
const rfcSecret = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';

describe('TOTP', () => {
  it('refuses what is not base32 and what is not six digits', () => {
    expect(() => decodeBase32('AB1!')).toThrow(RangeError);
    for (const code of ['', '12345', '1234567', '12345a', ' 12345'])
      expect(matchingStep(rfcSecret, code, 0)).toBeNull();
  });

  it.each([
    [59, '94287082'],
    [1111111109, '07081804'],
    [1111111111, '14050471'],
    [1234567890, '89005924'],
    [2000000000, '69279037'],
    [20000000000, '65353130'],
  ])('gives the code of RFC 6238 at %i s', (seconds, code) => {
    expect(totpCode(rfcSecret, seconds * 1000, 8)).toBe(code);
  });

  it('takes the code of this step and the one before, no other', () => {
    const atMs = 1_000_000_000_000;
    const step = Math.floor(atMs / 30_000);
    expect(matchingStep(rfcSecret, totpCode(rfcSecret, atMs), atMs)).toBe(step);
    expect(matchingStep(rfcSecret, totpCode(rfcSecret, atMs - 30_000), atMs)).toBe(step - 1);
    expect(matchingStep(rfcSecret, totpCode(rfcSecret, atMs - 60_000), atMs)).toBeNull();
    expect(matchingStep(rfcSecret, totpCode(rfcSecret, atMs + 30_000), atMs)).toBeNull();
  });
});
