/** Keys for machines: scoped, expiring, rotated with an overlap. The secret is shown once. */
import { z } from 'zod';
import { idSchema, inputTimeSchema, timeSchema } from './primitives.ts';
import { permissionSchema } from './roles.ts';

export const apiKeyPrefix = 'tk_live_';
export const apiKeyDefaultDays = 90;
export const apiKeyMaxDays = 366;

const scopesSchema = z
  .array(permissionSchema)
  .min(1)
  .transform((scopes) => [...new Set(scopes)]);

export const apiKeySchema = z
  .object({
    id: idSchema,
    tenantId: idSchema,
    name: z.string(),
    scopes: z.array(permissionSchema),
    /** The last characters of the newest secret. */
    hint: z.string(),
    ipAllowList: z.array(z.string()).nullable(),
    requestsPerMinute: z.number().int().nullable(),
    createdBy: idSchema,
    createdAt: timeSchema,
    expiresAt: timeSchema,
    /** While a rotation overlaps: when the older secret ends. */
    previousExpiresAt: timeSchema.nullable(),
    lastUsedAt: timeSchema.nullable(),
    lastUsedIp: z.string().nullable(),
  })
  .meta({ id: 'ApiKey' });
export type ApiKey = z.infer<typeof apiKeySchema>;

/** The only answers that hold the key itself. */
export const issuedApiKeySchema = apiKeySchema.extend({ key: z.string() }).meta({ id: 'IssuedApiKey' });
export type IssuedApiKey = z.infer<typeof issuedApiKeySchema>;

export const createApiKeyInputSchema = z
  .strictObject({
    name: z.string().trim().min(1).max(120),
    scopes: scopesSchema,
    expiresAt: inputTimeSchema.optional(),
    /** Addresses or CIDR blocks, IPv4 and IPv6. */
    ipAllowList: z.array(z.string().trim().min(2).max(64)).min(1).max(100).optional(),
    requestsPerMinute: z.number().int().min(1).max(1_000_000).optional(),
  })
  .meta({ id: 'CreateApiKeyInput' });
export type CreateApiKeyInput = z.infer<typeof createApiKeyInputSchema>;

export const rotateApiKeyInputSchema = z
  .strictObject({
    /** How long the old secret goes on working. */
    overlapHours: z.number().min(0).max(168).default(24),
  })
  .meta({ id: 'RotateApiKeyInput' });
