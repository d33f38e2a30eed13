/**
 * Proof that a domain is a tenant's: a TXT record that only whoever runs the domain can set. What it must say follows from
 * tenant and domain under a key of ours, so that nothing is stored for it and nobody else's record can serve.
 */
import type { OidcDomain } from '#contracts/oidc';
import { toBase64Url } from '../../encoding.ts';
import type { Config } from '../../env.ts';
import { lookUpTxt } from '../../outbound/dns.ts';
import { keyedDigest } from '../../secrets/keyed-hash.ts';

/** Where the record is looked for first; a record at the domain itself counts as well. */
const txtNameOf = (domain: string): string => `_truckiq.${domain}`;

const txtValueOf = async (config: Config, tenantId: string, domain: string): Promise<string> =>
  `truckiq-verification=${toBase64Url(await keyedDigest(config, 'oidc_domain', JSON.stringify([tenantId, domain])))}`;

/** A provider's domains in the order they were entered, each with its proof or the record that would be one. */
export const presentDomains = (
  config: Config,
  { tenantId, allowedDomains, proofs }: ProvenDomains & { tenantId: string },
): Promise<OidcDomain[]> =>
  Promise.all(
    allowedDomains.map(async (domain) => ({
      domain,
      verifiedAt: proofs[domain] ?? null,
      txtName: txtNameOf(domain),
      txtValue: await txtValueOf(config, tenantId, domain),
    })),
  );

export interface ProvenDomains {
  allowedDomains: readonly string[];
  /** When each domain that is proven was. */
  proofs: Readonly<Record<string, string>>;
}

/** Whose people may be let in. */
export const provenDomains = ({ allowedDomains, proofs }: ProvenDomains): string[] =>
  allowedDomains.filter((domain) => proofs[domain] !== undefined);

/** `unavailable` when nobody could say whether the record is there. */
export type DnsProof = 'proven' | 'missing' | 'unavailable';

/** Looks for the tenant's record at both names. */
export async function lookForProof(config: Config, tenantId: string, domain: string): Promise<DnsProof> {
  const terms = { apiUrl: config.dnsApiUrl, allowLocal: config.allowLocalTargets };
  const wanted = await txtValueOf(config, tenantId, domain);
  const answers = await Promise.all([txtNameOf(domain), domain].map((name) => lookUpTxt(name, terms)));
  if (answers.some((answer) => answer.kind === 'texts' && answer.texts.some((text) => text.trim() === wanted)))
    return 'proven';
  return answers.every(({ kind }) => kind === 'texts') ? 'missing' : 'unavailable';
}
