import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dayAt, dayEnd, dayPlus, dayStart, wallAt, wallInstant } from './days.ts';

describe('a day in a time zone', () => {
  it('begins and ends when the wall clock there says so', () => {
    expect(dayStart('2026-11-20', 'UTC')).toBe('2026-11-20T00:00:00.000Z');
    expect(dayStart('2026-11-20', 'America/Denver')).toBe('2026-11-20T07:00:00.000Z');
    expect(dayEnd('2026-11-20', 'America/Denver')).toBe('2026-11-21T06:59:59.999Z');
    expect(dayStart('2026-11-20', 'Asia/Kolkata')).toBe('2026-11-19T18:30:00.000Z');
    expect(dayStart('2026-11-20', 'Pacific/Auckland')).toBe('2026-11-19T11:00:00.000Z');
  });

  it('has 23 or 25 hours when the clocks change', () => {
    const hours = (day: string): number =>
      (Date.parse(dayEnd(day, 'America/New_York') ?? '') + 1 - Date.parse(dayStart(day, 'America/New_York') ?? '')) /
      3_600_000;
    expect(hours('2026-03-08')).toBe(23);
    expect(hours('2026-11-01')).toBe(25);
    expect(hours('2026-11-02')).toBe(24);
  });

  it('is nothing when there is no such day', () => {
    for (const day of ['', 'x', '2026-02-30', '2026-13-01', '20261120', '2026-11-20T00:00'])
      expect([day, dayStart(day, 'UTC'), dayEnd(day, 'UTC')]).toEqual([day, null, null]);
  });

  it('is found for an instant, and counted from', () => {
    expect(dayAt(Date.parse('2026-11-20T03:00:00Z'), 'America/Denver')).toBe('2026-11-19');
    expect(dayAt(Date.parse('2026-11-20T23:00:00Z'), 'Asia/Tokyo')).toBe('2026-11-21');
    expect(dayPlus('2026-03-01', -1)).toBe('2026-02-28');
    expect(dayPlus('2026-12-31', 1)).toBe('2027-01-01');
  });
});

describe('a wall time in a time zone', () => {
  it('is one instant, whatever the season', () => {
    expect(wallInstant('2026-11-20T09:11', 'America/Denver')).toBe('2026-11-20T16:11:00.000Z');
    expect(wallInstant('2026-07-20T09:11', 'America/Denver')).toBe('2026-07-20T15:11:00.000Z');
    expect(wallInstant('2026-11-20T00:30', 'Asia/Kolkata')).toBe('2026-11-19T19:00:00.000Z');
  });

  it('is nothing when no clock shows it', () => {
    for (const wall of ['', '2026-11-20', '2026-02-30T10:00', '2026-11-20T24:00', '2026-11-20T10:60', 'x'])
      expect([wall, wallInstant(wall, 'UTC')]).toEqual([wall, null]);
  });

  it('comes back as it was written, outside the hours that clocks skip or repeat', () => {
    const zones = fc.constantFrom(
      'UTC',
      'America/New_York',
      'America/Phoenix',
      'Asia/Kathmandu',
      'Australia/Lord_Howe',
    );
    const noons = fc.integer({ min: 0, max: 20_000 }).map((day) => day * 86_400_000 + 12 * 3_600_000);
    fc.assert(
      fc.property(zones, noons, (zone, atMs) => {
        const wall = new Date(atMs).toISOString().slice(0, 16);
        const instant = wallInstant(wall, zone) ?? '';
        expect(wallAt(Date.parse(instant), zone)).toBe(wall);
      }),
    );
  });
});
