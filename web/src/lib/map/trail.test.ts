import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Position } from '#contracts/positions';
import { liveVehicle } from '../../../test/builders.ts';
import { fleetSpan, instantOf, lastStep, pastInstant, profilePath, shareOf, stepOf } from './scrub.ts';
import { mostParts, readWholeTrack } from './track-reading.ts';
import { simplifyMetres } from './trail-window.ts';
import {
  lastAtOrBefore,
  legsOf,
  metresBetween,
  momentAt,
  paceLines,
  paceOf,
  speedProfile,
  stopsOf,
  trailOf,
  withPresent,
  type TrailPoint,
} from './trail.ts';

const startMs = Date.parse('2026-11-20T06:00:00.000Z');
const minute = 60_000;
/** A degree of latitude is some 69 miles: so many miles north. */
const north = (miles: number): number => 40 + miles / 69.1;

const position = (minutes: number, miles: number, rest: Partial<Position> = {}): Position => ({
  at: new Date(startMs + minutes * minute).toISOString(),
  lat: north(miles),
  lon: -105,
  speedMph: 60,
  heading: 0,
  odometerMiles: 1000 + miles,
  engineHours: null,
  fuelPercent: null,
  ignition: true,
  ...rest,
});
const point = (minutes: number, miles: number, rest: Partial<TrailPoint> = {}): TrailPoint => ({
  atMs: startMs + minutes * minute,
  lat: north(miles),
  lon: -105,
  speedMph: 60,
  heading: 0,
  odometerMiles: 1000 + miles,
  ...rest,
});

describe('the points of a trail', () => {
  it('are one an instant, in order, even where the feed repeats itself', () => {
    const points = trailOf([position(0, 0), position(0, 5), position(2, 2), position(1, 1)]);
    expect(points.map(({ atMs }) => (atMs - startMs) / minute)).toEqual([0, 2]);
  });

  it('end where the truck is by now, once and only when that is newer', () => {
    const points = trailOf([position(0, 0), position(1, 1)]);
    const at = (minutes: number): string => new Date(startMs + minutes * minute).toISOString();
    expect(withPresent(points, liveVehicle(1, { at: at(2), lat: north(2) }))).toHaveLength(3);
    expect(withPresent(points, liveVehicle(1, { at: at(1) }))).toBe(points);
    expect(withPresent(points, liveVehicle(1, { at: at(2), lat: null }))).toBe(points);
    expect(withPresent([], liveVehicle(1, { at: at(2) }))).toEqual([]);
    expect(withPresent(points, null)).toBe(points);
  });
});

describe('distance', () => {
  it('is that of a sphere', () => {
    // A degree along a meridian of the mean earth.
    expect(metresBetween({ lat: 0, lon: 0 }, { lat: 1, lon: 0 })).toBeCloseTo(111_195, -1);
    expect(metresBetween({ lat: 60, lon: 179.5 }, { lat: 60, lon: -179.5 })).toBeCloseTo(55_597, -2);
    expect(metresBetween({ lat: 12, lon: 34 }, { lat: 12, lon: 34 })).toBe(0);
  });
});

describe('paces', () => {
  it('begin at their own speed', () => {
    expect([0, 14.9, 15, 39, 40, 59.9, 60, 200].map(paceOf)).toEqual([0, 0, 1, 1, 2, 2, 3, 3]);
  });

  it('make lines without a hole between them', () => {
    const legs = legsOf(
      [point(0, 0), point(1, 1), point(2, 2, { speedMph: 30 }), point(3, 2.5, { speedMph: 30 }), point(4, 3.5)],
      true,
    );
    const { features } = paceLines(legs);
    expect(features.map(({ properties }) => properties.pace)).toEqual([3, 2, 1, 2]);
    for (let at = 1; at < features.length; at += 1) {
      expect(features[at]?.geometry.coordinates[0]).toEqual(features[at - 1]?.geometry.coordinates.at(-1));
    }
  });

  it('say nothing of a way on which nothing was heard, unless readings were left out on purpose', () => {
    const points = [point(0, 0), point(45, 30)];
    expect(paceLines(legsOf(points, true)).features[0]?.properties.pace).toBeNull();
    expect(paceLines(legsOf(points, false)).features[0]?.properties.pace).toBe(3);
  });

  it('fall back on how far the truck came where it did not say how fast', () => {
    const [leg] = legsOf([point(0, 0, { speedMph: null }), point(60, 50)], false);
    expect(leg?.mph).toBeCloseTo(50, 0);
  });
});

describe('stops', () => {
  it('are ten minutes and more in one place, however many readings tell it', () => {
    const legs = legsOf(
      [
        point(0, 0),
        point(5, 5),
        point(10, 5, { speedMph: 0 }),
        point(12, 5.01),
        point(20, 5.02),
        point(22, 7),
        point(26, 7),
        point(28, 9),
      ],
      true,
    );
    expect(stopsOf(legs).map(({ fromMs, toMs }) => [(fromMs - startMs) / minute, (toMs - startMs) / minute])).toEqual([
      [5, 20],
    ]);
  });

  it('hold at the end of a trail, and through hours without a reading', () => {
    expect(stopsOf(legsOf([point(0, 0), point(600, 0.02)], true))).toHaveLength(1);
    expect(stopsOf(legsOf([point(0, 0)], true))).toEqual([]);
    expect(stopsOf([])).toEqual([]);
  });
});

describe('the moment at the handle', () => {
  const points = [point(0, 0), point(10, 10, { speedMph: 30 }), point(70, 60)];

  it('lies between the readings around it, and at the ends at the first and the last', () => {
    expect(momentAt(points, startMs + 5 * minute, true)).toMatchObject({
      speedMph: 60,
      odometerMiles: 1005,
      isGuess: false,
    });
    expect(momentAt(points, startMs + 5 * minute, true)?.lat).toBeCloseTo(north(5), 6);
    expect(momentAt(points, startMs - minute, true)?.lat).toBe(north(0));
    expect(momentAt(points, startMs + 500 * minute, true)?.lat).toBe(north(60));
    expect(momentAt([], startMs, true)).toBeNull();
  });

  it('says when it is a guess', () => {
    expect(momentAt(points, startMs + 30 * minute, true)?.isGuess).toBe(true);
    expect(momentAt(points, startMs + 30 * minute, false)?.isGuess).toBe(false);
  });

  it('keeps the odometer that is known where the next is not', () => {
    expect(
      momentAt([point(0, 0), point(10, 10, { odometerMiles: null })], startMs + 5 * minute, true)?.odometerMiles,
    ).toBe(1000);
  });

  it('is found as a walk through all points would find it', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 500 })), fc.integer({ min: -10, max: 510 }), (minutes, at) => {
        const sorted = [...new Set(minutes)].sort((a, b) => a - b).map((m) => point(m, m));
        const atMs = startMs + at * minute;
        expect(lastAtOrBefore(sorted, atMs)).toBe(sorted.findLastIndex((p) => p.atMs <= atMs));
      }),
    );
  });
});

describe('the profile of speed', () => {
  it('holds the fastest of each part, and nothing where nothing is known', () => {
    const legs = legsOf([point(0, 0), point(10, 10), point(20, 10, { speedMph: 0 }), point(80, 60)], true);
    const profile = speedProfile(legs, { fromMs: startMs, toMs: startMs + 100 * minute }, 10);
    expect(profile[0]).toBe(60);
    expect(profile.slice(3)).toEqual(Array.from({ length: 7 }, () => null));
    expect(speedProfile(legs, { fromMs: startMs, toMs: startMs }, 3)).toEqual([null, null, null]);
  });

  it('is drawn within its box', () => {
    expect(profilePath([40, null, 200], 30, 10, 80)).toBe('M0 10V5.0H10.0V10.0H20.0V0.0H30.0V10z');
    expect(profilePath([], 30, 10, 80)).toBe('');
  });
});

describe('handles', () => {
  const span = { fromMs: 0, toMs: 1000 };

  it('go from end to end in whole steps, the last a shorter one', () => {
    expect(lastStep(span, 300)).toBe(4);
    expect([0, 1, 4, 9].map((step) => instantOf(step, span, 300))).toEqual([0, 300, 1000, 1000]);
    expect([-50, 0, 160, 1000, 5000].map((at) => stepOf(at, span, 300))).toEqual([0, 0, 1, 3, 4]);
    expect([0, 250, 2000].map((at) => shareOf(at, span))).toEqual([0, 0.25, 1]);
    expect(shareOf(5, { fromMs: 5, toMs: 5 })).toBe(1);
  });

  it('stay where they were put', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1e9 }),
        fc.integer({ min: 1, max: 1e6 }),
        fc.nat(),
        (length, stepMs, pick) => {
          const whole = { fromMs: 1e12, toMs: 1e12 + length * stepMs };
          const step = pick % (lastStep(whole, stepMs) + 1);
          expect(stepOf(instantOf(step, whole, stepMs), whole, stepMs)).toBe(step);
        },
      ),
    );
  });

  it('of the fleet stay within its thirty days, and the present is no past', () => {
    const nowMs = Date.parse('2026-11-20T09:02:30.000Z');
    const { fromMs, toMs } = fleetSpan(nowMs);
    expect(new Date(toMs).toISOString()).toBe('2026-11-20T09:00:00.000Z');
    expect(nowMs - fromMs).toBeLessThan(30 * 86_400_000);
    expect(pastInstant(toMs, nowMs)).toBeNull();
    expect(pastInstant(nowMs + 1e9, nowMs)).toBeNull();
    expect(pastInstant(fromMs - 1e9, nowMs)).toBe(new Date(fromMs).toISOString());
    expect(pastInstant(toMs - 60_000, nowMs)).toBe('2026-11-20T08:59:00.000Z');
  });
});

describe('reading a track', () => {
  const ask = { from: 'a', to: 'b', simplify: null };
  /** A track of so many thousand points, of which a tolerance leaves a share. */
  const server = (thousands: number) => {
    const asked: (number | null)[] = [];
    return {
      asked,
      read: ({ simplify }: { simplify: number | null }, cursor: string | null) => {
        asked.push(simplify);
        const part = Number(cursor ?? 0) + 1;
        const parts = simplify === null ? thousands : Math.ceil((thousands * 10) / simplify);
        return Promise.resolve({ positions: [position(part, part)], nextCursor: part < parts ? String(part) : null });
      },
    };
  };

  it('takes every point of a short one', async () => {
    const { read, asked } = server(3);
    const whole = await readWholeTrack(ask, read, () => true);
    expect([whole.positions.length, whole.simplify]).toEqual([3, null]);
    expect(asked).toEqual([null, null, null]);
  });

  it('asks for a long one with a tolerance, wider until it reaches its end', async () => {
    const { read, asked } = server(20);
    const whole = await readWholeTrack(ask, read, () => true);
    expect(whole.simplify).toBe(270);
    expect(whole.positions).toHaveLength(1);
    expect(new Set(asked)).toEqual(new Set([null, 10, 30, 90, 270]));
  });

  it('ends even where no tolerance is wide enough, and when nobody wants it any more', async () => {
    const endless = () => Promise.resolve({ positions: [position(0, 0)], nextCursor: 'x' });
    expect((await readWholeTrack(ask, endless, () => true)).positions).toHaveLength(mostParts.simplified);
    expect((await readWholeTrack(ask, endless, () => false)).positions).toHaveLength(1);
  });

  it('asks for more only when the scale really changes', () => {
    expect(simplifyMetres('24h', 12)).toBeNull();
    expect([4, 7.9, 8, 10.9, 11].map((zoom) => simplifyMetres('7d', zoom))).toEqual([200, 200, 50, 50, 10]);
  });
});
