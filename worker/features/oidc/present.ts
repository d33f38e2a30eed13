/** Row → contract: an allow-list; the client secret never leaves. */
import type { OidcProvider } from '#contracts/oidc';
import type { Config } from '../../env.ts';
import { presentDomains } from './domains.ts';
import type { OidcProviderRow } from './store.ts';

const addressOf = (publicUrl: string, id: string, end: string): string => `${publicUrl}/api/v1/auth/oidc/${id}/${end}`;

/** Where a browser begins a sign-in: on the public address, whose cookies come back with the provider's answer. */
export const startUrl = (publicUrl: string, id: string): string => addressOf(publicUrl, id, 'start');

/** Where the provider sends browsers back to; registered there. */
export const redirectUri = (publicUrl: string, id: string): string => addressOf(publicUrl, id, 'callback');

export const toOidcProvider = async (row: OidcProviderRow, config: Config): Promise<OidcProvider> => ({
  id: row.id,
  tenantId: row.tenantId,
  name: row.name,
  preset: row.preset,
  issuer: row.issuer,
  clientId: row.clientId,
  hasClientSecret: row.clientSecretSealed !== null,
  allowedDomains: row.allowedDomains,
  domains: await presentDomains(config, row),
  defaultRole: row.defaultRole,
  logoutIpAllowList: row.logoutIpAllowList,
  isActive: row.isActive,
  redirectUri: redirectUri(config.publicUrl, row.id),
  backchannelLogoutUri: addressOf(config.publicUrl, row.id, 'backchannel-logout'),
  createdAt: row.createdAt,
  updatedAt: row.updatedAt,
});
