/** Sign-in through a tenant's own identity provider (OpenID Connect). */
import { z } from 'zod';
import { emailSchema } from './auth.ts';
import { idSchema, orNull, timeSchema } from './primitives.ts';
import { roleSchema } from './roles.ts';

export const oidcPresets = ['entra', 'oidc'] as const;

const domainSchema = z
  .string()
  .trim()
  .toLowerCase()
  .max(253)
  .regex(/^(?=.{4,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/, 'must be a domain name');

export const oidcProviderSchema = z
  .object({
    id: idSchema,
    tenantId: idSchema,
    name: z.string(),
    preset: z.enum(oidcPresets),
    issuer: z.string(),
    clientId: z.string(),
    hasClientSecret: z.boolean(),
    allowedDomains: z.array(z.string()),
    defaultRole: orNull(roleSchema),
    isActive: z.boolean(),
    /** To be registered at the provider. */
    redirectUri: z.string(),
    backchannelLogoutUri: z.string(),
    createdAt: timeSchema,
    updatedAt: timeSchema,
  })
  .meta({ id: 'OidcProvider' });
export type OidcProvider = z.infer<typeof oidcProviderSchema>;

export const createOidcProviderInputSchema = z
  .strictObject({
    name: z.string().trim().min(1).max(80),
    preset: z.enum(oidcPresets).default('oidc'),
    /** Any OIDC issuer (preset "oidc"). */
    issuer: z.string().max(500).optional(),
    /** Microsoft Entra's directory (tenant) id (preset "entra"). */
    directoryId: z.uuid().optional(),
    clientId: z.string().trim().min(1).max(200),
    clientSecret: z.string().min(1).max(500).optional(),
    allowedDomains: z.array(domainSchema).min(1).max(50),
    /** Role of people made on their first sign-in; null lets in only those who already have an account. */
    defaultRole: roleSchema.nullable().default(null),
    isActive: z.boolean().default(true),
  })
  .meta({ id: 'CreateOidcProviderInput' });
export type CreateOidcProviderInput = z.infer<typeof createOidcProviderInputSchema>;

export const updateOidcProviderInputSchema = z
  .strictObject({
    name: z.string().trim().min(1).max(80).optional(),
    clientId: z.string().trim().min(1).max(200).optional(),
    clientSecret: z.string().min(1).max(500).optional(),
    allowedDomains: z.array(domainSchema).min(1).max(50).optional(),
    defaultRole: roleSchema.nullable().optional(),
    isActive: z.boolean().optional(),
  })
  .meta({ id: 'UpdateOidcProviderInput' });

/** Which providers serve an address: by its domain alone, so that nobody learns who has an account. */
export const oidcLookupInputSchema = z.strictObject({ email: emailSchema }).meta({ id: 'OidcLookupInput' });
export const oidcChoiceSchema = z
  .object({ id: idSchema, name: z.string(), preset: z.enum(oidcPresets), startUrl: z.string() })
  .meta({ id: 'OidcChoice' });
