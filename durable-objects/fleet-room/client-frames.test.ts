import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { closeCode } from '#contracts/live';
import { isOneTooMany, noFrames, parseFrame, plainAckIn, wouldBeOneTooMany } from './client-frames.ts';

const codeOf = (frame: string | ArrayBuffer): number | null => {
  const parsed = parseFrame(frame);
  return parsed.kind === 'close' ? parsed.code : null;
};

describe('a client frame', () => {
  it.each([
    ['not JSON', '{', closeCode.badFrame],
    ['JSON that is no object', '5', closeCode.badFrame],
    ['null', 'null', closeCode.badFrame],
    ['an unknown type', '{"type":"dance"}', closeCode.badFrame],
    ['a negative ack', '{"type":"ack","seq":-1}', closeCode.badFrame],
    ['an ack that is no number', '{"type":"ack","seq":"1"}', closeCode.badFrame],
    ['an unknown filter', '{"type":"filter","filter":{"colour":"red"}}', closeCode.badFrame],
    ['a filter with a foreign id form', '{"type":"filter","filter":{"vehicleIds":["1"]}}', closeCode.badFrame],
    ['a hello without a protocol', '{"type":"hello"}', closeCode.badFrame],
    ['a hello of a later protocol', '{"type":"hello","protocol":2,"resume":"whatever"}', closeCode.protocolMismatch],
    ['a frame of 16 KB and one byte', `"${'x'.repeat(16 * 1024 - 1)}"`, closeCode.frameTooLarge],
    ['a frame short in letters and long in bytes', `"${'€'.repeat(6_000)}"`, closeCode.frameTooLarge],
    ['a binary frame', new ArrayBuffer(8), closeCode.badFrame],
    ['a large binary frame', new ArrayBuffer(17_000), closeCode.frameTooLarge],
  ])('%s is refused', (_, frame, code) => {
    expect(codeOf(frame)).toBe(code);
  });

  it('is read when it is good, with unknown fields of a hello ignored', () => {
    expect(parseFrame('{"type":"hello","protocol":1,"encoding":"packed","later":1}')).toEqual({
      kind: 'message',
      message: { type: 'hello', protocol: 1, encoding: 'packed' },
    });
    expect(parseFrame('{"type":"ack","seq":0}')).toEqual({ kind: 'message', message: { type: 'ack', seq: 0 } });
    expect(parseFrame('ping')).toEqual({ kind: 'ping' });
    expect(codeOf(JSON.stringify('x'.repeat(16 * 1024 - 2)))).toBe(closeCode.badFrame);
  });

  it('never throws, whatever it holds', () => {
    fc.assert(fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json()), (text) => void parseFrame(text)));
  });
});

describe('the frame rate', () => {
  it('allows twenty in a second and not one more, and starts again after it', () => {
    const rate = noFrames();
    for (let n = 1; n <= 20; n += 1) expect(isOneTooMany(rate, 5_000 + n)).toBe(false);
    expect(isOneTooMany(rate, 5_999)).toBe(true);
    expect(isOneTooMany(rate, 6_001)).toBe(false);
  });
});

describe('the short way of an ack', () => {
  const number = fc.oneof(
    fc.maxSafeNat().map(String),
    fc.nat({ max: 20 }).map(String),
    fc.constantFrom('', '-1', '-0', '01', '1.0', '1e3', ' 7', '7 ', '"7"', '9007199254740992', '999999999999999', '٣'),
  );
  const around = fc.constantFrom(
    (n: string) => `{"type":"ack","seq":${n}}`,
    (n: string) => `{"seq":${n},"type":"ack"}`,
    (n: string) => `{"type":"ack","seq":${n}} `,
    (n: string) => `{"type":"ack","seq":${n}`,
    (n: string) => `{"type":"ack","seq":${n},"seq":3}`,
    (n: string) => `{"type":"ack","seq":${n}}}`,
    (n: string) => `{"type":"ack", "seq":${n}}`,
    (n: string) => `{"type":"Ack","seq":${n}}`,
  );

  it('judges exactly as the long one', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.tuple(around, number).map(([write, n]) => write(n)),
          fc.string(),
        ),
        (frame) => {
          const seq = plainAckIn(frame);
          if (seq !== null) expect(parseFrame(frame)).toEqual({ kind: 'message', message: { type: 'ack', seq } });
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('takes every ack that a client writes the usual way', () => {
    fc.assert(
      fc.property(fc.nat({ max: 999_999_999_999_999 }), (seq) => {
        expect(plainAckIn(JSON.stringify({ type: 'ack', seq }))).toBe(seq);
      }),
    );
    expect(plainAckIn(new ArrayBuffer(20))).toBeNull();
  });
});

it('one too many is known before it is counted', () => {
  const rate = noFrames();
  for (let n = 0; n < 25; n += 1) {
    const isKnown = wouldBeOneTooMany(rate, 5_000);
    expect(isOneTooMany(rate, 5_000)).toBe(isKnown);
  }
  expect(wouldBeOneTooMany(rate, 6_000)).toBe(false);
});
