/** Second factors as pure functions: time-based codes (RFC 6238 by otpauth) and recovery codes. */
import { Secret, TOTP } from 'otpauth';
import { renderSVG } from 'uqr';

const issuer = 'TruckIQ';
const periodSeconds = 30;
/** Steps of 30 s by which a phone's clock may be off, either way. */
const driftSteps = 1;
const seedBytes = 20;

export const recoveryCodeCount = 10;
/** Crockford's base32: no i, l, o, u to misread. */
const recoveryAlphabet = '0123456789abcdefghjkmnpqrstvwxyz';
/** 16 characters of 5 bits: too many to guess even from a stolen hash. */
const recoveryCharacters = 16;

const totpOf = (secretBase32: string, label = ''): TOTP =>
  new TOTP({
    issuer,
    label,
    algorithm: 'SHA1',
    digits: 6,
    period: periodSeconds,
    secret: Secret.fromBase32(secretBase32),
  });

/** A new seed in base32. */
export const newTotpSecret = (): string => new Secret({ size: seedBytes }).base32;

export const otpauthUrlOf = (secretBase32: string, email: string): string => totpOf(secretBase32, email).toString();

/** The QR code of an otpauth URL: black on white whatever the page's colours, named for those who do not see it. */
export const qrSvgOf = (otpauthUrl: string): string =>
  renderSVG(otpauthUrl, { ecc: 'M', border: 4, whiteColor: '#ffffff', blackColor: '#000000' }).replace(
    '<svg ',
    '<svg role="img" aria-label="QR code for your authenticator app" ',
  );

/** The 30-second step whose code this is, at most one step off; null for a wrong code. */
export function matchingStep(secretBase32: string, code: string, now: Date): number | null {
  // otpauth throws at six characters that are not six bytes.
  if (!/^[0-9]{6}$/.test(code)) return null;
  const timestamp = now.getTime();
  const delta = totpOf(secretBase32).validate({ token: code, timestamp, window: driftSteps });
  return delta === null ? null : Math.floor(timestamp / 1000 / periodSeconds) + delta;
}

/** Ten new codes, `abcd-efgh-jkmn-pqrs`. `random` gives that many random bytes. */
export function newRecoveryCodes(random: (bytes: number) => Uint8Array): string[] {
  return Array.from({ length: recoveryCodeCount }, () => {
    const characters = [...random(recoveryCharacters)].map((byte) => recoveryAlphabet[byte % 32]).join('');
    return characters.replace(/(.{4})(?=.)/g, '$1-');
  });
}

export type TypedCode = { kind: 'totp' | 'recovery'; code: string };

/** What somebody typed as a second factor, without spaces, dashes and misread letters; null when it can be neither kind. */
export function readTypedCode(typed: string): TypedCode | null {
  const plain = typed.replace(/[\s-]/g, '').toLowerCase();
  if (/^[0-9]{6}$/.test(plain)) return { kind: 'totp', code: plain };
  const code = plain.replaceAll('o', '0').replace(/[il]/g, '1');
  const isRecovery = code.length === recoveryCharacters && [...code].every((one) => recoveryAlphabet.includes(one));
  return isRecovery ? { kind: 'recovery', code } : null;
}
