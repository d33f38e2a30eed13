/** What may not be drawn, each said in words that name the ring. */
import { describe, expect, it } from 'vitest';
import { maxShapeVertices, type GeofenceShape } from '#contracts/geofences';
import { shapeProblems } from './shape-rules.ts';

type Ring = [number, number][];
const square = (lon: number, lat: number, size: number): Ring => [
  [lon, lat],
  [lon + size, lat],
  [lon + size, lat + size],
  [lon, lat + size],
  [lon, lat],
];
const polygon = (...coordinates: Ring[]): GeofenceShape => ({ type: 'Polygon', coordinates });
const words = (shape: GeofenceShape): string[] =>
  shapeProblems(shape).map(({ path, message }) => `${path.join('.')}: ${message}`);

describe('sound shapes', () => {
  it.each([
    ['a square', polygon(square(0, 0, 1))],
    ['the other way round', polygon([...square(0, 0, 1)].reverse())],
    ['with a hole', polygon(square(0, 0, 4), square(1, 1, 1))],
    ['with holes that touch at a corner', polygon(square(0, 0, 4), square(1, 1, 1), square(2, 2, 1))],
    [
      'with a hole that touches the outer ring at a corner',
      polygon(square(0, 0, 4), [
        [0, 2],
        [1, 1],
        [1, 3],
        [0, 2],
      ]),
    ],
    [
      'with a corner said twice',
      polygon([
        [0, 0],
        [1, 0],
        [1, 0],
        [1, 1],
        [0, 1],
        [0, 0],
      ]),
    ],
    ['several', { type: 'MultiPolygon', coordinates: [[square(0, 0, 1)], [square(5, 5, 1)]] }],
    ['at the date line', { type: 'MultiPolygon', coordinates: [[square(179, 0, 1)], [square(-180, 0, 1)]] }],
    [
      'half the world',
      polygon([
        [-180, -90],
        [0, -90],
        [0, 90],
        [-180, 90],
        [-180, -90],
      ]),
    ],
    ['a circle', { type: 'Circle', center: [180, 90], radiusMeters: 10 }],
  ] as [string, GeofenceShape][])('%s', (_name, shape) => {
    expect(words(shape)).toEqual([]);
  });

  it('a ring of as many corners as may be', () => {
    const corners = maxShapeVertices - 1;
    const ring = Array.from({ length: corners }, (_, n): [number, number] => {
      const angle = (2 * Math.PI * n) / corners;
      const radius = 1 + 0.2 * Math.sin(40 * angle);
      return [radius * Math.cos(angle), radius * Math.sin(angle)];
    });
    expect(words(polygon([...ring, ring[0] as [number, number]]))).toEqual([]);
    expect(words(polygon([...ring, ring[0] as [number, number]], square(-0.1, -0.1, 0.2)))).toEqual([
      `coordinates: has ${maxShapeVertices + 5} corners, and may have ${maxShapeVertices}`,
    ]);
  });
});

describe('refused', () => {
  it.each([
    [
      'a ring that is open',
      polygon([
        [0, 0],
        [1, 0],
        [1, 1],
        [0, 1],
      ]),
      ['coordinates.0: the outer ring must end where it began: at [0, 0], not at [0, 1]'],
    ],
    [
      'a bow tie',
      polygon([
        [0, 0],
        [2, 2],
        [2, 0],
        [0, 2],
        [0, 0],
      ]),
      ['coordinates.0: the outer ring crosses itself at [1, 1]'],
    ],
    [
      'a ring that crosses itself',
      polygon([
        [0, 0],
        [4, 4],
        [4, 0],
        [0, 3],
        [0, 0],
      ]),
      ['coordinates.0: the outer ring crosses itself at [1.7142857, 1.7142857]'],
    ],
    [
      'a ring that touches itself',
      polygon([
        [0, 0],
        [4, 0],
        [4, 4],
        [2, 0],
        [0, 4],
        [0, 0],
      ]),
      ['coordinates.0: the outer ring touches itself at [2, 0]'],
    ],
    [
      'a spike',
      polygon([
        [0, 0],
        [4, 0],
        [4, 4],
        [8, 8],
        [4, 4],
        [0, 4],
        [0, 0],
      ]),
      ['coordinates.0: the outer ring touches itself at [4, 4]'],
    ],
    [
      'a line',
      polygon([
        [0, 0],
        [1, 1],
        [2, 2],
        [0, 0],
      ]),
      ['coordinates.0: the outer ring encloses no area'],
    ],
    [
      'a hole outside',
      polygon(square(0, 0, 4), square(5, 5, 1)),
      ['coordinates.1: hole 1 lies outside the outer ring at [5, 5]'],
    ],
    [
      'a hole that crosses the outer ring',
      polygon(square(0, 0, 4), square(3, 3, 2)),
      ['coordinates.1: hole 1 crosses the outer ring at [4, 3]'],
    ],
    [
      'a hole that leaves through a corner',
      polygon(square(0, 0, 4), [
        [1, 1],
        [4, 4],
        [5, 6],
        [1, 2],
        [1, 1],
      ]),
      ['coordinates.1: hole 1 crosses the outer ring at [3, 4]'],
    ],
    [
      'a hole within a hole',
      polygon(square(0, 0, 9), square(1, 1, 5), square(2, 2, 1)),
      ['coordinates.2: hole 2 lies inside hole 1'],
    ],
    [
      'a hole around a hole',
      polygon(square(0, 0, 9), square(2, 2, 1), square(1, 1, 5)),
      ['coordinates.2: hole 1 lies inside hole 2'],
    ],
    [
      'a hole like the outer ring',
      polygon(square(0, 0, 4), square(0, 0, 4)),
      ['coordinates.1: hole 1 runs along the outer ring at [0, 0]'],
    ],
    [
      'a shape over the date line',
      polygon([
        [179, 0],
        [-179, 0],
        [-179, 1],
        [179, 1],
        [179, 0],
      ]),
      [
        'coordinates.0: the outer ring has an edge over more than 180° of longitude, from [179, 0] to [-179, 0]: a shape ' +
          'over the date line is drawn as a MultiPolygon whose polygons meet at 180°',
      ],
    ],
    [
      'the second polygon’s hole',
      { type: 'MultiPolygon', coordinates: [[square(0, 0, 1)], [square(5, 5, 3), square(0, 0, 1)]] },
      ['coordinates.1.1: polygon 2, hole 1 lies outside polygon 2, the outer ring at [0, 0]'],
    ],
  ] as [string, GeofenceShape, string[]][])('%s', (_name, shape, expected) => {
    expect(words(shape)).toEqual(expected);
  });
});
