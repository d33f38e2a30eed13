/** Geofences: places drawn on the map, and what vehicles do at their edges. */
import { z } from 'zod';
import {
  cursorQueryShape,
  idSchema,
  inputTimeSchema,
  latitudeSchema,
  longitudeSchema,
  nameSchema,
  orNull,
  pageQueryShape,
  timeSchema,
} from './primitives.ts';

/** More per organisation are refused (409). */
export const maxGeofences = 5_000;
/** Corners of one shape, all rings together. */
export const maxShapeVertices = 10_000;
export const radiusMetersRange = { min: 10, max: 200_000 } as const;

/** [lon, lat], as GeoJSON has it. */
const cornerSchema = z.tuple([longitudeSchema, latitudeSchema]);
const ringSchema = z.array(cornerSchema).min(4);

/** Outer ring, then holes; each ring ends where it began (RFC 7946). Which way round does not matter. */
export const polygonSchema = z.strictObject({ type: z.literal('Polygon'), coordinates: z.array(ringSchema).min(1) });
export const multiPolygonSchema = z.strictObject({
  type: z.literal('MultiPolygon'),
  coordinates: z.array(z.array(ringSchema).min(1)).min(1),
});
export const circleSchema = z.strictObject({
  type: z.literal('Circle'),
  /** [lon, lat]. */
  center: cornerSchema,
  radiusMeters: z.number().min(radiusMetersRange.min).max(radiusMetersRange.max),
});
export const geofenceShapeSchema = z
  .discriminatedUnion('type', [polygonSchema, multiPolygonSchema, circleSchema])
  .meta({ id: 'GeofenceShape' });
export type GeofenceShape = z.infer<typeof geofenceShapeSchema>;

const fieldsShape = {
  name: nameSchema(120),
  shape: geofenceShapeSchema,
  alertOnEntry: z.boolean(),
  alertOnExit: z.boolean(),
  /** A vehicle that stays this long raises a dwell event and its alert; null: nobody minds. */
  dwellMinutes: orNull(z.number().int().min(1).max(10_080)),
  /** Faster inside is a speeding event and its alert; null: no limit. */
  speedLimitMph: orNull(z.number().min(1).max(150)),
  /** Only vehicles of this group; null: all of the organisation. */
  groupId: orNull(idSchema),
};

export const geofenceSchema = z
  .object({ id: idSchema, tenantId: idSchema, ...fieldsShape, createdAt: timeSchema, updatedAt: timeSchema })
  .meta({ id: 'Geofence' });
export type Geofence = z.infer<typeof geofenceSchema>;

export const createGeofenceInputSchema = z
  .strictObject({
    ...fieldsShape,
    alertOnEntry: z.boolean().default(false),
    alertOnExit: z.boolean().default(false),
    dwellMinutes: fieldsShape.dwellMinutes.default(null),
    speedLimitMph: fieldsShape.speedLimitMph.default(null),
    groupId: fieldsShape.groupId.default(null),
  })
  .meta({ id: 'CreateGeofenceInput' });
export type CreateGeofenceInput = z.infer<typeof createGeofenceInputSchema>;

/** PUT keeps what is not mentioned. */
export const updateGeofenceInputSchema = z.strictObject(fieldsShape).partial().meta({ id: 'UpdateGeofenceInput' });
export type UpdateGeofenceInput = z.infer<typeof updateGeofenceInputSchema>;

export const geofenceListQuerySchema = z.strictObject({
  q: z.string().trim().min(1).max(100).optional(),
  tenantId: idSchema.optional(),
  ...pageQueryShape,
});
export type GeofenceListQuery = z.infer<typeof geofenceListQuerySchema>;

export const geofenceEventKinds = ['entry', 'exit', 'dwell', 'speeding'] as const;
export const geofenceEventKindSchema = z.enum(geofenceEventKinds);
export type GeofenceEventKind = z.infer<typeof geofenceEventKindSchema>;

export const geofenceEventSchema = z
  .object({
    id: idSchema,
    geofenceId: idSchema,
    vehicleId: idSchema,
    kind: geofenceEventKindSchema,
    at: timeSchema,
    lat: latitudeSchema,
    lon: longitudeSchema,
    /** Of the reading that showed it; null where unknown or between two readings. */
    speedMph: z.number().nullable(),
  })
  .meta({ id: 'GeofenceEvent' });
export type GeofenceEvent = z.infer<typeof geofenceEventSchema>;

/** `GET /geofences/{id}/events`: a feed, newest first. */
export const geofenceEventsQuerySchema = z.strictObject({
  kind: geofenceEventKindSchema.optional(),
  vehicleId: idSchema.optional(),
  from: inputTimeSchema.optional(),
  to: inputTimeSchema.optional(),
  ...cursorQueryShape,
});
export type GeofenceEventsQuery = z.infer<typeof geofenceEventsQuerySchema>;
