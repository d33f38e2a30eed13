import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readGeoJson, toGeoJson } from './geojson-files.ts';
import { box, dock, fenceOf, two, yard } from './example-fences.ts';

describe('files', () => {
  test('bring back what was exported', () => {
    const fences = [
      fenceOf(1, yard, { dwellMinutes: 30, speedLimitMph: 15.5 }),
      fenceOf(2, two, { alertOnExit: true }),
      fenceOf(3, dock, { name: 'Dock “9”' }),
    ];
    const { problem, features } = readGeoJson(JSON.stringify(toGeoJson(fences)));
    expect(problem).toBeNull();
    expect(features.map(({ input }) => input)).toEqual(
      fences.map(({ name, shape, alertOnEntry, alertOnExit, dwellMinutes, speedLimitMph }) => {
        return { name, shape, alertOnEntry, alertOnExit, dwellMinutes, speedLimitMph, groupId: null };
      }),
    );
  });

  test('are read feature by feature, each problem at its feature', () => {
    const feature = (properties: object | null, geometry: unknown) => ({ type: 'Feature', properties, geometry });
    const polygon = { type: 'Polygon', coordinates: [box(0, 0, 1).map((place) => [...place, 250])] };
    const { features } = readGeoJson(
      JSON.stringify({
        type: 'FeatureCollection',
        features: [
          feature({ name: ' Yard ' }, polygon),
          feature({ name: 'Road' }, { type: 'LineString', coordinates: [] }),
          feature({}, polygon),
          feature({ name: 'Nowhere' }, null),
          feature({ name: 'Far' }, { type: 'Polygon', coordinates: [box(0, 89.5, 1)] }),
          feature({ name: 'Huge', radiusMeters: 1e7 }, { type: 'Point', coordinates: [0, 0, 3] }),
          feature({ name: 'Dock', radiusMeters: 400 }, { type: 'Point', coordinates: [0, 0, 3] }),
          feature({ name: 'Slow', dwellMinutes: 'ten' }, polygon),
          7,
        ],
      }),
    );
    expect(features.map(({ problem }) => problem)).toEqual([
      null,
      'It is a LineString. Geofences are polygons, or points with a radiusMeters.',
      'It has no name (properties.name).',
      'It has no geometry.',
      'Its coordinates are not closed rings of [longitude, latitude].',
      'Its radius must be from 10 m to 200 km.',
      null,
      expect.stringMatching(/^dwellMinutes: /),
      'It is no GeoJSON feature.',
    ]);
    expect(features[0]).toMatchObject({ number: 1, name: 'Yard' });
    expect(features[0]?.input?.shape).toEqual({ type: 'Polygon', coordinates: [box(0, 0, 1)] });
    expect(features[6]?.input?.shape).toEqual({ type: 'Circle', center: [0, 0], radiusMeters: 400 });
  });

  test('that are none are refused with a reason, whatever they hold', () => {
    for (const text of [
      '',
      '{',
      '[]',
      'null',
      '7',
      '{"type":"Topology"}',
      '{"type":"FeatureCollection","features":[]}',
    ]) {
      expect(readGeoJson(text).problem).toMatch(/^This/);
    }
    fc.assert(fc.property(fc.json(), (text) => void readGeoJson(text)));
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), fc.jsonValue(), (features, geometry) => {
        const all = [...features, { type: 'Feature', properties: { name: 'x' }, geometry }];
        readGeoJson(JSON.stringify({ type: 'FeatureCollection', features: all }));
      }),
    );
  });
});
