/**
 * What really happened to a vehicle in a shop or beside the road: the ground truth of every prediction. A repair or a
 * breakdown ends a lifetime; preventive work censors it; an inspection changes nothing.
 */
import { z } from 'zod';
import { fmiSchema, spnSchema, vehicleSystemSchema } from './faults.ts';
import { idSchema, inputTimeSchema, nameSchema, orNull, pageQueryShape, timeSchema } from './primitives.ts';

export const serviceEventKinds = ['repair', 'breakdown', 'preventive', 'inspection'] as const;
export const serviceEventKindSchema = z.enum(serviceEventKinds).meta({ id: 'ServiceEventKind' });
export type ServiceEventKind = z.infer<typeof serviceEventKindSchema>;

/** Who said so: a person or machine through the API, a CSV file, a case read from the portal. */
export const serviceEventSources = ['api', 'import', 'portal'] as const;
export const serviceEventSourceSchema = z.enum(serviceEventSources);
export type ServiceEventSource = z.infer<typeof serviceEventSourceSchema>;

export const serviceEventSchema = z
  .object({
    id: idSchema,
    vehicleId: idSchema,
    at: timeSchema,
    kind: serviceEventKindSchema,
    system: orNull(vehicleSystemSchema),
    spn: spnSchema.nullable(),
    fmi: fmiSchema.nullable(),
    description: z.string(),
    odometerMiles: z.number().nullable(),
    source: serviceEventSourceSchema,
    /** The case or order number of where it came from. */
    externalId: z.string().nullable(),
    createdAt: timeSchema,
  })
  .meta({ id: 'ServiceEvent' });
export type ServiceEvent = z.infer<typeof serviceEventSchema>;

/** Nobody has records of a truck from before this; a date beyond is a misread one. */
export const earliestServiceAt = '1980-01-01T00:00:00.000Z';

const serviceEventFields = {
  at: inputTimeSchema,
  kind: serviceEventKindSchema,
  system: orNull(vehicleSystemSchema).optional(),
  spn: spnSchema.nullish(),
  fmi: fmiSchema.nullish(),
  description: nameSchema(500),
  odometerMiles: z.number().min(0).max(10_000_000).nullish(),
};

export const createServiceEventInputSchema = z
  .strictObject({ ...serviceEventFields, externalId: nameSchema(100).nullish() })
  .meta({ id: 'CreateServiceEventInput' });
export type CreateServiceEventInput = z.infer<typeof createServiceEventInputSchema>;

export const serviceEventListQuerySchema = z.strictObject({
  kind: serviceEventKindSchema.optional(),
  ...pageQueryShape,
});
export type ServiceEventListQuery = z.infer<typeof serviceEventListQuerySchema>;

/** Rows of a CSV at most; larger histories come in several files. */
export const maxImportRows = 5000;

export const importRejectionCodes = ['UNKNOWN_VEHICLE', 'INVALID_TIME', 'IN_THE_FUTURE', 'INVALID_FIELD'] as const;

/** `POST /service-events/import`: good rows are kept, bad rows are named by their line in the file. */
export const serviceImportResultSchema = z
  .object({
    created: z.number().int().nonnegative(),
    /** Rows that were known already. */
    unchanged: z.number().int().nonnegative(),
    rejected: z.array(
      z.object({ line: z.number().int().positive(), code: z.enum(importRejectionCodes), message: z.string() }),
    ),
  })
  .meta({ id: 'ServiceImportResult' });
export type ServiceImportResult = z.infer<typeof serviceImportResultSchema>;
