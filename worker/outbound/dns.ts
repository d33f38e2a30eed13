/** TXT records, asked over HTTPS in JSON (https://developers.cloudflare.com/1.1.1.1/encryption/dns-over-https/make-api-requests/dns-json/). */
import { z } from 'zod';
import { fetchBounded, OutboundFailure } from './bounded-fetch.ts';

export interface DnsTerms {
  /** The resolver's address, without a query. */
  apiUrl: string;
  /** Development: the resolver may be on this machine. */
  allowLocal: boolean;
  timeoutMs?: number;
}

/** The texts of the records that stand at exactly this name (none is an answer too), or that nobody could say. */
export type TxtAnswer = { kind: 'texts'; texts: string[] } | { kind: 'unavailable' };

const defaultTimeoutMs = 5_000;
const maxBytes = 64 * 1024;
const maxNameLength = 253;

/** Response codes (RFC 1035, 4.1.1) and record type of the IANA registry. */
const noError = 0;
const noSuchName = 3;
const txtType = 16;

const answerSchema = z.object({
  Status: z.number().int(),
  Answer: z.array(z.object({ name: z.string(), type: z.number(), data: z.string() })).optional(),
});

const plainName = (name: string): string => name.toLowerCase().replace(/\.$/, '');

/**
 * The text of a TXT record as resolvers write it: one or several strings in quotes, which make one text together (RFC 7208,
 * 3.3), or, as some do, the bare text. null for anything else.
 */
function textIn(data: string): string | null {
  if (!data.startsWith('"')) return data;
  if (!/^"(?:[^"\\]|\\.)*"(?:\s*"(?:[^"\\]|\\.)*")*$/s.test(data)) return null;
  const strings = data.match(/"(?:[^"\\]|\\.)*"/gs) ?? [];
  return strings.map((string) => string.slice(1, -1).replace(/\\(.)/gs, '$1')).join('');
}

/**
 * Asks for the TXT records of a name. Records that an alias (CNAME) leads to are not of this name and do not count: a
 * wildcard alias to somebody's service must not let that service speak for the domain.
 */
export async function lookUpTxt(name: string, terms: DnsTerms): Promise<TxtAnswer> {
  // No such name can exist.
  if (name.length > maxNameLength) return { kind: 'texts', texts: [] };
  const url = new URL(terms.apiUrl);
  url.searchParams.set('name', name);
  url.searchParams.set('type', 'TXT');
  const { allowLocal, timeoutMs = defaultTimeoutMs } = terms;
  let read: unknown;
  try {
    const headers = { accept: 'application/dns-json' };
    const response = await fetchBounded(url.href, { headers }, { timeoutMs, maxBytes, allowLocal });
    if (response.status !== 200) return { kind: 'unavailable' };
    read = await response.json().catch(() => null);
  } catch (cause) {
    if (cause instanceof OutboundFailure) return { kind: 'unavailable' };
    throw cause;
  }
  const answer = answerSchema.safeParse(read);
  if (!answer.success) return { kind: 'unavailable' };
  const { Status, Answer = [] } = answer.data;
  if (Status === noSuchName) return { kind: 'texts', texts: [] };
  if (Status !== noError) return { kind: 'unavailable' };
  const here = Answer.filter((record) => record.type === txtType && plainName(record.name) === plainName(name));
  return { kind: 'texts', texts: here.flatMap(({ data }) => textIn(data) ?? []) };
}
