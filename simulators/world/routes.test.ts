import { describe, expect, it } from 'vitest';
import { cities, roads, type CityKey } from './cities.ts';
import { destinationsFrom, milesBetween, pointAlong, polylineThrough, shortestWay } from './routes.ts';

const keys = Object.keys(cities) as CityKey[];

describe('routes', () => {
  it('has thirty cities and more in North America, each on a road, all joined', () => {
    expect(keys.length).toBeGreaterThanOrEqual(30);
    for (const key of keys) {
      const { lat, lon } = cities[key];
      expect(lat).toBeGreaterThan(25);
      expect(lat).toBeLessThan(49);
      expect(lon).toBeGreaterThan(-125);
      expect(lon).toBeLessThan(-75);
      expect(shortestWay('DEN', key).at(-1)).toBe(key);
    }
  });

  it('joins only neighbours', () => {
    for (const [from, to] of roads) expect(milesBetween(cities[from], cities[to])).toBeLessThan(600);
  });

  it('measures known distances', () => {
    // Denver to Cheyenne is 96 miles by air.
    expect(milesBetween(cities.DEN, cities.CHY)).toBeCloseTo(97, -1);
    expect(shortestWay('PDX', 'SAC')).toEqual(['PDX', 'EUG', 'MFR', 'RDD', 'SAC']);
    expect(destinationsFrom('DEN', 90, 110)).toEqual(['CHY']);
  });

  it('passes through the cities, in small steps, a little longer than the straight line', () => {
    const { line, stopMiles } = polylineThrough(['DEN', 'OMA', 'DEN'], { lat: 0, lon: 0 });
    const there = pointAlong(line, stopMiles[1] ?? 0);
    expect(milesBetween(there, cities.OMA)).toBeLessThan(0.01);
    expect(milesBetween(pointAlong(line, 1e9), cities.DEN)).toBeLessThan(0.01);
    expect(stopMiles[1]).toBeGreaterThan(milesBetween(cities.DEN, cities.OMA));
    expect(stopMiles[2]).toBeCloseTo(2 * (stopMiles[1] ?? 0), 6);
    for (let at = 1; at < line.miles.length; at += 1) {
      const step = (line.miles[at] ?? 0) - (line.miles[at - 1] ?? 0);
      expect(step).toBeGreaterThan(0);
      expect(step).toBeLessThan(15);
    }
  });
});
