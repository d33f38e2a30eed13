/**
 * Turns the public atlases (us-atlas, world-atlas: both made of public-domain data) into the one small module that the live
 * map draws: `virtual:base-map`. Nothing of it is asked from outside when the map is open, and nothing of it is committed.
 */
import { createRequire } from 'node:module';
import { feature, merge, mesh } from 'topojson-client';
import type { Position } from 'geojson';
import type { GeometryCollection, GeometryObject, MultiPolygon, Polygon, Topology } from 'topojson-specification';
import type { Plugin } from 'vite';
import { packLine, type BaseMap, type PackedLabel } from '../src/lib/map/base-map.ts';
import { isOutside, innermostPoint, ringArea } from './rings.ts';
import { postalCodes } from './postal-codes.ts';

const read = createRequire(import.meta.url);
const unitedStates = '840';
/** ISO numbers of the countries that trucks of here drive to, drawn as finely as the atlas can. */
const neighbours = new Set(['124', '484']);
/** Where the names of the neighbours stand: in the middle of where people live, not of the land. */
const neighbourLabels: readonly PackedLabel[] = [
  { text: 'Canada', lon: -106, lat: 55.5, rank: 0 },
  { text: 'Mexico', lon: -102.6, lat: 24.4, rank: 0 },
];
/** A state smaller than this (square degrees, of its largest part) is named only from nearby. */
const smallStateDegrees2 = 4;
/** Islands below this many square degrees are left out where nobody drives. */
const smallestIslandDegrees2 = { near: 0.02, far: 0.5 };

type Countries = Topology<{ countries: GeometryCollection }>;
type States = Topology<{ states: GeometryCollection<{ name: string }>; nation: GeometryCollection }>;
type Area = Polygon | MultiPolygon;

const isArea = (geometry: GeometryObject): geometry is Area =>
  geometry.type === 'Polygon' || geometry.type === 'MultiPolygon';

/** The polygons of some areas as one, without the islands that are too small to see. */
function landOf(topology: Topology, areas: readonly GeometryObject[], smallest: number): number[][][] {
  return merge(topology, areas.filter(isArea))
    .coordinates.filter(([outer = []]) => ringArea(outer) >= smallest)
    .map((rings) => rings.map(packLine));
}

const linesFrom = (lines: readonly Position[][]): number[][] => lines.map(packLine);

function stateLabels(states: States): PackedLabel[] {
  return feature(states, states.objects.states).features.flatMap(({ id, geometry }) => {
    const text = postalCodes[String(id)];
    if (text === undefined) return [];
    const polygons =
      geometry.type === 'MultiPolygon'
        ? geometry.coordinates
        : geometry.type === 'Polygon'
          ? [geometry.coordinates]
          : [];
    const [largest] = polygons.toSorted(([a = []], [b = []]) => ringArea(b) - ringArea(a));
    if (largest?.[0] === undefined) return [];
    const [lon = 0, lat = 0] = innermostPoint(largest[0]);
    return [{ text, lon, lat, rank: ringArea(largest[0]) < smallStateDegrees2 ? (2 as const) : (1 as const) }];
  });
}

/** Reads the atlases; takes about a second. */
export function makeBaseMap(): BaseMap {
  const states = read('us-atlas/states-10m.json') as States;
  const fine = read('world-atlas/countries-50m.json') as Countries;
  const coarse = read('world-atlas/countries-110m.json') as Countries;
  const near = fine.objects.countries.geometries.filter(({ id }) => neighbours.has(String(id)));
  const far = coarse.objects.countries.geometries.filter(
    ({ id }) => String(id) !== unitedStates && !neighbours.has(String(id)),
  );
  return {
    home: landOf(states, states.objects.nation.geometries, smallestIslandDegrees2.near / 4),
    abroad: [...landOf(fine, near, smallestIslandDegrees2.near), ...landOf(coarse, far, smallestIslandDegrees2.far)],
    stateBorders: linesFrom(mesh(states, states.objects.states, (a, b) => a !== b).coordinates),
    countryBorders: linesFrom([
      ...mesh(fine, fine.objects.countries, (a, b) => a !== b && touchesHome(a, b)).coordinates,
      ...mesh(coarse, coarse.objects.countries, (a, b) => a !== b && !touchesHome(a, b)).coordinates,
    ]).filter((line) => line.length > 2),
    labels: [...neighbourLabels, ...stateLabels(states)].filter(({ lon, lat }) => !isOutside(lon, lat)),
  };
}

/** A border that a truck of here may cross. */
const touchesHome = (a: GeometryObject, b: GeometryObject): boolean =>
  [a, b].some(({ id }) => String(id) === unitedStates || neighbours.has(String(id)));

const name = 'virtual:base-map';

export const baseMap: Plugin = {
  name: 'base-map',
  resolveId: { filter: { id: /^virtual:base-map$/ }, handler: () => `\0${name}` },
  load: {
    filter: { id: /^\0virtual:base-map$/ },
    // A string that is parsed is read by browsers faster than the same thing as code.
    handler: () => `export default JSON.parse(${JSON.stringify(JSON.stringify(makeBaseMap()))});`,
  },
};
