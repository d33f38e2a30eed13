/** Which landmarks are used, and what is known of them when. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { simulateTenant } from './fixtures/simulated-tenant.ts';
import { distinctFailures, lifetimesBetween, readLandmarks, thinLandmarks, type Landmarks } from './landmarks.ts';
import { dayMs, outcomeAfter } from './outcome.ts';
import type { TrainingInput } from './training-types.ts';

const input = simulateTenant({ seed: 5, trucks: 12, days: 150, everyDays: 2 });
const everyPlace = input.landmarks.map((_, place) => place);
const read = (given: TrainingInput, places = everyPlace): Landmarks => {
  const landmarks = readLandmarks(given, places);
  if ('kind' in landmarks) throw new Error(landmarks.kind);
  return landmarks;
};

describe('readLandmarks', () => {
  it('refuses infinities by the name of their feature', () => {
    const landmarks = input.landmarks.map((row, place) => (place === 3 ? { ...row, x: [1, Infinity, 0, 0] } : row));
    expect(readLandmarks({ ...input, landmarks }, everyPlace)).toEqual({ kind: 'non_finite', column: 'ageYears' });
  });

  it('throws for rows of another feature list, times that are none, and places that are not there', () => {
    const [row] = input.landmarks;
    if (row === undefined) throw new Error('no landmark');
    expect(() => read({ ...input, landmarks: [{ ...row, x: [1] }] }, [0])).toThrow(/1 features, the list has 4/);
    expect(() => read({ ...input, landmarks: [{ ...row, at: 'never' }] }, [0])).toThrow(RangeError);
    expect(() => read({ ...input, until: 'never' })).toThrow(RangeError);
    expect(() => read(input, [99_999])).toThrow(/no landmark 99999/);
  });

  it('reads unknown values as NaN and keeps everything else', () => {
    const { x } = read(input);
    input.landmarks.forEach((row, place) => {
      row.x.forEach((value, column) => expect(x[place]?.[column]).toBe(value ?? Number.NaN));
    });
  });
});

describe('thinLandmarks', () => {
  it('keeps one of each vehicle and week', () => {
    const kept = thinLandmarks(input.landmarks, 1);
    const weeks = kept.map((place) => {
      const row = input.landmarks[place];
      return `${row?.vehicleId} ${Math.floor(Date.parse(row?.at ?? '') / (7 * dayMs))}`;
    });
    expect(new Set(weeks).size).toBe(weeks.length);
    expect(kept.length).toBeGreaterThan(12 * 20);
    expect(kept.length).toBeLessThan(input.landmarks.length / 3);
  });

  it('draws the same rows whatever their order, others with another seed, never more than asked', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(everyPlace, { minLength: everyPlace.length }), fc.nat(300), (order, most) => {
        const shuffled = order.map((place) => input.landmarks[place] as TrainingInput['landmarks'][number]);
        const names = (places: number[], rows: TrainingInput['landmarks']) => places.map((place) => rows[place]);
        const kept = thinLandmarks(shuffled, 7, most);
        expect(names(kept, shuffled)).toEqual(names(thinLandmarks(input.landmarks, 7, most), input.landmarks));
        expect(kept.length).toBeLessThanOrEqual(most);
      }),
      { numRuns: 20 },
    );
    expect(thinLandmarks(input.landmarks, 8)).not.toEqual(thinLandmarks(input.landmarks, 7));
  });

  it('draws from all of the time, not from its beginning', () => {
    const kept = thinLandmarks(input.landmarks, 1, 60).map((place) => Date.parse(input.landmarks[place]?.at ?? ''));
    const middle = (Date.parse(input.until) + Date.parse('2026-01-01T00:00:00Z')) / 2;
    const late = kept.filter((ms) => ms > middle).length;
    expect(late).toBeGreaterThan(15);
    expect(late).toBeLessThan(45);
  });
});

describe('lifetimesBetween', () => {
  const landmarks = read(input);
  const untilMs = Date.parse('2026-04-01T00:00:00Z');

  it('says of every landmark what outcomeAfter says', () => {
    const rows = lifetimesBetween(landmarks, 0, untilMs, 1000);
    const used = input.landmarks.filter(({ at }) => Date.parse(at) < untilMs);
    expect(rows.time).toHaveLength(used.length);
    used.forEach((row, place) => {
      const events = input.events.filter(({ vehicleId }) => vehicleId === row.vehicleId);
      const { days, event } = outcomeAfter(row.at, events, new Date(untilMs).toISOString());
      expect([rows.time[place], rows.event[place]]).toEqual([days, event]);
    });
    expect(rows.event).toContain(1);
  });

  it('knows nothing of what comes after its end', () => {
    const known = { ...input, events: input.events.filter(({ at }) => Date.parse(at) <= untilMs) };
    expect(lifetimesBetween(read(known), 0, untilMs)).toEqual(lifetimesBetween(landmarks, 0, untilMs));
  });

  it('follows nobody for longer than asked', () => {
    const rows = lifetimesBetween(landmarks, 0, untilMs, 10);
    expect(Math.max(...rows.time)).toBe(10);
    expect(rows.time.every((time, row) => time < 10 || rows.event[row] === 0)).toBe(true);
  });

  it('counts a failure once however many landmarks it ends', () => {
    const rows = lifetimesBetween(landmarks, 0, untilMs);
    const failed = rows.event.filter((event) => event === 1).length;
    const failures = distinctFailures(rows);
    expect(failed).toBeGreaterThan(failures * 1.5);
    expect(failures).toBeLessThanOrEqual(
      input.events.filter(({ kind }) => kind === 'repair' || kind === 'breakdown').length,
    );
    expect(distinctFailures({ failure: [null, null] })).toBe(0);
  });
});
