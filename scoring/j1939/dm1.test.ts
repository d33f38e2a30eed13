import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeDm1, decodeDm2, type Dm1Code } from './dm1.ts';

const lampStates = ['off', 'on', 'error', 'notAvailable'] as const;
/** Bit pattern of each flash state; 10 is reserved and cannot be encoded. */
const flashBits = { slow: 0, fast: 1, none: 3 } as const;
const keys = ['malfunction', 'redStop', 'amberWarning', 'protect'] as const;

interface Message {
  lamps: Record<(typeof keys)[number], (typeof lampStates)[number]>;
  flash: Record<(typeof keys)[number], keyof typeof flashBits>;
  codes: Pick<Dm1Code, 'spn' | 'fmi' | 'occurrenceCount' | 'conversionMethod'>[];
}

/** An encoder written from the standard's table, not from the decoder. */
const encode = ({ lamps, flash, codes }: Message): number[] => {
  const pack = (values: number[]): number => values.reduce((byte, value) => byte * 4 + value, 0);
  const header = [
    pack(keys.map((key) => lampStates.indexOf(lamps[key]))),
    pack(keys.map((key) => flashBits[flash[key]])),
  ];
  const list = codes.flatMap(({ spn, fmi, occurrenceCount, conversionMethod }) => [
    spn % 256,
    Math.floor(spn / 256) % 256,
    Math.floor(spn / 65_536) * 32 + fmi,
    conversionMethod * 128 + (occurrenceCount ?? 127),
  ]);
  return [...header, ...(codes.length === 0 ? [0, 0, 0, 0] : list)];
};

const lampsArbitrary = fc.record({
  malfunction: fc.constantFrom(...lampStates),
  redStop: fc.constantFrom(...lampStates),
  amberWarning: fc.constantFrom(...lampStates),
  protect: fc.constantFrom(...lampStates),
});
const flashStates = ['slow', 'fast', 'none'] as const;
const flashArbitrary = fc.record({
  malfunction: fc.constantFrom(...flashStates),
  redStop: fc.constantFrom(...flashStates),
  amberWarning: fc.constantFrom(...flashStates),
  protect: fc.constantFrom(...flashStates),
});
const codeArbitrary = fc.record({
  // Below the last SPN: with FMI 31 and all counts set, that one is indistinguishable from padding.
  spn: fc.integer({ min: 1, max: 524_286 }),
  fmi: fc.integer({ min: 0, max: 31 }),
  occurrenceCount: fc.option(fc.integer({ min: 0, max: 126 })),
  conversionMethod: fc.constantFrom(0 as const, 1 as const),
});
const messageArbitrary = fc.record({
  lamps: lampsArbitrary,
  flash: flashArbitrary,
  codes: fc.array(codeArbitrary, { maxLength: 20 }),
});

describe('decodeDm1 refuses', () => {
  it('anything under six bytes', () => {
    for (let length = 0; length < 6; length += 1) {
      expect(decodeDm1(new Uint8Array(length))).toEqual({ kind: 'truncated' });
      expect(decodeDm1(new Uint8Array(length).fill(0xff))).toEqual({ kind: 'truncated' });
    }
  });

  it('a last code cut short', () => {
    expect(decodeDm1(Uint8Array.of(0x04, 0xff, 100, 0, 1, 3, 110))).toEqual({ kind: 'truncated' });
    expect(decodeDm1(Uint8Array.of(0x04, 0xff, 100, 0, 1, 3, 110, 0xff, 0xff))).toEqual({ kind: 'truncated' });
  });
});

describe('decodeDm1 reads', () => {
  it('a red stop lamp with low oil pressure, seen five times', () => {
    expect(decodeDm1(Uint8Array.of(0b00_01_00_00, 0xff, 100, 0, 0x01, 5, 0xff, 0xff))).toEqual({
      lamps: { malfunction: 'off', redStop: 'on', amberWarning: 'off', protect: 'off' },
      flash: { malfunction: 'none', redStop: 'none', amberWarning: 'none', protect: 'none' },
      codes: [{ spn: 100, fmi: 1, occurrenceCount: 5, conversionMethod: 0, raw: 0x64000105 }],
    });
  });

  it('the high SPN bits from the third byte', () => {
    const decoded = decodeDm1(Uint8Array.of(0, 0, 0x12, 0xf0, 0b111_00011, 0x7f));
    expect(decoded).toMatchObject({ codes: [{ spn: 0x7f012, fmi: 3, occurrenceCount: null, conversionMethod: 0 }] });
  });

  it('an all-zero code as "no active fault"', () => {
    expect(decodeDm1(Uint8Array.of(0, 0xff, 0, 0, 0, 0, 0xff, 0xff))).toMatchObject({ codes: [] });
  });

  it('all bytes not available as no code', () => {
    expect(decodeDm1(new Uint8Array(8).fill(0xff))).toMatchObject({
      lamps: { redStop: 'notAvailable' },
      flash: { redStop: 'none' },
      codes: [],
    });
  });

  it('the reserved flash pattern as not available', () => {
    expect(decodeDm1(Uint8Array.of(0, 0b10_00_01_11, 0, 0, 0, 0))).toMatchObject({
      flash: { malfunction: 'notAvailable', redStop: 'slow', amberWarning: 'fast', protect: 'none' },
    });
  });

  it('older conversion methods marked, with the raw bytes kept', () => {
    expect(decodeDm1(Uint8Array.of(0, 0, 0x01, 0x02, 0x03, 0x84))).toMatchObject({
      codes: [{ conversionMethod: 1, occurrenceCount: 4, raw: 0x01020384 }],
    });
  });

  it('what an encoder wrote, whatever the padding', () => {
    fc.assert(
      fc.property(messageArbitrary, fc.integer({ min: 0, max: 9 }), (message, padding) => {
        const bytes = Uint8Array.from([...encode(message), ...new Array<number>(padding).fill(0xff)]);
        const decoded = decodeDm1(bytes);
        if ('kind' in decoded) throw new Error('truncated');
        expect(decoded.lamps).toEqual(message.lamps);
        expect(decoded.flash).toEqual(message.flash);
        expect(decoded.codes.map(({ raw: _raw, ...code }) => code)).toEqual(message.codes);
      }),
    );
  });

  it('any bytes without throwing', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const decoded = decodeDm1(bytes);
        if ('kind' in decoded) return;
        for (const code of decoded.codes) {
          expect(code.spn).toBeLessThan(2 ** 19);
          expect(code.fmi).toBeLessThan(32);
        }
      }),
    );
  });
});

describe('decodeDm2', () => {
  it('reads previously active codes in the layout of DM1, and refuses what is cut short', () => {
    expect(decodeDm2(Uint8Array.of(0x04, 0xff, 94, 0, 0x12, 3, 0xff, 0xff))).toMatchObject({
      lamps: { amberWarning: 'on', redStop: 'off' },
      codes: [{ spn: 94, fmi: 18, occurrenceCount: 3 }],
    });
    expect(decodeDm2(Uint8Array.of(0, 0xff, 0, 0, 0, 0))).toMatchObject({ codes: [] });
    expect(decodeDm2(Uint8Array.of(0, 0xff, 0, 0, 0))).toEqual({ kind: 'truncated' });
  });
});
