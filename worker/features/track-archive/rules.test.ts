import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  archivedBefore,
  dayOf,
  deleteAfterOf,
  deletedBefore,
  endOfDayMs,
  keysOf,
  movedBefore,
  placeOfKey,
  readableKeyOf,
  totalsOf,
  trackFileKey,
} from './rules.ts';
import '#test/pure/property-seed';

const file = {
  ...{ key: 'tracks/t/2026/10/01/0000-aa-bb.parquet', bytes: 10, fixes: 2, sha256: 'aa' },
  ...{ firstVehicleId: 'a', lastVehicleId: 'b' },
};

describe('days', () => {
  test('leave the object after 30 days, ordinary storage after a year, and everything after eight', () => {
    const now = new Date('2028-02-29T00:00:00.000Z');
    expect(movedBefore(now)).toBe('2028-01-30');
    expect(archivedBefore(now)).toBe('2027-03-01');
    expect(deletedBefore(now)).toBe('2020-02-29');
    expect(deleteAfterOf('2020-02-29')).toBe('2028-02-29T00:00:00.000Z');
    expect(deleteAfterOf('2023-02-28')).toBe('2031-02-28T00:00:00.000Z');
  });

  test('are deleted on the day that was announced, not before', () => {
    const ms = fc.integer({ min: Date.parse('2020-01-01'), max: Date.parse('2040-01-01') });
    fc.assert(
      fc.property(ms, ms, (dayMs, nowMs) => {
        const day = dayOf(dayMs);
        const isDue = day < deletedBefore(new Date(nowMs));
        expect(isDue && nowMs < Date.parse(deleteAfterOf(day))).toBe(false);
        // And at most two days after.
        expect(!isDue && nowMs > Date.parse(deleteAfterOf(day)) + 2 * 86_400_000).toBe(false);
      }),
    );
  });

  test('have four digits in the year, whatever is asked', () => {
    expect([dayOf(-8.64e15), dayOf(8.64e15), dayOf(0)]).toEqual(['0000-01-01', '9999-12-31', '1970-01-01']);
    expect([dayOf(Date.parse('-000001-12-31T00:00:00Z')), dayOf(NaN)]).toEqual(['0000-01-01', '0000-01-01']);
    expect(endOfDayMs('2026-10-01')).toBe(Date.parse('2026-10-01T23:59:59.999Z'));
  });
});

describe('keys', () => {
  const named = { tenantId: 't', day: '2026-10-01', part: 3, sha256: 'f'.repeat(64) };
  test('say whose and of which day they are, and are new at every writing', () => {
    const [one, other] = ['01940000-0000-7000-8000-00000000000a', '01940000-0000-7000-8000-00000000000b'].map((id) =>
      trackFileKey({ ...named, writingId: id }),
    );
    expect(one).toBe('tracks/t/2026/10/01/0003-ffffffffffffffff-00000000000a.parquet');
    expect(other).not.toBe(one);
    expect(placeOfKey(one ?? '')).toEqual({ tenantId: 't', day: '2026-10-01' });
    for (const alien of ['tracks/t/2026/10/01', 'tracks/x.parquet', 'features/t/2026/10/01/x', ''])
      expect(placeOfKey(alien)).toBeNull();
  });

  test('of a row are its files, their copies and what is on its way', () => {
    const moving = { move: 1, parts: 1, files: [{ ...file, key: 'c' }], isStored: false };
    expect(keysOf({ files: [file, { ...file, key: 'a', restoredKey: 'b' }], moving })).toEqual([
      ...[file.key, 'a', 'b', 'c'],
    ]);
    expect(readableKeyOf(file)).toBe(file.key);
    expect(readableKeyOf({ ...file, restoredKey: 'b' })).toBe('b');
    expect(totalsOf([file, file])).toEqual({ bytes: 20, fixes: 4 });
  });
});
