import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { modelYearCode, syntheticVin, vinCheckDigit } from './vin.ts';

describe('VIN', () => {
  it('refuses letters that cannot stand in a VIN, and years without a code', () => {
    expect(() => vinCheckDigit('1M8GDM9AXKP04278O')).toThrow(RangeError);
    expect(() => modelYearCode(2009)).toThrow(RangeError);
    expect(() =>
      syntheticVin({ wmi: '1XK', descriptor: 'TOOLONG', year: 2024, plant: 'J', series: 'ZZ', serial: 1 }),
    ).toThrow('17 characters');
  });

  it('gives the published check digits of the standard examples', () => {
    // 49 CFR 565 worked example, and the all-ones VIN whose digit is 1.
    expect(vinCheckDigit('1M8GDM9AXKP042788')).toBe('X');
    expect(vinCheckDigit('11111111111111111')).toBe('1');
    expect(modelYearCode(2024)).toBe('R');
    expect(modelYearCode(2026)).toBe('T');
  });

  it('always ends with a VIN that passes its own check, and one wrong character fails it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2018, max: 2027 }), fc.integer({ min: 0, max: 9998 }), (year, serial) => {
        const vin = syntheticVin({ wmi: '1XP', descriptor: 'BD49X', year, plant: 'D', series: 'ZZ', serial });
        expect(vin).toMatch(/^[A-HJ-NPR-Z0-9]{17}$/);
        expect(vinCheckDigit(vin)).toBe(vin[8]);
        const lastDigit = Number(vin[16]);
        const changed = vin.slice(0, 16) + String((lastDigit + 1) % 10);
        expect(vinCheckDigit(changed)).not.toBe(vin[8]);
      }),
    );
  });
});
