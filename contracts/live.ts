/**
 * The whole live protocol, version 1: every message, the close codes, the limits. docs/live-protocol.md explains it.
 * A client that folds the snapshot and the deltas holds exactly what a fresh snapshot would give.
 */
import { z } from 'zod';
import { displayCommandSchema, displayLayoutSchema, heartbeatFieldsSchema } from './displays.ts';
import { alertSeveritySchema, alertStatusSchema, alertTypeSchema } from './alerts.ts';
import { idSchema, latitudeSchema, longitudeSchema, orNull, timeSchema } from './primitives.ts';
import { recommendedActionSchema, riskLevelSchema } from './risk.ts';
import { vehicleStatusSchema } from './vehicles.ts';

export const liveProtocolVersion = 1;
export const liveLimits = {
  /** One coalesced delta per socket and tick. */
  tickMs: 250,
  ticketSeconds: 30,
  helloWithinMs: 10_000,
  maxFrameBytes: 16 * 1024,
  maxFramesPerSecond: 20,
  snapshotPartVehicles: 500,
  /** Past this many unacknowledged ticks the server stops sending full rate. */
  ackWindowTicks: 10,
  /** A slow reader gets one merged delta at most this often… */
  slowReaderEveryMs: 5_000,
  /** …and never more than this many unacknowledged ones. */
  slowReaderWindow: 3,
  tooSlowAfterMs: 60_000,
  /** Of one packed frame: larger pictures come in parts. */
  maxPackedFrameBytes: 1024 * 1024,
  resumeWindowMs: 10 * 60_000,
  resumeWindowDeltas: 10_000,
} as const;

export const closeCode = {
  badFrame: 4400,
  unauthenticated: 4401,
  forbidden: 4403,
  noHello: 4408,
  protocolMismatch: 4409,
  sessionRevoked: 4410,
  displayUnpaired: 4411,
  frameTooLarge: 4413,
  tooManyFrames: 4429,
  tooSlow: 4430,
  restarting: 1012,
} as const;
export type CloseCode = (typeof closeCode)[keyof typeof closeCode];

const finalCloseCodes: readonly number[] = [
  closeCode.unauthenticated,
  closeCode.forbidden,
  closeCode.protocolMismatch,
  closeCode.sessionRevoked,
  closeCode.displayUnpaired,
];
/** False when trying again with the same identity cannot help. */
export const mayReconnect = (code: number): boolean => !finalCloseCodes.includes(code);

export const liveVehicleSchema = z
  .object({
    id: idSchema,
    tenantId: idSchema,
    unitNumber: z.string(),
    make: z.string().nullable(),
    model: z.string().nullable(),
    status: vehicleStatusSchema,
    lat: latitudeSchema.nullable(),
    lon: longitudeSchema.nullable(),
    heading: z.number().nullable(),
    speedMph: z.number().nullable(),
    at: timeSchema.nullable(),
    healthScore: z.number().nullable(),
    riskScore: z.number().nullable(),
    riskLevel: orNull(riskLevelSchema),
    recommendedAction: orNull(recommendedActionSchema),
    activeFaultCount: z.number().int(),
    openAlertCount: z.number().int(),
  })
  .meta({ id: 'LiveVehicle' });
export type LiveVehicle = z.infer<typeof liveVehicleSchema>;

export const liveAlertSchema = z
  .object({
    id: idSchema,
    tenantId: idSchema,
    vehicleId: idSchema.nullable(),
    type: alertTypeSchema,
    severity: alertSeveritySchema,
    status: alertStatusSchema,
    title: z.string(),
    openedAt: timeSchema,
    occurrenceCount: z.number().int(),
    dueAt: timeSchema.nullable(),
  })
  .meta({ id: 'LiveAlert' });
export type LiveAlert = z.infer<typeof liveAlertSchema>;

export const liveFilterSchema = z.strictObject({
  tenantIds: z.array(idSchema).max(500).optional(),
  groupId: idSchema.optional(),
  vehicleIds: z.array(idSchema).max(500).optional(),
  riskLevels: z.array(riskLevelSchema).max(4).optional(),
});
export type LiveFilter = z.infer<typeof liveFilterSchema>;

// — client → server ————————————————————————————————————————————————————————————
export const helloMessageSchema = z.object({
  type: z.literal('hello'),
  protocol: z.number().int(),
  resume: z.object({ epoch: z.string().max(100), seq: z.number().int().nonnegative() }).optional(),
  filter: liveFilterSchema.optional(),
  encoding: z.enum(['json', 'packed']).optional(),
});
export const ackMessageSchema = z.object({ type: z.literal('ack'), seq: z.number().int().nonnegative() });
export const filterMessageSchema = z.object({ type: z.literal('filter'), filter: liveFilterSchema });
/** A display's word that it lives, every 30 s; from anybody else it is ignored. */
export const heartbeatMessageSchema = z.object({ type: z.literal('heartbeat'), ...heartbeatFieldsSchema.shape });
export const clientMessageSchema = z.discriminatedUnion('type', [
  helloMessageSchema,
  ackMessageSchema,
  filterMessageSchema,
  heartbeatMessageSchema,
]);
export type ClientMessage = z.infer<typeof clientMessageSchema>;
export type HelloMessage = z.infer<typeof helloMessageSchema>;

// — server → client ————————————————————————————————————————————————————————————
export const welcomeMessageSchema = z.object({
  type: z.literal('welcome'),
  protocol: z.literal(liveProtocolVersion),
  epoch: z.string(),
  seq: z.number().int().nonnegative(),
  tickMs: z.number().int(),
  serverTime: timeSchema,
});
export const snapshotMessageSchema = z.object({
  type: z.literal('snapshot'),
  epoch: z.string(),
  seq: z.number().int().nonnegative(),
  part: z.number().int().positive(),
  parts: z.number().int().positive(),
  vehicles: z.array(liveVehicleSchema),
  /** Empty in all but the last part. */
  alerts: z.array(liveAlertSchema),
});
export const vehicleDeltaSchema = liveVehicleSchema.partial().required({ id: true });
export type VehicleDelta = z.infer<typeof vehicleDeltaSchema>;
export const deltaMessageSchema = z.object({
  type: z.literal('delta'),
  seq: z.number().int().nonnegative(),
  prev: z.number().int().nonnegative(),
  vehicles: z.array(vehicleDeltaSchema),
  removed: z.array(idSchema),
  alerts: z.array(liveAlertSchema),
  alertsClosed: z.array(idSchema),
});
export const noticeMessageSchema = z.object({
  type: z.literal('notice'),
  level: z.enum(['info', 'warning', 'error']),
  message: z.string(),
});
export const errorMessageSchema = z.object({ type: z.literal('error'), code: z.string(), message: z.string() });
/** To displays only. */
export const commandMessageSchema = z.object({
  type: z.literal('command'),
  id: idSchema,
  command: displayCommandSchema,
  args: z.object({ layout: displayLayoutSchema.optional() }).optional(),
});
export type CommandMessage = z.infer<typeof commandMessageSchema>;
export const serverMessageSchema = z.discriminatedUnion('type', [
  welcomeMessageSchema,
  snapshotMessageSchema,
  deltaMessageSchema,
  noticeMessageSchema,
  errorMessageSchema,
  commandMessageSchema,
]);
export type ServerMessage = z.infer<typeof serverMessageSchema>;
export type SnapshotMessage = z.infer<typeof snapshotMessageSchema>;
export type DeltaMessage = z.infer<typeof deltaMessageSchema>;

export const liveTicketSchema = z
  .object({ ticket: z.string(), expiresIn: z.literal(liveLimits.ticketSeconds), url: z.string() })
  .meta({ id: 'LiveTicket' });
export type LiveTicket = z.infer<typeof liveTicketSchema>;
