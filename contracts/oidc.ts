/** Sign-in through a tenant's own identity provider (OpenID Connect). */
import { z } from 'zod';
import { emailSchema } from './auth.ts';
import { idSchema, orNull, timeSchema, nameSchema } from './primitives.ts';
import { roleSchema } from './roles.ts';

export const oidcPresets = ['entra', 'oidc'] as const;

const domainSchema = z
  .string()
  .trim()
  .toLowerCase()
  .max(253)
  .regex(/^(?=.{4,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/, 'must be a domain name');

/** Addresses or CIDR blocks, IPv4 or IPv6. */
const ipAllowListSchema = z.array(z.string().trim().min(2).max(64)).min(1).max(100);

/**
 * A domain of a provider. Until it is proven to be the tenant's (a TXT record with `txtValue` at `txtName` or at the domain
 * itself), the sign-in page does not offer the provider to its people and nobody of it is let in.
 */
export const oidcDomainSchema = z
  .object({ domain: z.string(), verifiedAt: orNull(timeSchema), txtName: z.string(), txtValue: z.string() })
  .meta({ id: 'OidcDomain' });
export type OidcDomain = z.infer<typeof oidcDomainSchema>;

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
    /** The same, in the same order, each with its proof. */
    domains: z.array(oidcDomainSchema),
    defaultRole: orNull(roleSchema),
    /** Where back-channel logouts may come from; null is anywhere. */
    logoutIpAllowList: orNull(z.array(z.string())),
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
    name: nameSchema(80),
    preset: z.enum(oidcPresets).default('oidc'),
    /** Any OIDC issuer (preset "oidc"). */
    issuer: z.string().max(500).optional(),
    /** Microsoft Entra's directory (tenant) id (preset "entra"). */
    directoryId: z.uuid().optional(),
    clientId: nameSchema(200),
    clientSecret: z.string().min(1).max(500).optional(),
    allowedDomains: z.array(domainSchema).min(1).max(50),
    /** Role of people made on their first sign-in; null lets in only those who already have an account. */
    defaultRole: orNull(roleSchema).default(null),
    logoutIpAllowList: orNull(ipAllowListSchema).default(null),
    isActive: z.boolean().default(true),
  })
  .meta({ id: 'CreateOidcProviderInput' });
export type CreateOidcProviderInput = z.infer<typeof createOidcProviderInputSchema>;

export const updateOidcProviderInputSchema = z
  .strictObject({
    name: nameSchema(80).optional(),
    clientId: nameSchema(200).optional(),
    clientSecret: z.string().min(1).max(500).optional(),
    allowedDomains: z.array(domainSchema).min(1).max(50).optional(),
    defaultRole: orNull(roleSchema).optional(),
    logoutIpAllowList: orNull(ipAllowListSchema).optional(),
    isActive: z.boolean().optional(),
  })
  .meta({ id: 'UpdateOidcProviderInput' });

/** `approve` is the platform operator's word instead of a record. */
export const verifyOidcDomainInputSchema = z
  .strictObject({ approve: z.literal(true).optional() })
  .meta({ id: 'VerifyOidcDomainInput' });

/** Which providers serve an address: by its domain alone, so that nobody learns who has an account. */
export const oidcLookupInputSchema = z.strictObject({ email: emailSchema }).meta({ id: 'OidcLookupInput' });
export const oidcChoiceSchema = z
  .object({ id: idSchema, name: z.string(), preset: z.enum(oidcPresets), startUrl: z.string() })
  .meta({ id: 'OidcChoice' });
export type OidcChoice = z.infer<typeof oidcChoiceSchema>;
export type UpdateOidcProviderInput = z.infer<typeof updateOidcProviderInputSchema>;

/** What a test of a provider looks at, in this order; it stops at the first that fails. */
export const oidcTestSteps = ['address', 'discovery', 'issuer', 'keys', 'pkce'] as const;
export const oidcTestSchema = z
  .object({
    ok: z.boolean(),
    steps: z.array(z.object({ name: z.enum(oidcTestSteps), ok: z.boolean(), detail: z.string() })),
    error: z.object({ code: z.enum(oidcTestSteps), message: z.string() }).optional(),
  })
  .meta({ id: 'OidcTest' });
export type OidcTest = z.infer<typeof oidcTestSchema>;

/**
 * How a sign-in through a provider ended, as the dashboard's sign-in page reads it (`/sign-in?sso=…`); with `done` the
 * refresh cookie is set.
 */
export const ssoFailures = [
  /** The person turned back at the provider. */
  'cancelled',
  /** Took longer than ten minutes, was begun in another browser, or came back twice. */
  'expired',
  /** The provider's answer does not hold: state, issuer, signature, audience, nonce, times. */
  'refused',
  /** The provider knows them, but this organisation lets nobody with that address in. */
  'not_allowed',
  /** The account, the provider or the organisation is switched off. */
  'deactivated',
  'provider_unavailable',
  /** Something of ours; trying again is worth it. */
  'failed',
] as const;
export type SsoFailure = (typeof ssoFailures)[number];

/** Minutes between leaving for the provider and coming back. */
export const ssoMinutes = 10;
