import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { wallText, wallUnit } from './wall-text.ts';

describe('what a wall may show', () => {
  test.each([
    ['1XKYDP9X0RJ000001', '…RJ000001'],
    ['Unit 1xkydp9x0rj000001 stopped', 'Unit …rj000001 stopped'],
    ['(1XKYDP9X0RJ000001)', '(…RJ000001)'],
    ['12345678901234567', '…01234567'],
    ['call (801) 555-0142 now', 'call [phone] now'],
    ['call +1 801 555 0142', 'call [phone]'],
    ['801.555.0142', '[phone]'],
    ['8015550142', '[phone]'],
  ])('%s', (text, shown) => {
    expect(wallText(text)).toBe(shown);
  });

  test.each([
    'U-000042',
    'Coolant temp is 230 °F, normally about 190 °F on trucks of this model',
    'SPN 520192 FMI 31',
    'Display silent: Bay 3, North shop',
    'uncharacteristics',
    '2026-11-20 09:11 UTC',
    '1XKYDP9X0RJ0000012345',
    '01990000-0000-7000-8000-000000000000',
  ])('%s stays', (text) => {
    expect(wallText(text)).toBe(text);
  });

  test('a unit number may look like a phone number, never like a VIN', () => {
    expect(wallUnit('8015550142')).toBe('8015550142');
    expect(wallUnit('1XKYDP9X0RJ000001')).toBe('…RJ000001');
  });

  test('no VIN survives, wherever it stands', () => {
    const sign = fc.constantFrom(...'ABCDEFGHJKLMNPRSTUVWXYZ0123456789');
    const vin = fc
      .array(sign, { minLength: 17, maxLength: 17 })
      .map((signs) => signs.join(''))
      .filter((text) => /\d/.test(text));
    const around = fc.constantFrom('', ' ', ', ', '“', '”', '(', ': ', '/', '#');
    fc.assert(
      fc.property(vin, around, around, (number, before, after) => {
        expect(wallText(`${before}${number}${after}`)).not.toContain(number);
      }),
    );
  });
});
