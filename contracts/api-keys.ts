/** Keys for machines: scoped, expiring, rotated with an overlap. The secret is shown once. */
import { z } from 'zod';
import { idSchema, inputTimeSchema, pageQueryShape, timeSchema, nameSchema } from './primitives.ts';
import { permissions, permissionSchema, type Permission } from './roles.ts';

export const apiKeyPrefix = 'tk_live_';
/** The prefix and 32 bytes in base64url: whatever looks otherwise was never issued. */
export const apiKeyPattern = /^tk_live_[A-Za-z0-9_-]{43}$/;
export const apiKeyDefaultDays = 90;
export const apiKeyMaxDays = 366;

/** People, settings, links and the platform are managed by people alone: no key may hold these. */
export const peopleOnlyPermissions: readonly Permission[] = [
  'users:manage',
  'settings:manage',
  'links:manage',
  'admin:manage',
];
/** What a key may be given. */
export const apiKeyScopes: readonly Permission[] = permissions.filter(
  (permission) => !peopleOnlyPermissions.includes(permission),
);

const scopesSchema = z
  .array(permissionSchema)
  .min(1)
  .max(100)
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
    name: nameSchema(120),
    scopes: scopesSchema,
    /** In the future, at most 366 days ahead; 90 days when left out. */
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

/** A super admin names the tenant; for everybody else it is their own. */
export const apiKeyQuerySchema = z.strictObject({ tenantId: idSchema.optional() });
export const apiKeyListQuerySchema = z.strictObject({ ...pageQueryShape, tenantId: idSchema.optional() });
