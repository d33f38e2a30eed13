import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addressAllowed, canonicalEntry } from './ip-allow-list.ts';

const octet = fc.integer({ min: 0, max: 255 });
const bytesOf = (length: number) => fc.array(octet, { minLength: length, maxLength: length });
const v4 = (bytes: readonly number[]): string => bytes.join('.');
const v6 = (bytes: readonly number[]): string =>
  Array.from({ length: 8 }, (_, at) => (((bytes[2 * at] ?? 0) << 8) | (bytes[2 * at + 1] ?? 0)).toString(16)).join(':');

/** The first `prefix` bits of two addresses are the same: what a CIDR block means, bit by bit. */
function sharesBits(a: readonly number[], b: readonly number[], prefix: number): boolean {
  const bits = (bytes: readonly number[]) => bytes.map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return bits(a).slice(0, prefix) === bits(b).slice(0, prefix);
}

/** An address near another: bits from some place on are different ones. */
const neighbours = (length: number) =>
  fc
    .record({ from: bytesOf(length), other: bytesOf(length), keep: fc.integer({ min: 0, max: length }) })
    .map(({ from, other, keep }) => [from, [...from.slice(0, keep), ...other.slice(keep)]] as const);

describe('what cannot be read lets nobody in', () => {
  test.each([
    ...[
      '',
      ' ',
      '*',
      'localhost',
      '127.1',
      '0x7f.0.0.1',
      '0177.0.0.1',
      '2130706433',
      '1.2.3',
      '1.2.3.4.5',
      '256.0.0.1',
    ],
    ...[
      '1.2.3.4/33',
      '1.2.3.4/-1',
      '1.2.3.4/',
      '1.2.3.4/08',
      '1.2.3.4/8/8',
      '1.2.3.4/255.0.0.0',
      '1.2.3.4 ',
      '1.2.3.4:80',
    ],
    ...['fe80::1%eth0', '[::1]', '::1/129', ':::', '1::2::3', '::ffff:127.1', '::ffff:0x7f.0.0.1', '2001:db8::/3.2'],
    '１.２.３.４',
  ])('%j', (entry) => {
    expect(canonicalEntry(entry)).toBeNull();
    expect(addressAllowed([entry], '1.2.3.4')).toBe(false);
    expect(addressAllowed(['0.0.0.0/0', '::/0'], entry)).toBe(false);
  });

  test('nor does an unknown address, or an empty list', () => {
    expect(addressAllowed(['0.0.0.0/0', '::/0'], null)).toBe(false);
    expect(addressAllowed([], '1.2.3.4')).toBe(false);
    expect(addressAllowed(['nonsense', '1.2.3.4'], '1.2.3.4')).toBe(true);
  });

  test('no text is more than refused', () => {
    fc.assert(fc.property(fc.string(), fc.string(), (entry, ip) => addressAllowed([entry], ip) !== undefined));
    fc.assert(fc.property(fc.string(), (entry) => canonicalEntry(entry) !== undefined));
  });
});

test('no list lets everybody in', () => {
  expect(addressAllowed(null, '1.2.3.4')).toBe(true);
  expect(addressAllowed(null, null)).toBe(true);
});

describe('a block', () => {
  test('holds the IPv4 addresses that share its first bits, however they are written', () => {
    fc.assert(
      fc.property(neighbours(4), fc.integer({ min: 0, max: 32 }), ([block, ip], prefix) => {
        const expected = sharesBits(block, ip, prefix);
        const mapped = `::ffff:${v4(ip)}`;
        const mappedHex = v6([...Array<number>(10).fill(0), 255, 255, ...ip]);
        for (const entry of [`${v4(block)}/${prefix}`, `::ffff:${v4(block)}/${96 + prefix}`]) {
          for (const address of [v4(ip), mapped, mappedHex]) expect(addressAllowed([entry], address)).toBe(expected);
        }
      }),
    );
  });

  test('holds the IPv6 addresses that share its first bits', () => {
    fc.assert(
      fc.property(neighbours(16), fc.integer({ min: 0, max: 128 }), ([block, ip], prefix) => {
        const isMapped = (bytes: readonly number[]) => v6(bytes).startsWith('0:0:0:0:0:ffff:');
        fc.pre(!isMapped(block) && !isMapped(ip));
        const upper = v6(ip).toUpperCase();
        for (const address of [v6(ip), upper]) {
          expect(addressAllowed([`${v6(block)}/${prefix}`], address)).toBe(sharesBits(block, ip, prefix));
        }
      }),
    );
  });

  test('of one family holds nobody of the other', () => {
    fc.assert(
      fc.property(bytesOf(4), bytesOf(16), (four, sixteen) => {
        fc.pre(!v6(sixteen).startsWith('0:0:0:0:0:ffff:'));
        expect(addressAllowed(['0.0.0.0/0'], v6(sixteen))).toBe(false);
        expect(addressAllowed(['::/0'], v4(four))).toBe(false);
      }),
    );
  });

  test('is kept in one spelling that holds the same addresses', () => {
    fc.assert(
      fc.property(neighbours(4), fc.integer({ min: 0, max: 32 }), ([block, ip], prefix) => {
        const canonical = canonicalEntry(`${v4(block)}/${prefix}`) ?? '';
        expect(canonicalEntry(canonical)).toBe(canonical);
        expect(addressAllowed([canonical], v4(ip))).toBe(sharesBits(block, ip, prefix));
      }),
    );
    expect(['10.1.2.3/8', '203.0.113.7', '::ffff:10.1.2.3', '::FFFF:10.1.2.3/104'].map(canonicalEntry)).toEqual([
      '10.0.0.0/8',
      '203.0.113.7',
      '10.1.2.3',
      '10.0.0.0/8',
    ]);
    expect(['2001:DB8:0:0::1', '2001:db8:1::/32', '::/0'].map(canonicalEntry)).toEqual([
      '2001:db8::1',
      '2001:db8::/32',
      '::/0',
    ]);
  });
});
