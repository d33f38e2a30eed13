import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { plainName, plainSubject } from './words.ts';

/** Any code points, lone surrogates too, and often the ones that matter here. */
const codePoint = fc.oneof(
  fc.integer({ min: 0, max: 0x10ffff }),
  fc.constantFrom(...[...' .:/ah\r\n\t\u2028\u202e\u2066\u200d\ufeff'].map((one) => one.codePointAt(0) ?? 0)),
);
const anyText = fc.array(codePoint, { maxLength: 300 }).map((points) => String.fromCodePoint(...points));

describe('a name in a letter', () => {
  test.each([
    ['Ann\r\nBcc: all@fleet.example', 'Ann Bcc: all@fleet. example'],
    ['Ann\u2028\u2029\u0000\u0007Lee', 'Ann Lee'],
    ['\u202Egnp.exe\u202C', 'gnp. exe'],
    ['\u2066Ann\u2069\u200F', 'Ann'],
    ['A\u200Bn\uFEFFn\u00AD', 'Ann'],
    ['  Blue   Ridge\tFreight ', 'Blue Ridge Freight'],
    ['You won! https://evil.example/x?y=1', 'You won! evil. example/x?y=1'],
    ['javascript://evil.example', 'evil. example'],
    ['www.evil.example', 'www. evil. example'],
    ['evil。example', 'evil. example'],
    ['J.B. Hunt', 'J.B. Hunt'],
    ['St. Louis Freight Co.', 'St. Louis Freight Co.'],
    ['', '(no name)'],
    ['\u200B\r\n', '(no name)'],
    ['Ann \uD800', 'Ann \uFFFD'],
  ])('%j becomes %j', (name, expected) => {
    expect(plainName(name)).toBe(expected);
  });

  test('keeps emoji and scripts whole, joiners included', () => {
    expect(plainName('👩🏽‍🔧 Zoë नमस्ते')).toBe('👩🏽‍🔧 Zoë नमस्ते');
  });

  test('is cut between characters, never within one', () => {
    const long = plainName('👩🏽‍🔧'.repeat(300));
    expect(long).toBe(`${'👩🏽‍🔧'.repeat(119)}…`);
    expect(plainName('a'.repeat(120))).toBe('a'.repeat(120));
    expect(plainName('a'.repeat(121))).toBe(`${'a'.repeat(119)}…`);
    // One letter under ten thousand accents is still one letter; it does not come through whole.
    expect(plainName(`a${'\u0301'.repeat(10_000)}`).length).toBeLessThan(2_500);
  });

  test('whatever it was, it is one bounded line without marks that steer the reading', () => {
    fc.assert(
      fc.property(anyText, (name) => {
        const plain = plainName(name);
        expect(plain).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}\u202A-\u202E\u2066-\u2069]/u);
        expect(plain).not.toMatch(/^\s|\s$/u);
        expect(plain).not.toBe('');
        expect(plain.isWellFormed()).toBe(true);
        expect(plain).not.toMatch(/:\/\//);
      }),
    );
  });
});

test('a subject begins no header and is bounded', () => {
  expect(plainSubject('Hello\r\nBcc: all@fleet.example')).toBe('Hello Bcc: all@fleet.example');
  expect(plainSubject('x'.repeat(1000))).toHaveLength(160);
});
