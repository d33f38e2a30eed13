/** What a browser throws, in the words of the contract. */
import { describe, expect, it } from 'vitest';
import { cleanText, firstNumber } from './text.ts';
import { retryAfterMsOf, ScrapeError, toScrapeError } from './errors.ts';

describe('errors of a browser', () => {
  it.each([
    ['Navigation timeout of 15000 ms exceeded', 'TIMED_OUT'],
    ['Protocol error (Page.navigate): Target closed', 'BROWSER_LOST'],
    ["Attempted to use detached Frame 'A1'.", 'BROWSER_LOST'],
    ['Session closed. Most likely the page has been closed.', 'BROWSER_LOST'],
    ['net::ERR_CONNECTION_REFUSED at https://portal.example/login', 'UPSTREAM_FAILED'],
    ['Unable to connect to existing session 1 (it may still be in use)', 'BROWSER_LOST'],
    ['x is not a function', 'UPSTREAM_FAILED'],
  ] as const)('%s → %s', (message, code) => {
    expect(toScrapeError(new Error(message)).code).toBe(code);
  });

  it('keep what they already are, and never show the browser’s own words', () => {
    const known = new ScrapeError('LOGIN_FAILED', 'no');
    expect(toScrapeError(known)).toBe(known);
    expect(toScrapeError(new Error('secret at https://user:pass@x')).message).not.toContain('pass');
    expect(toScrapeError('a string').code).toBe('UPSTREAM_FAILED');
  });

  it.each([
    'Unable to create new browser: code: 429: message: Rate limit exceeded',
    'Unable to create new browser: code: 429: message: Browser time limit exceeded, timed out for today',
    'Unable to create new browser: code: 500: message: no',
  ])('%s → our own capacity, never the portal’s wish for patience', (message) => {
    const failure = toScrapeError(new Error(message)).toFailure();
    expect(failure).toMatchObject({ code: 'BROWSER_LOST', isNoBrowser: true, retryAfterMs: null });
    expect(failure.message).toMatch(/our own limit/);
  });

  it('a browser that was had and went away is not one that could not be had', () => {
    expect(toScrapeError(new Error('Target closed')).toFailure().isNoBrowser).toBe(false);
  });
});

it('Retry-After is seconds or a date', () => {
  const now = Date.parse('2026-11-20T09:00:00Z');
  expect(retryAfterMsOf('7', now)).toBe(7_000);
  expect(retryAfterMsOf('Fri, 20 Nov 2026 09:01:00 GMT', now)).toBe(60_000);
  expect(retryAfterMsOf('Fri, 20 Nov 2020 09:01:00 GMT', now)).toBe(0);
  for (const odd of [undefined, null, '', 'soon', '-5', '1.5e9']) expect(retryAfterMsOf(odd, now)).toBeNull();
});

it('text is one visible line within its bound, and never half a character', () => {
  expect(cleanText('  a\u0000\u202e b\n\tc\u200b\ud800 ', 10)).toBe('a b c');
  expect(cleanText('ab😀', 3)).toBe('ab');
  expect(cleanText('x'.repeat(1_000_000), 5)).toBe('xxxxx');
});

it('numbers are read with their separators, and placeholders as unknown', () => {
  expect(['312,456.7 mi', '1 234 567', '-3', '9', 'about 12.5'].map(firstNumber)).toEqual([
    312_456.7, 1_234_567, -3, 9, 12.5,
  ]);
  expect(['—', 'N/A', '', 'none', 'x'].map(firstNumber)).toEqual([null, null, null, null, null]);
});
