/** What gateways send. Rows are judged one by one: good rows are kept, bad rows are named. */
import { z } from 'zod';
import { fmiSchema, lampsSchema, sourceAddressSchema, spnSchema } from './faults.ts';
import { idSchema, inputTimeSchema, latitudeSchema, longitudeSchema, timeSchema } from './primitives.ts';
import { vinSchema } from './vehicles.ts';

export const maxTelemetryRows = 1000;
/** A reading dated further ahead than this comes from a broken clock. */
export const maxFutureMs = 10 * 60_000;
/** An older reading is part of history only: it says nothing of where a vehicle is now. */
export const liveForMs = 30 * 86_400_000;

/** One position row as a gateway sends it: a VIN or a vehicle id, a time, a place, and what else is known. */
export const positionInputSchema = z
  .object({
    vin: vinSchema.optional(),
    vehicleId: idSchema.optional(),
    at: inputTimeSchema,
    lat: latitudeSchema,
    lon: longitudeSchema,
    speedMph: z.number().min(0).max(200).nullish(),
    heading: z.number().min(0).max(360).nullish(),
    odometerMiles: z.number().min(0).max(10_000_000).nullish(),
    engineHours: z.number().min(0).max(1_000_000).nullish(),
    fuelPercent: z.number().min(0).max(100).nullish(),
    ignition: z.boolean().nullish(),
  })
  .refine((row) => row.vin !== undefined || row.vehicleId !== undefined, {
    message: 'or vehicleId is required',
    path: ['vin'],
  });
export type PositionInput = z.infer<typeof positionInputSchema>;

/** The envelope only: rows stay unknown so that one bad row does not refuse the batch. */
export const positionsInputSchema = z.strictObject({ positions: z.array(z.unknown()) }).meta({ id: 'PositionsInput' });

export const rejectionCodes = [
  'UNKNOWN_VEHICLE',
  'INVALID_POSITION',
  'INVALID_TIME',
  'IN_THE_FUTURE',
  'INVALID_FIELD',
] as const;
export const rejectionSchema = z.object({
  index: z.number().int().nonnegative(),
  code: z.enum(rejectionCodes),
  message: z.string(),
});
export type Rejection = z.infer<typeof rejectionSchema>;

export const ingestResultSchema = z
  .object({ accepted: z.number().int().nonnegative(), rejected: z.array(rejectionSchema) })
  .meta({ id: 'IngestResult' });
export type IngestResult = z.infer<typeof ingestResultSchema>;

/** One reading as it is kept: everything known of a vehicle at one instant, null where unknown. */
export const readingSchema = z.object({
  at: timeSchema,
  lat: latitudeSchema,
  lon: longitudeSchema,
  speedMph: z.number().nullable(),
  heading: z.number().nullable(),
  odometerMiles: z.number().nullable(),
  engineHours: z.number().nullable(),
  fuelPercent: z.number().nullable(),
  ignition: z.boolean().nullable(),
});
export type Reading = z.infer<typeof readingSchema>;

/** Signals with fixed units (the name's ending) and the range a working sensor can show. */
export const signalRanges = {
  coolantTempF: [-60, 350],
  oilTempF: [-60, 400],
  oilPressurePsi: [0, 200],
  defLevelPercent: [0, 100],
  dpfSootPercent: [0, 250],
  batteryVolts: [0, 40],
  engineLoadPercent: [0, 125],
  boostPsi: [-15, 100],
  fuelRateGph: [0, 100],
  ambientTempF: [-80, 160],
  engineRpm: [0, 4000],
} as const satisfies Record<string, readonly [min: number, max: number]>;
export type SignalName = keyof typeof signalRanges;
export const signalNames = Object.keys(signalRanges) as [SignalName, ...SignalName[]];

/** One reading of one signal. */
export const signalInputSchema = z
  .object({
    vin: vinSchema.optional(),
    vehicleId: idSchema.optional(),
    at: inputTimeSchema,
    name: z.enum(signalNames),
    value: z.number(),
  })
  .refine((row) => row.vin !== undefined || row.vehicleId !== undefined, {
    message: 'or vehicleId is required',
    path: ['vin'],
  })
  .refine((row) => row.value >= signalRanges[row.name][0] && row.value <= signalRanges[row.name][1], {
    message: 'is outside what such a sensor can show',
    path: ['value'],
  });
export type SignalInput = z.infer<typeof signalInputSchema>;

export const signalsInputSchema = z.strictObject({ signals: z.array(z.unknown()) }).meta({ id: 'SignalsInput' });

/** One fault as a gateway has decoded it; `active: false` says that its controller reports it no longer. */
export const faultInputSchema = z
  .object({
    vin: vinSchema.optional(),
    vehicleId: idSchema.optional(),
    at: inputTimeSchema,
    sourceAddress: sourceAddressSchema,
    spn: spnSchema,
    fmi: fmiSchema,
    occurrenceCount: z.number().int().min(0).max(1_000_000).nullish(),
    active: z.boolean().default(true),
    lamps: lampsSchema.nullish(),
  })
  .refine((row) => row.vin !== undefined || row.vehicleId !== undefined, {
    message: 'or vehicleId is required',
    path: ['vin'],
  });
export type FaultInput = z.infer<typeof faultInputSchema>;

export const faultsInputSchema = z.strictObject({ faults: z.array(z.unknown()) }).meta({ id: 'FaultsInput' });

/** A raw J1939 DM1 of one controller, reassembled: 2 lamp bytes, then 4 bytes a code. Up to the 1,785 bytes of a BAM. */
export const dm1InputSchema = z
  .strictObject({
    vin: vinSchema,
    at: inputTimeSchema,
    sourceAddress: sourceAddressSchema,
    data: z
      .string()
      .max(2 * 1785)
      .regex(/^([0-9a-fA-F]{2})+$/, 'must be hexadecimal, two digits a byte'),
  })
  .meta({ id: 'Dm1Input' });
export type Dm1Input = z.infer<typeof dm1InputSchema>;

// — WS /telemetry/stream ————————————————————————————————————————————————————————
export const streamLimits = {
  /** How long a ticket is good, in seconds. */
  ticketSeconds: 30,
  /** Of one frame, in bytes of text. */
  maxFrameBytes: 1024 * 1024,
  /** Batches of one socket that wait for their `accepted`; a further one is answered `busy`. */
  maxUnanswered: 32,
  /** Batches of one socket answered `busy` within a second; who sends on regardless is closed. */
  maxBusyPerSecond: 64,
} as const;

export const streamTicketSchema = z
  .object({ ticket: z.string(), expiresIn: z.literal(streamLimits.ticketSeconds), url: z.string() })
  .meta({ id: 'StreamTicket' });
export type StreamTicket = z.infer<typeof streamTicketSchema>;

/** Client → server, the only frame besides `ping`. More than `maxTelemetryRows` rows are too many, as in a POST. */
export const streamPositionsSchema = z.object({
  type: z.literal('positions'),
  /** The gateway's own number of the batch; comes back in the answer. */
  batch: z.number().int().nonnegative(),
  positions: z.array(z.unknown()),
});
/** Sent once the batch is durable. */
export const streamAcceptedSchema = z.object({
  type: z.literal('accepted'),
  batch: z.number().int().nonnegative(),
  accepted: z.number().int().nonnegative(),
  rejected: z.array(rejectionSchema),
});
/** Nothing of the batch was kept: send it again after the pause. */
export const streamBusySchema = z.object({
  type: z.literal('busy'),
  batch: z.number().int().nonnegative(),
  retryAfterSeconds: z.number().int().positive(),
});
export const streamServerMessageSchema = z.discriminatedUnion('type', [streamAcceptedSchema, streamBusySchema]);
export type StreamServerMessage = z.infer<typeof streamServerMessageSchema>;
