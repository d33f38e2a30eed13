/** Wall displays: screens of a shop that nobody signs in to. Pairing follows RFC 8628. */
import { z } from 'zod';
import { idSchema, nameSchema, orNull, pageQueryShape, timeSchema } from './primitives.ts';

export const displayTokenPrefix = 'dsp_';
/** 32 random bytes in base64url. */
export const displayTokenPattern = /^dsp_[A-Za-z0-9_-]{43}$/;

/** Letters and digits that nobody confuses on a screen across the room: no 0 O 1 I L. */
export const userCodeAlphabet = 'ABCDEFGHJKMNPQRSTUVWXYZ23456789';
/** `ABC-234`; as people type it: any case, with or without the dash. */
export const userCodeSchema = z
  .string()
  .max(20)
  .transform((text) => text.toUpperCase().replace(/[\s-]/g, ''))
  .pipe(z.string().regex(new RegExp(`^[${userCodeAlphabet}]{6}$`), 'is the code on the screen, like ABC-234'))
  .transform((text) => `${text.slice(0, 3)}-${text.slice(3)}`);

export const displayLimits = {
  deviceCodeSeconds: 900,
  pollEverySeconds: 5,
  heartbeatEverySeconds: 30,
  /** Younger than this is green, then amber until red; red raises an alert. */
  greenWithinSeconds: 60,
  redAfterSeconds: 150,
} as const;

export const displayLayouts = ['attention', 'map', 'alerts', 'inbound', 'rotate'] as const;
export const displayLayoutSchema = z.enum(displayLayouts);
export type DisplayLayout = z.infer<typeof displayLayoutSchema>;

export const deviceCodeSchema = z
  .object({
    deviceCode: z.string(),
    userCode: z.string(),
    verificationUri: z.string(),
    expiresIn: z.literal(displayLimits.deviceCodeSeconds),
    interval: z.literal(displayLimits.pollEverySeconds),
  })
  .meta({ id: 'DeviceCode' });
export type DeviceCode = z.infer<typeof deviceCodeSchema>;

export const displayTokenInputSchema = z
  .strictObject({ deviceCode: z.string().min(1).max(200) })
  .meta({ id: 'DisplayTokenInput' });

/** What a display knows of itself. */
export const ownDisplaySchema = z.object({
  id: idSchema,
  name: z.string(),
  layout: displayLayoutSchema,
  locationName: z.string(),
});
export type OwnDisplay = z.infer<typeof ownDisplaySchema>;

export const displayTokenSchema = z
  .object({ displayToken: z.string(), display: ownDisplaySchema })
  .meta({ id: 'DisplayToken' });
export type DisplayToken = z.infer<typeof displayTokenSchema>;

export const claimDisplayInputSchema = z
  .strictObject({
    userCode: userCodeSchema,
    name: nameSchema(80).optional(),
    locationName: nameSchema(120).optional(),
    layout: displayLayoutSchema.optional(),
    /** Nobody of ours: the screen is told ACCESS_DENIED. Then nothing but the code is needed. */
    deny: z.boolean().optional(),
  })
  .superRefine(({ deny, name, locationName, layout }, ctx) => {
    if (deny === true) return;
    for (const [field, value] of Object.entries({ name, locationName, layout })) {
      if (value === undefined) ctx.addIssue({ code: 'custom', path: [field], message: 'is required' });
    }
  })
  .meta({ id: 'ClaimDisplayInput' });
export type ClaimDisplayInput = z.infer<typeof claimDisplayInputSchema>;

/** The answer to a claim with `deny`. */
export const deniedDisplaySchema = z
  .object({ userCode: z.string(), isDenied: z.literal(true) })
  .meta({ id: 'DeniedDisplay' });

export const displayHealths = ['green', 'amber', 'red'] as const;
export type DisplayHealth = (typeof displayHealths)[number];

/** Health by the age of the last heartbeat; one that never sent any counts from its pairing. */
export function displayHealthAt(lastHeartbeatMs: number, nowMs: number): DisplayHealth {
  const ageSeconds = (nowMs - lastHeartbeatMs) / 1_000;
  if (ageSeconds < displayLimits.greenWithinSeconds) return 'green';
  return ageSeconds < displayLimits.redAfterSeconds ? 'amber' : 'red';
}

/** What a display says of itself every 30 s. */
export const heartbeatFieldsSchema = z.object({
  build: z.string().max(100),
  uptimeSeconds: z.number().min(0).max(1e9),
  viewport: z.union([
    z.string().max(40),
    z.object({ width: z.number().min(0).max(100_000), height: z.number().min(0).max(100_000) }),
  ]),
  lastError: z.string().max(500).nullish(),
});
export type HeartbeatFields = z.infer<typeof heartbeatFieldsSchema>;

export const displaySchema = z
  .object({
    ...ownDisplaySchema.shape,
    tenantId: idSchema,
    health: z.enum(displayHealths),
    isConnected: z.boolean(),
    /** Put to sleep by a command, until a `wake`. */
    isAsleep: z.boolean(),
    lastHeartbeatAt: timeSchema.nullable(),
    build: z.string().nullable(),
    uptimeSeconds: z.number().nullable(),
    /** `1920×1080`. */
    viewport: z.string().nullable(),
    lastError: z.string().nullable(),
    createdBy: idSchema.nullable(),
    createdAt: timeSchema,
    updatedAt: timeSchema,
  })
  .meta({ id: 'Display' });
export type Display = z.infer<typeof displaySchema>;

export const displayListQuerySchema = z.strictObject({ tenantId: idSchema.optional(), ...pageQueryShape });

export const updateDisplayInputSchema = z
  .strictObject({ name: nameSchema(80), locationName: nameSchema(120), layout: displayLayoutSchema })
  .partial()
  .meta({ id: 'UpdateDisplayInput' });
export type UpdateDisplayInput = z.infer<typeof updateDisplayInputSchema>;

export const displayCommands = ['reload', 'identify', 'layout', 'sleep', 'wake'] as const;
export const displayCommandSchema = z.enum(displayCommands);
export type DisplayCommand = z.infer<typeof displayCommandSchema>;

/** `layout` changes the layout for good to `args.layout`; without it the display is told again which one it has. */
export const displayCommandInputSchema = z
  .strictObject({
    command: displayCommandSchema,
    args: z.strictObject({ layout: displayLayoutSchema.optional() }).optional(),
  })
  .meta({ id: 'DisplayCommandInput' });
export type DisplayCommandInput = z.infer<typeof displayCommandInputSchema>;

/** `isDelivered`: a socket of the display took it. Otherwise the display asks for what it must know when it comes back. */
export const sentCommandSchema = z.object({ id: idSchema, isDelivered: z.boolean() }).meta({ id: 'SentCommand' });
export type SentCommand = z.infer<typeof sentCommandSchema>;

/** `GET /displays/me`: what a board needs besides the live picture. No phone numbers, prices, full VINs, driver names. */
export const ownBoardSchema = z
  .object({
    display: z.object({ ...ownDisplaySchema.shape, isAsleep: z.boolean() }),
    tenant: z.object({ id: idSchema, name: z.string(), timeZone: z.string(), units: z.enum(['us', 'metric']) }),
    /** Customers whose trucks are shown too. */
    linkedTenants: z.array(z.object({ id: idSchema, name: z.string() })),
    /** The strongest reason of the latest prediction, by vehicle, of the trucks at the highest risk. */
    reasons: z.record(idSchema, z.string()),
    /** Trucks on their way to this shop: known repair orders or a geofence of its site; empty until there are any. */
    inbound: z.array(z.object({ vehicleId: idSchema, since: timeSchema, what: orNull(z.string()) })),
  })
  .meta({ id: 'OwnBoard' });
export type OwnBoard = z.infer<typeof ownBoardSchema>;
