import { describe, expect, it } from 'vitest';
import { makeBaseMap } from '../base-map/base-map.ts';
import { innermostPoint, isInside, ringArea } from '../base-map/rings.ts';
import { overBudget } from '../chunk-budget.ts';
import { unpackLine } from '../src/lib/map/base-map.ts';

describe('the base map made of the atlases', () => {
  const map = makeBaseMap();

  it('holds the states by their names, and the neighbours', () => {
    const names = map.labels.map(({ text }) => text);
    expect(new Set(names).size).toBe(names.length);
    for (const text of ['TX', 'CA', 'RI', 'DC', 'Canada', 'Mexico']) expect(names).toContain(text);
    expect(map.labels.find(({ text }) => text === 'TX')?.rank).toBe(1);
    expect(map.labels.find(({ text }) => text === 'RI')?.rank).toBe(2);
  });

  it('has land beneath Denver and under Winnipeg, and water off Cape Cod', () => {
    const isOn = (polygons: typeof map.home, lon: number, lat: number): boolean =>
      polygons.some(([outer = []]) => isInside(unpackLine(outer), lon, lat));
    expect(isOn(map.home, -104.99, 39.74)).toBe(true);
    expect(isOn(map.abroad, -97.14, 49.9)).toBe(true);
    expect([...map.home, ...map.abroad].some(([outer = []]) => isInside(unpackLine(outer), -68, 41))).toBe(false);
  });

  it('puts each name on its own land', () => {
    const texas = map.labels.find(({ text }) => text === 'TX');
    expect(texas?.lon).toBeGreaterThan(-104);
    expect(texas?.lon).toBeLessThan(-95);
    expect(texas?.lat).toBeGreaterThan(28);
    expect(texas?.lat).toBeLessThan(34);
  });

  it('stays small enough to be fetched on a phone', () => {
    expect(JSON.stringify(map).length).toBeLessThan(260_000);
    expect(map.stateBorders.length).toBeGreaterThan(40);
  });
});

describe('rings', () => {
  const square = [
    [0, 0],
    [4, 0],
    [4, 4],
    [0, 4],
  ];

  it('know their area, their inside and their middle', () => {
    expect(ringArea(square)).toBe(16);
    expect([isInside(square, 1, 1), isInside(square, 5, 1)]).toEqual([true, false]);
    const [x = 0, y = 0] = innermostPoint(square);
    expect([x, y]).toEqual([2, 2]);
  });
});

describe('the budget of chunks', () => {
  const chunk = (fileName: string, bytes: number, rest: object = {}) => ({
    fileName,
    code: 'x'.repeat(bytes),
    isEntry: false,
    imports: [],
    moduleIds: [],
    ...rest,
  });
  const engine = { moduleIds: ['/x/node_modules/maplibre-gl/dist/maplibre-gl.mjs'] };

  it('refuses a heavy chunk, and the map in what every page loads', () => {
    expect(overBudget([chunk('a.js', 400_000), chunk('map.js', 1_100_000, engine)])).toEqual([]);
    expect(overBudget([chunk('a.js', 400_001)])).toHaveLength(1);
    expect(
      overBudget([
        chunk('entry.js', 10, { isEntry: true, imports: ['b.js'] }),
        chunk('b.js', 10, { imports: ['map.js'] }),
        chunk('map.js', 1_100_000, engine),
      ]),
    ).toEqual(["map.js: the map's engine is loaded with the app"]);
  });
});
