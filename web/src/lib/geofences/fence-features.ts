/** Fences as the features of one source: each its area and a point for its name; fed with differences. Pure. */
import type { Feature, MultiPolygon, Point, Polygon } from 'geojson';
import type { GeoJSONSourceDiff } from 'maplibre-gl';
import type { Geofence } from '#contracts/geofences';
import { boxOf, geometryOf, labelPlaceOf } from './shapes.ts';

export interface FenceProperties {
  /** `area:<fence>` or `name:<fence>`: what the source knows it by. */
  key: string;
  id: string;
  name: string;
  /** Degrees of longitude or latitude that it covers, whichever are more. */
  span: number;
}

type FenceFeature = Feature<Polygon | MultiPolygon | Point, FenceProperties>;

const keysOf = (id: string): [string, string] => [`area:${id}`, `name:${id}`];

export function fenceFeatures({ id, name, shape }: Geofence): [FenceFeature, FenceFeature] {
  const [area, label] = keysOf(id);
  const [west, south, east, north] = boxOf(shape);
  const span = Math.max(east - west, north - south);
  return [
    { type: 'Feature', properties: { key: area, id, name, span }, geometry: geometryOf(shape) },
    {
      type: 'Feature',
      properties: { key: label, id, name, span },
      geometry: { type: 'Point', coordinates: labelPlaceOf(shape) },
    },
  ];
}

/** What the source holds, and how it gets from there to another set of fences. */
export class FenceFeatures {
  #told = new Map<string, Geofence>();

  /** The change after which the source holds `fences`; null when it does. The change is taken as made. */
  next(fences: Iterable<Geofence>): GeoJSONSourceDiff | null {
    const add: FenceFeature[] = [];
    const remove: string[] = [];
    const told = new Map<string, Geofence>();
    for (const fence of fences) {
      told.set(fence.id, fence);
      // A feature that is added under a known key takes its place.
      if (this.#told.get(fence.id) !== fence) add.push(...fenceFeatures(fence));
    }
    for (const id of this.#told.keys()) if (!told.has(id)) remove.push(...keysOf(id));
    this.#told = told;
    return add.length === 0 && remove.length === 0 ? null : { add, remove };
  }
}
