/** Where a sign-in stands, read from pages as portals write them; and the code of RFC 6238's own examples. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { acceptButton, classifySignInPage, isSignInForm, policyBoxCount } from './classify.ts';
import { decodeBase32, totpCode } from './totp.ts';

const at = (html: string, path: string) => classifySignInPage(html, `https://portal.example${path}`);
const form = (extra = '') =>
  `<form>${extra}<input id="auth_key"><input type="password"><button type="submit">Sign in</button></form>`;

describe('a page of the sign-in', () => {
  it('is the form, with or without a refusal in the portal’s own words', () => {
    expect(at(form(), '/login')).toEqual({ at: 'login' });
    expect(at(form('<div class="error"></div>'), '/login')).toEqual({ at: 'login' });
    expect(at(form('<div class="alert-danger" style="display: none">Old</div>'), '/login')).toEqual({ at: 'login' });
    expect(at(form('<div class="alert alert-danger">Wrong \u202e user name or password.</div>'), '/login')).toEqual({
      at: 'refused',
      message: 'Wrong user name or password.',
    });
  });

  it('asks for a code by any of its marks', () => {
    for (const html of [
      '<input name="code">',
      '<input placeholder="6-digit Code">',
      '<p>We sent a verification message</p>',
      '<h1>Two-factor sign-in</h1>',
    ]) {
      expect(at(html, '/login/next').at).toBe('mfa');
    }
  });

  it('is the dashboard by its address, whatever words are on it', () => {
    expect(at('<p>Emission verification due. Policies &amp; Agreements</p>', '/dashboard').at).toBe('signed_in');
    expect(at('<p>Hello</p>', '/somewhere').at).toBe('unknown');
    expect(at('<a href="/logout">Sign out</a>', '/start').at).toBe('signed_in');
  });

  it('is the policies page, with its button and boxes', () => {
    const html =
      '<h1>Policies &amp; Agreements</h1><form><input type="checkbox" id="accept"><button type="submit">I accept</button></form>';
    expect(at(html, '/policies').at).toBe('policies');
    expect(at(html, '/start').at).toBe('policies');
    expect(acceptButton(html)).toBe('form button[type=submit]');
    expect(policyBoxCount(html)).toBe(1);
    expect(acceptButton('<form><button type="submit">Decline</button></form>')).toBeNull();
  });

  it('in place of data means that the session has ended', () => {
    expect(isSignInForm(form(), 'https://portal.example/assets')).toBe(true);
    expect(isSignInForm('<p></p>', 'https://portal.example/login?next=/assets')).toBe(true);
    expect(isSignInForm('<p>the auth_key setting</p>', 'https://portal.example/assets')).toBe(false);
  });

  it('never throws', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), (html, url) => {
        classifySignInPage(html, url);
        isSignInForm(html, url);
        acceptButton(html);
      }),
    );
  });
});

describe('one-time codes', () => {
  // RFC 6238 appendix B, SHA-1, the last six of its eight digits; the secret is "12345678901234567890".
  const secret = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';
  it.each([
    [59, '287082'],
    [1_111_111_109, '081804'],
    [1_111_111_111, '050471'],
    [1_234_567_890, '005924'],
    [2_000_000_000, '279037'],
    [20_000_000_000, '353130'],
  ])('at %i s is %s', async (seconds, code) => {
    expect(await totpCode(secret, seconds * 1000)).toBe(code);
  });

  it('read base32 as people type it', () => {
    expect(new TextDecoder().decode(decodeBase32('gezd gnbv-gy3t qojq==='))).toBe('1234567890');
    expect(() => decodeBase32('1')).toThrow(RangeError);
  });
});
