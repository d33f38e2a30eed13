/** What may be drawn, and what a change makes of a fence. Pure. */
import {
  maxGeofences,
  type CreateGeofenceInput,
  type GeofenceShape,
  type UpdateGeofenceInput,
} from '#contracts/geofences';
import { shapeProblems } from '#durable-objects/geofences/shape-rules';
import { countCorners } from '#durable-objects/geofences/fence-shape';

/** Corners of all fences of a tenant: they stand in the memory of one object. */
export const maxCornersInAll = 500_000;

export const limitsInWords = `An organisation has at most ${maxGeofences} geofences, with ${maxCornersInAll} corners in all.`;

/** What a fence is made of, as it is kept. */
export interface GeofenceFields {
  name: string;
  cornerCount: number;
  shape: GeofenceShape;
  alertOnEntry: boolean;
  alertOnExit: boolean;
  dwellMinutes: number | null;
  speedLimitMph: number | null;
  groupId: string | null;
}

export interface Issue {
  path: string;
  message: string;
}

/** Why a fence cannot be kept as it was sent; empty when it can. */
export function issuesOf({ shape, groupId }: Pick<UpdateGeofenceInput, 'shape' | 'groupId'>): Issue[] {
  const issues: Issue[] = [];
  if (groupId !== undefined && groupId !== null) issues.push({ path: 'groupId', message: 'names no group' });
  if (shape !== undefined) {
    for (const { path, message } of shapeProblems(shape)) issues.push({ path: ['shape', ...path].join('.'), message });
  }
  return issues;
}

export const newFields = (input: CreateGeofenceInput): GeofenceFields => ({
  ...input,
  cornerCount: countCorners(input.shape),
});

/** The fence with what was mentioned. */
export function changedFields(known: GeofenceFields, input: UpdateGeofenceInput): GeofenceFields {
  const { name, shape, alertOnEntry, alertOnExit, dwellMinutes, speedLimitMph, groupId } = known;
  const kept = { name, shape, alertOnEntry, alertOnExit, dwellMinutes, speedLimitMph, groupId };
  const given = Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined));
  const fields: typeof kept = { ...kept, ...given };
  return { ...fields, cornerCount: countCorners(fields.shape) };
}

/** True when the change would keep everything as it is. */
export const isUnchanged = (known: GeofenceFields, next: GeofenceFields): boolean =>
  (Object.keys(next) as (keyof GeofenceFields)[]).every(
    (field) => JSON.stringify(known[field]) === JSON.stringify(next[field]),
  );

/** A fence as the audit log tells of it: a shape in few words, never thousands of corners. */
export function inWords({ shape, cornerCount, ...fields }: GeofenceFields): Record<string, unknown> {
  const words =
    shape.type === 'Circle'
      ? { type: shape.type, center: shape.center, radiusMeters: shape.radiusMeters }
      : { type: shape.type, corners: cornerCount };
  return { ...fields, shape: words };
}

/**
 * One call carries about 25 bytes a corner, at most some 400 KB with the largest fence; and what it changes is judged for
 * every vehicle in one go.
 */
const partBounds = { fences: 200, corners: 5_000 };

/** Fences in parts that fit one call to the tracks each. */
export function inParts(fences: readonly { id: string; cornerCount: number }[]): string[][] {
  const parts: string[][] = [];
  let corners = Infinity;
  for (const { id, cornerCount } of fences) {
    const part = parts.at(-1);
    if (part === undefined || part.length >= partBounds.fences || corners + cornerCount > partBounds.corners) {
      parts.push([id]);
      corners = cornerCount;
    } else {
      part.push(id);
      corners += cornerCount;
    }
  }
  return parts;
}
