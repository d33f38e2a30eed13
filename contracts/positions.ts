/** Where a vehicle was: its track, the fleet at an instant, and the latest position of some vehicles. */
import { z } from 'zod';
import { liveVehicleSchema } from './live.ts';
import { idSchema, inputTimeSchema, pageQueryShape, queryInteger, timeSchema } from './primitives.ts';
import { readingSchema, type Reading } from './telemetry.ts';
import { lastPositionSchema, vehicleStatusSchema } from './vehicles.ts';

/** One point of a track, null where unknown. */
export const positionSchema = readingSchema.meta({ id: 'Position' });
export type Position = Reading;

export const maxTrackLimit = 1000;
export const defaultTrackLimit = 100;

/**
 * `GET /vehicles/{id}/positions`: a feed, oldest first, both ends included. Without `from` the last 24 hours before `to`,
 * without `to` until now. `simplify` (metres): leaves out points that lie closer than this to the line drawn without them.
 */
export const trackQuerySchema = z.strictObject({
  from: inputTimeSchema.optional(),
  to: inputTimeSchema.optional(),
  simplify: z
    .string()
    .regex(/^\d{1,5}(\.\d{1,3})?$/, 'must be a number of metres')
    .transform(Number)
    .pipe(z.number().min(0).max(10_000))
    .optional(),
  cursor: z.string().min(1).max(512).optional(),
  limit: queryInteger(1, maxTrackLimit).optional(),
});
export type TrackQuery = z.infer<typeof trackQuerySchema>;

/** `GET /live/at?time=`: the fleet as it stood, within the days that are kept at hand. */
export const fleetAtQuerySchema = z.strictObject({ time: inputTimeSchema, tenantId: idSchema.optional() });
export const fleetAtSchema = z
  .object({ time: timeSchema, vehicles: z.array(liveVehicleSchema) })
  .meta({ id: 'FleetAt' });
export type FleetAt = z.infer<typeof fleetAtSchema>;

/** The latest word on where a vehicle is; `position` is null when it never reported. */
export const vehicleLocationSchema = z
  .object({ vehicleId: idSchema, status: vehicleStatusSchema, position: lastPositionSchema.nullable() })
  .meta({ id: 'VehicleLocation' });
export type VehicleLocation = z.infer<typeof vehicleLocationSchema>;

/** `GET /vehicles/{id}/status`: `at` is the time of the reading it follows from; null when it never reported. */
export const vehicleStatusNowSchema = z
  .object({ status: vehicleStatusSchema, at: timeSchema.nullable() })
  .meta({ id: 'VehicleStatusNow' });

/** `POST /vehicles/batch-location`: many at once; ids that name nothing the caller may see come back as unknown. */
export const batchLocationInputSchema = z
  .strictObject({ vehicleIds: z.array(z.string().max(100)).min(1).max(1000) })
  .meta({ id: 'BatchLocationInput' });
export const batchLocationSchema = z
  .object({ locations: z.array(vehicleLocationSchema), unknownVehicleIds: z.array(z.string()) })
  .meta({ id: 'BatchLocation' });
export type BatchLocation = z.infer<typeof batchLocationSchema>;

/** How long positions are kept, and where. */
export const trackRetention = {
  /** In the tenant's own object: read at once. */
  hotDays: 30,
  /** As Parquet, in ordinary storage: read at once, a little slower. Counted from the day itself. */
  coldDays: 365,
  /** As Parquet in an archive class: read after a restore. Counted from the day itself. */
  archiveYears: 8,
} as const;

/** One day of a tenant's tracks that has left the object at hand. */
export const trackDaySchema = z
  .object({
    /** UTC. */
    day: z.iso.date(),
    /** `archived` with a `restoredUntil`: it is being restored. */
    state: z.enum(['stored', 'archived', 'restored']),
    fixes: z.number().int().nonnegative(),
    bytes: z.number().int().nonnegative(),
    storedAt: timeSchema,
    archivedAt: timeSchema.nullable(),
    /** A restored day can be read until then. */
    restoredUntil: timeSchema.nullable(),
    /** When it will be deleted for good. */
    deleteAfter: timeSchema,
  })
  .meta({ id: 'TrackDay' });
export type TrackDay = z.infer<typeof trackDaySchema>;

/** `GET /track-days`: a page, oldest first, both ends included. */
export const trackDaysQuerySchema = z
  .strictObject({
    from: z.iso.date().optional(),
    to: z.iso.date().optional(),
    tenantId: idSchema.optional(),
    ...pageQueryShape,
  })
  .refine(({ from, to }) => from === undefined || to === undefined || from <= to, {
    message: 'must not be before from',
    path: ['to'],
  });
export type TrackDaysQuery = z.infer<typeof trackDaysQuerySchema>;

/** A restored day is readable for so long. */
export const restoredForDays = 7;
/** So many days may be restored with one request. */
export const maxRestoreDays = 366;

/** `POST /track-restores`: makes archived days readable for a week; both ends included. */
export const restoreTracksInputSchema = z
  .strictObject({ from: z.iso.date(), to: z.iso.date() })
  .refine(({ from, to }) => from <= to, { message: 'must not be before from', path: ['to'] })
  .refine(({ from, to }) => Date.parse(to) - Date.parse(from) < maxRestoreDays * 86_400_000, {
    message: `must lie less than ${maxRestoreDays} days after from`,
    path: ['to'],
  })
  .meta({ id: 'RestoreTracksInput' });
export type RestoreTracksInput = z.infer<typeof restoreTracksInputSchema>;
/** `days`: so many archived days of the range are readable until then, or will be within minutes. */
export const trackRestoreSchema = z
  .object({ days: z.number().int().nonnegative(), readableUntil: timeSchema.nullable() })
  .meta({ id: 'TrackRestore' });
