/**
 * What an identity provider's answer means for us: which address it vouches for, and who that is here. Pure; every way to
 * be refused has a name, which the audit log keeps.
 */
import { z } from 'zod';
import type { SsoFailure } from '#contracts/oidc';
import { personNameSchema } from '#contracts/primitives';
import { firstLacking, permissionsOf, rolesIn, type Permission, type Role } from '#contracts/roles';

/** Where the dashboard may be sent after a sign-in: a path of ours, never another site. */
const maxNextLength = 500;
export function safeNext(text: string): string | null {
  const isPath = text.length <= maxNextLength && /^\/(?![/\\])[\x21-\x7e]*$/.test(text) && !text.includes('\\');
  if (!isPath) return null;
  try {
    // Browsers fold dots and odd slashes: what counts is where they would end up.
    const base = 'https://ours.example';
    const url = new URL(text, base);
    return url.origin === base && !url.pathname.startsWith('//') ? text : null;
  } catch {
    return null;
  }
}

/** Microsoft Entra's issuer of one directory: the only issuer whose tokens speak for it. */
export const entraIssuer = (directoryId: string): string =>
  `https://login.microsoftonline.com/${directoryId.toLowerCase()}/v2.0`;

const directoryOf = (issuer: string): string | null =>
  /^https:\/\/login\.microsoftonline\.com\/([0-9a-f-]{36})\/v2\.0\/?$/.exec(issuer)?.[1] ?? null;

export interface ProviderTerms {
  preset: 'entra' | 'oidc';
  issuer: string;
  /** Domains that are proven to be the tenant's. */
  provenDomains: readonly string[];
}

/** What of an ID token (or of the UserInfo answer) is looked at; everything else is left alone. */
export type Claims = Readonly<Record<string, unknown>>;

export interface VouchedPerson {
  /** The provider's `sub`. */
  subject: string;
  /** Lower case, in a proven domain, vouched for by the provider. */
  email: string;
  name: string;
}

export type ClaimRefusal =
  'no_subject' | 'no_email' | 'email_not_verified' | 'domain_not_allowed' | 'another_directory' | 'guest_of_directory';

const addressSchema = z
  .string()
  .max(254)
  .pipe(z.email())
  .transform((email) => email.toLowerCase());

const addressIn = (value: unknown): string | null => addressSchema.safeParse(value).data ?? null;
const domainOf = (email: string): string => email.slice(email.lastIndexOf('@') + 1);

/** A name to show: the provider's if it is one line of text, else what stands before the @. */
const nameIn = (claims: Claims, email: string): string =>
  personNameSchema.safeParse(claims['name']).data ?? email.slice(0, email.lastIndexOf('@')).slice(0, 120);

/**
 * Entra sends no `email_verified`, and its `email` is free text that any administrator of any directory can set. What
 * makes an address trustworthy is the directory: its own administrators (the customer's) give them out. Hence the token
 * must come from exactly the configured directory (`tid`), and not be a guest's, whose address another directory wrote
 * (`idp` names it, `acct` is 1). The sign-in name goes first: its domain is one that the directory has proven to own.
 */
function entraAddress(terms: ProviderTerms, claims: Claims): { email: string } | { refusal: ClaimRefusal } {
  const directoryId = directoryOf(terms.issuer);
  if (directoryId === null || claims['tid'] !== directoryId) return { refusal: 'another_directory' };
  const { idp, acct } = claims;
  const isGuest =
    (idp !== undefined && !(typeof idp === 'string' && idp.includes(directoryId))) || String(acct) === '1';
  if (isGuest) return { refusal: 'guest_of_directory' };
  const addresses = [claims['preferred_username'], claims['email']].flatMap((value) => addressIn(value) ?? []);
  const [first] = addresses;
  if (first === undefined) return { refusal: 'no_email' };
  return { email: addresses.find((address) => terms.provenDomains.includes(domainOf(address))) ?? first };
}

function verifiedAddress(claims: Claims): { email: string } | { refusal: ClaimRefusal } {
  const email = addressIn(claims['email']);
  if (email === null) return { refusal: 'no_email' };
  return claims['email_verified'] === true ? { email } : { refusal: 'email_not_verified' };
}

/** Whom the provider vouches for, or why its word is not enough. Asked at every sign-in, also of people already known. */
export function judgeClaims(
  terms: ProviderTerms,
  claims: Claims,
): { ok: true; person: VouchedPerson } | { ok: false; refusal: ClaimRefusal } {
  const subject = claims['sub'];
  if (typeof subject !== 'string' || subject === '' || subject.length > 255)
    return { ok: false, refusal: 'no_subject' };
  const address = terms.preset === 'entra' ? entraAddress(terms, claims) : verifiedAddress(claims);
  if ('refusal' in address) return { ok: false, refusal: address.refusal };
  const { email } = address;
  if (!terms.provenDomains.includes(domainOf(email))) return { ok: false, refusal: 'domain_not_allowed' };
  return { ok: true, person: { subject, email, name: nameIn(claims, email) } };
}

/** A person of ours, as far as a decision needs it. */
export interface KnownPerson {
  id: string;
  tenantId: string | null;
  isDeactivated: boolean;
  deletedAt: string | null;
}

export interface Situation {
  tenantId: string;
  isProviderActive: boolean;
  isTenantActive: boolean;
  defaultRole: Role | null;
  /** Whom this provider's `sub` signed in as before, deleted people too. */
  bySubject: KnownPerson | null;
  /** Who has the address today, in whatever tenant. */
  byEmail: KnownPerson | null;
  /** Somebody with this address was deleted from this tenant. */
  wasDeleted: boolean;
  invitation: { id: string; role: Role } | null;
}

export type PersonRefusal = 'switched_off' | 'suspended' | 'deleted' | 'another_tenant' | 'no_account';

export type PersonDecision =
  | { kind: 'sign_in'; userId: string; isNewIdentity: boolean }
  | { kind: 'create'; role: Role }
  | { kind: 'refuse'; reason: SsoFailure; why: PersonRefusal };

const refuse = (reason: SsoFailure, why: PersonRefusal): PersonDecision => ({ kind: 'refuse', reason, why });

function welcome(person: KnownPerson, tenantId: string, isNewIdentity: boolean): PersonDecision {
  // An address or an identity of elsewhere never opens a door here, and says nothing about where it belongs.
  if (person.tenantId !== tenantId) return refuse('not_allowed', 'another_tenant');
  if (person.isDeactivated) return refuse('deactivated', 'suspended');
  return { kind: 'sign_in', userId: person.id, isNewIdentity };
}

/**
 * Who a vouched-for person is here: whom the provider's `sub` was before; else who has the address in the provider's own
 * tenant; else somebody new, with the role they were invited to or the provider's default. A deleted person does not come
 * back by signing in: somebody has to invite or enter them again.
 */
export function decidePerson(situation: Situation): PersonDecision {
  const { tenantId, bySubject, byEmail, wasDeleted, invitation, defaultRole } = situation;
  if (!situation.isProviderActive || !situation.isTenantActive) return refuse('deactivated', 'switched_off');
  if (bySubject !== null && bySubject.deletedAt === null) return welcome(bySubject, tenantId, false);
  if (byEmail !== null) return welcome(byEmail, tenantId, true);
  if (invitation !== null) return { kind: 'create', role: invitation.role };
  if (bySubject !== null || wasDeleted) return refuse('not_allowed', 'deleted');
  return defaultRole === null ? refuse('not_allowed', 'no_account') : { kind: 'create', role: defaultRole };
}

/** Why a provider may not give this role to newcomers: null when it may. Nobody hands out more than they hold. */
export function refuseDefaultRole(
  role: Role | null | undefined,
  tenantKind: 'dealer' | 'fleet',
  held: readonly Permission[],
): { kind: 'not_here' } | { kind: 'more_than_held'; missing: Permission } | null {
  if (role === null || role === undefined) return null;
  if (!rolesIn(tenantKind).includes(role)) return { kind: 'not_here' };
  const missing = firstLacking(held, permissionsOf[role]);
  return missing === null ? null : { kind: 'more_than_held', missing };
}
