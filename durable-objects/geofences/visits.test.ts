/** One entry however a fix jumps at the edge; nothing twice, nothing from the past, nobody unseen. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { GeofenceShape } from '#contracts/geofences';
import { box, drive, fenceOf, fix, meter, minuteMs, round, startMs, yard } from '#test/durable-objects/fence-drives';
import { isWithin } from './edges.ts';
import { isInside } from './fence-shape.ts';
import { fenceRules, type Fix, type Happening, type RuledFence } from './visits.ts';

describe('entry and exit', () => {
  it('enters with the first fix inside, and leaves with the first beyond the margin', () => {
    const { told } = drive([fix(0, -100), fix(30, 50, 200, 10), fix(60, 300), fix(90, 420), fix(120, 430, 200, 12)]);
    expect(told.map(({ kind, atMs, speedMph }) => [kind, (atMs - startMs) / 1000, speedMph])).toEqual([
      ['entry', 30, 10],
      ['exit', 120, 12],
    ]);
  });

  it('a vehicle that is first heard of inside has entered', () => {
    expect(drive([fix(0, 0)]).kinds).toEqual(['entry']);
    expect(drive([fix(0, -0.1)]).kinds).toEqual([]);
  });

  it('late and repeated fixes change nothing', () => {
    const fixes = [fix(0, -100), fix(30, 50), fix(60, 300)];
    const first = drive(fixes);
    const again = drive([...fixes, fix(45, -500), fix(60, -500)], [yard], first.course);
    expect(again.told).toEqual([]);
    expect(again.course).toBe(first.course);
  });

  it('knows holes, and two fences at once', () => {
    const ringed = fenceOf({
      type: 'Polygon',
      coordinates: [box(0, 0, 400), box(100, 100, 200)].flatMap((shape) =>
        shape.type === 'Polygon' ? shape.coordinates : [],
      ),
    });
    expect(drive([fix(0, 50), fix(30, 110), fix(60, 130), fix(90, 350)], [ringed]).kinds).toEqual([
      'entry',
      'exit',
      'entry',
    ]);
    const { told } = drive([fix(0, -100), fix(30, 200), fix(60, 600)], [yard, round]);
    expect(told.map(({ kind, fence }) => `${kind} ${fence.id}`).sort()).toEqual([
      'entry round',
      'entry yard',
      'exit round',
      'exit yard',
    ]);
  });

  it('a fix that jumps about at the edge gives one entry and nothing more', () => {
    const jitter = fc.record({
      east: fc.double({ min: -24.9, max: 24.9, noNaN: true }),
      north: fc.double({ min: 30, max: 370, noNaN: true }),
      gap: fc.integer({ min: 1, max: 3600 }),
    });
    fc.assert(
      fc.property(fc.array(jitter, { minLength: 1, maxLength: 200 }), fc.constantFrom(0, 400), (steps, edge) => {
        let seconds = 0;
        const fixes = steps.map(({ east, north, gap }) => fix((seconds += gap), edge + east, north));
        const { kinds, course } = drive(fixes);
        const isIn = fixes.some(({ lat, lon }) => isInside(yard.shape, lat, lon));
        // Passing through needs a fix beyond the other edge, or a corner; here there is none.
        expect(kinds).toEqual(isIn ? ['entry'] : []);
        expect(course?.visits).toHaveLength(isIn ? 1 : 0);
      }),
    );
  });

  it('a standing truck whose fixes lie twelve metres off gives one entry at most, wherever it stands', () => {
    const off = fc.record({
      angle: fc.double({ min: 0, max: 2 * Math.PI, noNaN: true }),
      meters: fc.double({ min: 0, max: 12.4, noNaN: true }),
    });
    const place = fc.double({ min: -40, max: 440, noNaN: true });
    fc.assert(
      fc.property(place, place, fc.array(off, { minLength: 2, maxLength: 100 }), (east, north, offs) => {
        const fixes = offs.map(({ angle, meters }, at) =>
          fix(at * 30, east + meters * Math.cos(angle), north + meters * Math.sin(angle)),
        );
        for (const fence of [yard, round]) {
          const { kinds } = drive(fixes, [fence]);
          expect(kinds).toEqual(fixes.some(({ lat, lon }) => isInside(fence.shape, lat, lon)) ? ['entry'] : []);
        }
      }),
    );
  });

  it('tells entries and exits in turns, each true of its place', () => {
    // To the decimetre: what lies nearer to an edge than numbers can tell has no side.
    const decimetres = fc.integer({ min: -3_000, max: 7_000 }).map((steps) => steps / 10);
    const anywhere = fc.record({ east: decimetres, north: decimetres, gap: fc.integer({ min: 1, max: 1200 }) });
    fc.assert(
      fc.property(fc.array(anywhere, { maxLength: 60 }), (steps) => {
        let seconds = 0;
        const fixes = steps.map(({ east, north, gap }) => fix((seconds += gap), east, north));
        const { told, course } = drive(fixes, [yard, round]);
        for (const fence of [yard, round]) {
          const own = told.filter((happening) => happening.fence === fence);
          own.forEach(({ kind, lat, lon, atMs }, at) => {
            expect(kind).toBe(at % 2 === 0 ? 'entry' : 'exit');
            expect(atMs).toBeGreaterThanOrEqual(own[at - 1]?.atMs ?? 0);
            // Between two fixes the place is on the boundary itself, as well as numbers can say.
            if (kind === 'entry') expect(isWithin(fence.shape, lat, lon, 0.01)).toBe(true);
            else if (fixes.some((one) => one.atMs === atMs && one.lat === lat)) {
              expect(isWithin(fence.shape, lat, lon, fenceRules.marginMeters)).toBe(false);
            }
          });
          const isInVisit = course?.visits.some((visit) => visit.fence === fence) ?? false;
          expect(own.length % 2 === 1).toBe(isInVisit);
        }
      }),
    );
  });

  it('the same fixes again, in parts, or with repetitions, tell the same', () => {
    const step = fc.record({ east: fc.integer({ min: -200, max: 600 }), gap: fc.integer({ min: 1, max: 400 }) });
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 40 }),
        fc.nat(40),
        fc.array(fc.nat(39), { maxLength: 30 }),
        (steps, cut, again) => {
          let seconds = 0;
          const fixes = steps.map(({ east, gap }) => fix((seconds += gap), east, 200, east / 10));
          const fences = [fenceOf(box(0, 0, 400), { dwellMinutes: 5, speedLimitMph: 20 })];
          const whole = drive(fixes, fences);
          const first = drive(fixes.slice(0, cut), fences);
          const repeated = again.flatMap((at) => fixes.slice(0, cut)[at] ?? []);
          const second = drive([...repeated, ...fixes.slice(cut)], fences, first.course);
          const plain = (told: Happening<RuledFence>[]) => told.map(({ fence: _fence, ...rest }) => rest);
          expect(plain([...first.told, ...second.told])).toEqual(plain(whole.told));
        },
      ),
    );
  });
});

describe('passing through between two fixes', () => {
  it('is told with the times and places in between', () => {
    // A kilometre in a minute: 37 mph.
    const { told } = drive([fix(0, -300), fix(60, 700, 200, 37)]);
    expect(
      told.map(({ kind, atMs, lon, speedMph }) => [kind, atMs - startMs, Math.round(lon / meter), speedMph]),
    ).toEqual([
      ['entry', 18_000, 0, null],
      ['exit', 42_000, 400, null],
    ]);
    const circle = drive([fix(0, -300), fix(60, 700)], [round]).told;
    expect(circle.map(({ kind, atMs }) => [kind, Math.round((atMs - startMs) / 100)])).toEqual([
      ['entry', 180],
      ['exit', 420],
    ]);
  });

  it.each([
    ['a gap of more than ten minutes', fix(601, 700)],
    ['a speed that no truck has', fix(3, 700)],
    ['a way past it', fix(60, 700, 1000)],
  ])('not with %s', (_name, to) => {
    expect(drive([fix(0, -300), to]).kinds).toEqual([]);
  });

  it('not where less than the margin is inside: a corner cut by a jumping fix', () => {
    expect(drive([fix(0, -10, 8), fix(30, 8, -10)]).kinds).toEqual([]);
    expect(drive([fix(0, -30, 50), fix(30, 50, -30)]).kinds).toEqual(['entry', 'exit']);
  });

  it('over the date line', () => {
    const shape: GeofenceShape = { type: 'Circle', center: [180, 10], radiusMeters: 300 };
    const parts: GeofenceShape = {
      type: 'MultiPolygon',
      coordinates: [
        [
          [
            [179.997, 9.99],
            [180, 9.99],
            [180, 10.01],
            [179.997, 10.01],
            [179.997, 9.99],
          ],
        ],
        [
          [
            [-180, 9.99],
            [-179.997, 9.99],
            [-179.997, 10.01],
            [-180, 10.01],
            [-180, 9.99],
          ],
        ],
      ],
    };
    for (const one of [shape, parts]) {
      const there: Fix = { atMs: startMs, lat: 10, lon: 179.99, speedMph: null };
      const back: Fix = { atMs: startMs + 2 * minuteMs, lat: 10, lon: -179.99, speedMph: null };
      const { told } = drive([there, back], [fenceOf(one)]);
      expect(told.map(({ kind, lon }) => [kind, lon > 0])).toEqual([
        ['entry', true],
        ['exit', false],
      ]);
      expect(
        drive(
          [
            { ...back, atMs: startMs },
            { ...there, atMs: back.atMs },
          ],
          [fenceOf(one)],
        ).kinds,
      ).toEqual(['entry', 'exit']);
    }
  });
});
