/** Vehicles: what they are, where they are, how they are. Miles, mph, hours, percent, UTC. */
import { z } from 'zod';
import { faultSchema } from './faults.ts';
import { idSchema, latitudeSchema, longitudeSchema, orNull, pageQueryShape, timeSchema } from './primitives.ts';
import { recommendedActionSchema, riskLevelSchema } from './risk.ts';

export const vehicleStatuses = ['moving', 'idle', 'stopped', 'stale', 'offline'] as const;
export const vehicleStatusSchema = z.enum(vehicleStatuses).meta({ id: 'VehicleStatus' });
export type VehicleStatus = z.infer<typeof vehicleStatusSchema>;

export const vinPattern = /^[A-HJ-NPR-Z0-9]{17}$/;
/** 17 characters without I, O, Q; lower case is folded. The check digit is not judged here: fleets have wrong ones. */
export const vinSchema = z
  .string()
  .transform((text) => text.toUpperCase())
  .pipe(z.string().regex(vinPattern, 'must be 17 characters, digits and letters without I, O, Q'));

export const lastPositionSchema = z.object({
  lat: latitudeSchema,
  lon: longitudeSchema,
  at: timeSchema,
  speedMph: z.number().nullable(),
  heading: z.number().nullable(),
});
export type LastPosition = z.infer<typeof lastPositionSchema>;

export const vehicleSchema = z
  .object({
    id: idSchema,
    tenantId: idSchema,
    vin: z.string().length(17),
    unitNumber: z.string(),
    year: z.number().int().nullable(),
    make: z.string().nullable(),
    model: z.string().nullable(),
    engineMake: z.string().nullable(),
    engineModel: z.string().nullable(),
    /** Miles. */
    currentOdometer: z.number().nullable(),
    engineHours: z.number().nullable(),
    status: vehicleStatusSchema,
    healthScore: z.number().min(0).max(100).nullable(),
    riskScore: z.number().min(0).max(100).nullable(),
    riskLevel: orNull(riskLevelSchema),
    recommendedAction: orNull(recommendedActionSchema),
    activeFaultCount: z.number().int().nonnegative(),
    lastPosition: lastPositionSchema.nullable(),
    assignedDriverId: idSchema.nullable(),
    lastSyncAt: timeSchema.nullable(),
    updatedAt: timeSchema,
  })
  .meta({ id: 'Vehicle' });
export type Vehicle = z.infer<typeof vehicleSchema>;

export const vehicleSortFields = [
  'riskScore',
  'healthScore',
  'unitNumber',
  'activeFaultCount',
  'currentOdometer',
  'lastSyncAt',
  'updatedAt',
] as const;
export type VehicleSortField = (typeof vehicleSortFields)[number];

const ascendingOrDescending = <const F extends readonly string[]>(fields: F) =>
  z.enum(
    fields.flatMap((field) => [field, `-${field}`]) as [
      F[number] | `-${F[number]}`,
      ...(F[number] | `-${F[number]}`)[],
    ],
  );

export const vehicleListQuerySchema = z.strictObject({
  q: z
    .string()
    .trim()
    .max(100)
    .regex(/^\P{Cc}*$/u, 'must not hold control characters')
    .optional(),
  riskLevel: riskLevelSchema.optional(),
  status: vehicleStatusSchema.optional(),
  tenantId: idSchema.optional(),
  sort: ascendingOrDescending(vehicleSortFields).default('-riskScore'),
  ...pageQueryShape,
});
export type VehicleListQuery = z.infer<typeof vehicleListQuerySchema>;

export const vehicleFaultsQuerySchema = z.strictObject({
  active: z.enum(['true', 'false']).optional(),
  ...pageQueryShape,
});
export type VehicleFaultsQuery = z.infer<typeof vehicleFaultsQuerySchema>;

export const vehiclePredictionsQuerySchema = z.strictObject({ ...pageQueryShape });

/** `GET /exports/fleet`: everything of a tenant in one document. */
export const fleetExportSchema = z
  .object({
    exportedAt: timeSchema,
    vehicleCount: z.number().int().nonnegative(),
    vehicles: z.array(vehicleSchema.extend({ faults: z.array(faultSchema) })),
  })
  .meta({ id: 'FleetExport' });
export type FleetExport = z.infer<typeof fleetExportSchema>;
