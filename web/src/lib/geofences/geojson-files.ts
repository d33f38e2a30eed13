/** GeoJSON files of geofences: what is read from one, feature by feature, and what is written. Pure. */
import type { Feature, FeatureCollection, Polygon, MultiPolygon } from 'geojson';
import type { z } from 'zod';
import { createGeofenceInputSchema, type CreateGeofenceInput, type Geofence } from '#contracts/geofences';
import { geometryOf } from './shapes.ts';

export interface ReadFeature {
  /** Its place in the file, from 1. */
  number: number;
  name: string;
  /** null when it cannot be taken; `problem` says why. */
  input: CreateGeofenceInput | null;
  problem: string | null;
}

export type ReadFile = { problem: string; features: [] } | { problem: null; features: ReadFeature[] };

type Json = Readonly<Record<string, unknown>>;
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const refused = (problem: string): ReadFile => ({ problem, features: [] });

/** Reads the text of a FeatureCollection; a single Feature will do. */
export function readGeoJson(text: string): ReadFile {
  let file: unknown;
  try {
    file = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    return refused('This is no GeoJSON: it cannot be read as JSON.');
  }
  if (!isObject(file)) return refused('This is no GeoJSON: it holds no FeatureCollection.');
  const features = file['type'] === 'Feature' ? [file] : file['features'];
  if ((file['type'] !== 'FeatureCollection' && file['type'] !== 'Feature') || !Array.isArray(features)) {
    return refused('This file holds no FeatureCollection. Export it as GeoJSON features.');
  }
  if (features.length === 0) return refused('This FeatureCollection is empty.');
  return { problem: null, features: features.map((feature: unknown, at) => readFeature(feature, at + 1)) };
}

const dropAltitude = (value: unknown): unknown => {
  if (!Array.isArray(value)) return value;
  const parts: unknown[] = value;
  return parts.length > 2 && typeof parts[0] === 'number' ? parts.slice(0, 2) : parts.map(dropAltitude);
};

function shapeFrom(geometry: Json, properties: Json): unknown {
  const { type, coordinates } = geometry;
  const { radiusMeters, center } = properties;
  // What is exported as a circle comes back as one; a point with a radius is one too.
  if (typeof radiusMeters === 'number' && (type === 'Point' || Array.isArray(center))) {
    return { type: 'Circle', center: dropAltitude(type === 'Point' ? coordinates : center), radiusMeters };
  }
  return { type, coordinates: dropAltitude(coordinates) };
}

function readFeature(feature: unknown, number: number): ReadFeature {
  const properties = isObject(feature) && isObject(feature['properties']) ? feature['properties'] : {};
  const given = properties['name'] ?? properties['Name'];
  const name = typeof given === 'string' ? given.trim() : typeof given === 'number' ? String(given) : '';
  const failed = (problem: string): ReadFeature => ({ number, name, input: null, problem });
  if (!isObject(feature) || feature['type'] !== 'Feature') return failed('It is no GeoJSON feature.');
  const geometry = feature['geometry'];
  if (!isObject(geometry)) return failed('It has no geometry.');
  const shape = shapeFrom(geometry, properties);
  const type = isObject(shape) ? shape['type'] : null;
  if (type !== 'Polygon' && type !== 'MultiPolygon' && type !== 'Circle') {
    return failed(`It is a ${String(geometry['type'])}. Geofences are polygons, or points with a radiusMeters.`);
  }
  if (name === '') return failed('It has no name (properties.name).');
  const rules = ['alertOnEntry', 'alertOnExit', 'dwellMinutes', 'speedLimitMph'].flatMap((field) =>
    properties[field] === undefined ? [] : [[field, properties[field]]],
  );
  const read = createGeofenceInputSchema.safeParse({ name, shape, ...Object.fromEntries(rules) });
  return read.success ? { number, name, input: read.data, problem: null } : failed(problemIn(read.error));
}

function problemIn({ issues: [issue] }: z.ZodError): string {
  if (issue === undefined) return 'It cannot be taken.';
  const [field, ...rest] = issue.path;
  if (field === 'shape') {
    return rest[0] === 'radiusMeters'
      ? 'Its radius must be from 10 m to 200 km.'
      : 'Its coordinates are not closed rings of [longitude, latitude].';
  }
  return `${String(field)}: ${issue.message}`;
}

/** What is exported: what the API was given, so that an import makes the same fences again. */
export function toGeoJson(fences: readonly Geofence[]): FeatureCollection<Polygon | MultiPolygon> {
  return {
    type: 'FeatureCollection',
    features: fences.map(
      ({
        id,
        name,
        shape,
        alertOnEntry,
        alertOnExit,
        dwellMinutes,
        speedLimitMph,
      }): Feature<Polygon | MultiPolygon> => ({
        type: 'Feature',
        id,
        properties: {
          name,
          alertOnEntry,
          alertOnExit,
          dwellMinutes,
          speedLimitMph,
          ...(shape.type === 'Circle' ? { center: shape.center, radiusMeters: shape.radiusMeters } : {}),
        },
        geometry: geometryOf(shape),
      }),
    ),
  };
}
