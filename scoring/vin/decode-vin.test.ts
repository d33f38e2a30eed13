import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeVin, vinCheckDigit } from './decode-vin.ts';

const now = new Date('2026-11-20T09:00:00Z');
const alphabet = [...'ABCDEFGHJKLMNPRSTUVWXYZ0123456789'];
const vinArbitrary = fc
  .array(fc.constantFrom(...alphabet), { minLength: 17, maxLength: 17 })
  .map((text) => text.join(''));
const withCheckDigit = (vin: string): string => `${vin.slice(0, 8)}${vinCheckDigit(vin)}${vin.slice(9)}`;

describe('decodeVin refuses', () => {
  it.each(['', '1XKYD49X0NJ48211', '1XKYD49X0NJ4821100', ' 1XKYD49X0NJ482110'])('length of %j', (vin) => {
    expect(decodeVin(vin, now)).toEqual({ kind: 'invalid_length' });
  });

  it.each([
    '1XKYD49X0NJ48211I',
    '1XKYD49X0NJ48211O',
    '1XKYD49X0NJ48211q',
    '1XKYD49X0NJ4821-0',
    'ßXKYD49X0NJ482110',
    ' XKYD49X0NJ482110',
  ])('character in %j', (vin) => {
    expect(decodeVin(vin, now)).toEqual({ kind: 'invalid_character' });
  });
});

describe('decodeVin reads', () => {
  it('published VINs with valid check digits', () => {
    for (const vin of ['1M8GDM9AXKP042788', '11111111111111111', '5GZCZ43D13S812715']) {
      expect(decodeVin(vin, now)).toMatchObject({ checkDigitValid: true });
    }
  });

  it('a wrong check digit as a warning, not an error', () => {
    const decoded = decodeVin('1M8GDM9A0KP042788', now);
    expect(decoded).toMatchObject({ checkDigitValid: false, wmi: '1M8' });
    expect(decoded).toHaveProperty('warnings.0', expect.stringContaining('should be X'));
  });

  it('lower case folded', () => {
    expect(decodeVin('1m8gdm9axkp042788', now)).toEqual(decodeVin('1M8GDM9AXKP042788', now));
  });

  it.each([
    ['1XK', 'Kenworth'],
    ['2XK', 'Kenworth'],
    ['3WK', 'Kenworth'],
    ['1XP', 'Peterbilt'],
    ['2XP', 'Peterbilt'],
    ['1NP', 'Peterbilt'],
    ['1FU', 'Freightliner'],
    ['3AK', 'Freightliner'],
    ['4V4', 'Volvo'],
    ['1M1', 'Mack'],
    ['1M2', 'Mack'],
    ['1HS', 'International'],
    ['3HS', 'International'],
  ])('%s as %s', (wmi, manufacturer) => {
    expect(decodeVin(withCheckDigit(`${wmi}YD49X0NJ482110`), now)).toMatchObject({ manufacturer, warnings: [] });
  });

  it('an unknown manufacturer as null with a warning', () => {
    expect(decodeVin(withCheckDigit('1ZZYD49X0NJ482110'), now)).toMatchObject({
      manufacturer: null,
      warnings: ['Manufacturer 1ZZ is not in the table.'],
    });
  });

  it.each([
    ['A', 2010],
    ['N', 2022],
    ['T', 2026],
    ['V', 2027],
    ['W', 1998],
    ['X', 1999],
    ['Y', 2000],
    ['1', 2001],
    ['9', 2009],
    ['0', null],
    ['U', null],
    ['Z', null],
  ])('model year code %s as the latest year not beyond next year: %s', (code, modelYear) => {
    expect(decodeVin(`1XKYD49X0${code}J482110`, now)).toMatchObject({ modelYear });
  });

  it('next year only once it is next year', () => {
    expect(decodeVin('1XKYD49X0WJ482110', new Date('2027-01-01T00:00:00Z'))).toMatchObject({ modelYear: 2028 });
  });

  it('every well-formed VIN, with a check digit that fits when it was computed', () => {
    fc.assert(
      fc.property(vinArbitrary, (vin) => {
        const decoded = decodeVin(withCheckDigit(vin), now);
        expect(decoded).toMatchObject({ checkDigitValid: true });
        if (!('kind' in decoded) && decoded.modelYear !== null) {
          expect(decoded.modelYear).toBeLessThanOrEqual(2027);
          expect(decoded.modelYear).toBeGreaterThan(2027 - 30);
        }
      }),
    );
  });

  it('any text without throwing', () => {
    fc.assert(fc.property(fc.string({ maxLength: 20 }), (text) => void decodeVin(text, new Date(Number.NaN))));
  });
});
