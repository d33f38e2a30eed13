/**
 * The map beneath everything: land, coasts, borders and the names of the states, as the build leaves them. Numbers are whole
 * thousandths of a degree; of a line only its first point is a place, every other one a step from the point before it.
 */
import type { Feature, FeatureCollection, MultiLineString, MultiPolygon, Point, Position } from 'geojson';

/** `[lon, lat, dLon, dLat, …]` in thousandths of a degree. */
export type PackedLine = readonly number[];

export interface PackedLabel {
  text: string;
  lon: number;
  lat: number;
  /** The lower, the sooner it is shown: 0 a country, 1 a large state, 2 a small one. */
  rank: 0 | 1 | 2;
}

export interface BaseMap {
  /** Polygons, each its outer ring and its holes. */
  home: readonly (readonly PackedLine[])[];
  abroad: readonly (readonly PackedLine[])[];
  stateBorders: readonly PackedLine[];
  countryBorders: readonly PackedLine[];
  labels: readonly PackedLabel[];
}

export const stepsPerDegree = 1000;

/** The places of a packed line, degrees. */
export function unpackLine(line: PackedLine): Position[] {
  const places: Position[] = [];
  let lon = 0;
  let lat = 0;
  for (let at = 0; at + 1 < line.length; at += 2) {
    lon += line[at] ?? 0;
    lat += line[at + 1] ?? 0;
    places.push([lon / stepsPerDegree, lat / stepsPerDegree]);
  }
  return places;
}

/** Packs a line; places that fall on the one before are left out. */
export function packLine(places: readonly Position[]): number[] {
  const line: number[] = [];
  let lastLon = 0;
  let lastLat = 0;
  for (const [lon = 0, lat = 0] of places) {
    const x = Math.round(lon * stepsPerDegree);
    const y = Math.round(lat * stepsPerDegree);
    if (line.length > 0 && x === lastLon && y === lastLat) continue;
    line.push(x - lastLon, y - lastLat);
    [lastLon, lastLat] = [x, y];
  }
  return line;
}

export const polygonsOf = (polygons: BaseMap['home']): Feature<MultiPolygon> => ({
  type: 'Feature',
  properties: {},
  geometry: { type: 'MultiPolygon', coordinates: polygons.map((rings) => rings.map(unpackLine)) },
});

export const linesOf = (lines: readonly PackedLine[]): Feature<MultiLineString> => ({
  type: 'Feature',
  properties: {},
  geometry: { type: 'MultiLineString', coordinates: lines.map(unpackLine) },
});

export const labelsOf = (labels: readonly PackedLabel[]): FeatureCollection<Point> => ({
  type: 'FeatureCollection',
  features: labels.map(({ text, lon, lat, rank }) => ({
    type: 'Feature',
    properties: { text, rank },
    geometry: { type: 'Point', coordinates: [lon, lat] },
  })),
});
