/**
 * Where a request came from. Only a header that the platform itself writes is believed: on Cloudflare `cf-connecting-ip`,
 * which it sets anew whatever the client sent. The local runtime keeps the one a client wrote, so there nobody's word is
 * taken (TRUST_CONNECTING_IP=false): it listens on the loopback address alone, and that is where everybody comes from.
 * `x-forwarded-for` and its kin are anybody's text, everywhere.
 */
import ipaddr from 'ipaddr.js';
import { configOf } from '../env.ts';
import type { AppContext } from './context.ts';

export interface Client {
  ip: string | null;
  userAgent: string | null;
}

const userAgentKept = 500;
const loopback = '127.0.0.1';

export const clientOf = (c: AppContext): Client => ({
  ip: configOf(c.env).trustConnectingIp ? (c.req.header('cf-connecting-ip') ?? null) : loopback,
  userAgent: c.req.header('user-agent')?.slice(0, userAgentKept) ?? null,
});

/**
 * The name under which what comes from an address is counted. Of IPv6 a subscriber is given a /64 at the least and may
 * take every address in it, so the /64 counts as one; an IPv4 address dressed as IPv6 is the IPv4 address.
 */
export function limitSubjectOf(ip: string | null): string {
  if (ip === null) return 'unknown';
  if (!ipaddr.isValid(ip)) return ip;
  const address = ipaddr.process(ip);
  if (address instanceof ipaddr.IPv4) return address.toString();
  return `${new ipaddr.IPv6([...address.parts.slice(0, 4), 0, 0, 0, 0]).toString()}/64`;
}
