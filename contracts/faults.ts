/**
 * Faults as the vehicle reports them: SPN (what), FMI (how), source address (which controller).
 * Identity of a fault: tenant + vehicle + source address + SPN + FMI.
 */
import { z } from 'zod';
import { idSchema, orNull, timeSchema } from './primitives.ts';

export const vehicleSystems = [
  'engine',
  'aftertreatment',
  'fuel',
  'cooling',
  'air_intake',
  'electrical',
  'brakes',
  'transmission',
  'drivetrain',
  'steering',
  'cab',
  'hvac',
  'body',
  'network',
  'other',
] as const;
export const vehicleSystemSchema = z.enum(vehicleSystems).meta({ id: 'VehicleSystem' });
export type VehicleSystem = z.infer<typeof vehicleSystemSchema>;

export const faultSeverities = ['critical', 'major', 'minor', 'info', 'unknown'] as const;
export const faultSeveritySchema = z.enum(faultSeverities).meta({ id: 'FaultSeverity' });
export type FaultSeverity = z.infer<typeof faultSeveritySchema>;

/** 19-bit suspect parameter number. */
export const spnSchema = z.number().int().min(0).max(524_287);
/** 5-bit failure mode identifier. */
export const fmiSchema = z.number().int().min(0).max(31);
/** J1939 source address of the reporting controller; 0 = engine. */
export const sourceAddressSchema = z.number().int().min(0).max(255);

/** Lamps as a message of one source address commanded them (on or not). */
export const lampsSchema = z
  .object({
    malfunction: z.boolean(),
    redStop: z.boolean(),
    amberWarning: z.boolean(),
    protect: z.boolean(),
  })
  .meta({ id: 'Lamps' });
export type Lamps = z.infer<typeof lampsSchema>;

export const faultSchema = z
  .object({
    id: idSchema,
    spn: spnSchema,
    fmi: fmiSchema,
    sourceAddress: sourceAddressSchema,
    description: z.string(),
    system: vehicleSystemSchema,
    severity: faultSeveritySchema,
    isActive: z.boolean(),
    firstSeenAt: timeSchema,
    lastSeenAt: timeSchema,
    clearedAt: timeSchema.nullable(),
    occurrenceCount: z.number().int().nonnegative(),
    lamps: orNull(lampsSchema),
  })
  .meta({ id: 'Fault' });
export type Fault = z.infer<typeof faultSchema>;
