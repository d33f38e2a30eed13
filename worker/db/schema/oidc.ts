/** Identity providers of tenants, and whom each of them knows a person as. */
import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import { oidcPresets } from '#contracts/oidc';
import { roles } from '#contracts/roles';
import { id, time } from './columns.ts';
import { tenants } from './tenants.ts';
import { users } from './users.ts';

export const oidcProviders = sqliteTable(
  'oidc_providers',
  {
    id: id(),
    tenantId: text()
      .notNull()
      .references(() => tenants.id),
    name: text().notNull(),
    preset: text({ enum: oidcPresets }).notNull(),
    issuer: text().notNull(),
    clientId: text().notNull(),
    clientSecretSealed: text(),
    /** Lower-case e-mail domains whose people may be let in, and be made on first sign-in. */
    allowedDomains: text({ mode: 'json' }).$type<string[]>().notNull(),
    /** Role of a person made on first sign-in; null makes nobody. */
    defaultRole: text({ enum: roles }),
    /** Addresses and CIDR blocks that may announce a logout; null is anywhere. */
    logoutIpAllowList: text({ mode: 'json' }).$type<string[]>(),
    isActive: integer({ mode: 'boolean' }).notNull().default(true),
    createdAt: time().notNull(),
    updatedAt: time().notNull(),
  },
  (table) => [index('oidc_providers_tenant').on(table.tenantId)],
);

/**
 * `allowedDomains` the other way round: which providers serve an address, found by an index. A domain counts once it is
 * proven to be the tenant's; what is proven holds for all providers of the tenant that name the domain.
 */
export const oidcProviderDomains = sqliteTable(
  'oidc_provider_domains',
  {
    domain: text().notNull(),
    providerId: text()
      .notNull()
      .references(() => oidcProviders.id, { onDelete: 'cascade' }),
    /** null until it is proven. */
    verifiedAt: time(),
  },
  (table) => [
    primaryKey({ columns: [table.domain, table.providerId] }),
    index('oidc_provider_domains_provider').on(table.providerId),
  ],
);

export const userIdentities = sqliteTable(
  'user_identities',
  {
    id: id(),
    userId: text()
      .notNull()
      .references(() => users.id),
    providerId: text()
      .notNull()
      .references(() => oidcProviders.id, { onDelete: 'cascade' }),
    /** The provider's `sub`. */
    subject: text().notNull(),
    createdAt: time().notNull(),
  },
  (table) => [
    uniqueIndex('user_identities_subject').on(table.providerId, table.subject),
    index('user_identities_user').on(table.userId),
  ],
);
