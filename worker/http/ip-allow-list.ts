/**
 * Lists of addresses that may come in: of an API key, of an inbound webhook. An entry is one address or a CIDR block, IPv4
 * or IPv6. An IPv4 address that arrives dressed as IPv6 (`::ffff:203.0.113.7`) is the IPv4 address it stands for.
 */
import { createMiddleware } from 'hono/factory';
import ipaddr from 'ipaddr.js';
import { clientOf } from './client-address.ts';
import type { AppContext, AppEnv } from './context.ts';
import { AppError } from './errors.ts';

type Address = ipaddr.IPv4 | ipaddr.IPv6;

interface Block {
  address: Address;
  prefix: number;
}

/** Four plain decimals, or IPv6 without a zone: `127.1`, `0x7f.1` and `fe80::1%eth0` are refused, not guessed at. */
function parseAddress(text: string): Address | null {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text);
  if (text.includes('%') || !ipaddr.IPv6.isValid(text)) return null;
  // The dotted tail of an IPv6 address is held to the same rule.
  const dotted = /[^:]+\.[^:]*$/.exec(text)?.[0];
  return dotted !== undefined && !ipaddr.IPv4.isValidFourPartDecimal(dotted) ? null : ipaddr.IPv6.parse(text);
}

const isMapped = (address: Address): address is ipaddr.IPv6 =>
  address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress();

/** Of 128 bits these say "this is IPv4"; a shorter block holds more than IPv4 and stays what it is. */
const mappedPrefix = 96;

function parseBlock(entry: string): Block | null {
  const [text = '', length, ...more] = entry.split('/');
  const address = parseAddress(text);
  if (address === null || more.length > 0) return null;
  const bits = address instanceof ipaddr.IPv4 ? 32 : 128;
  if (length !== undefined && !/^(?:0|[1-9]\d{0,2})$/.test(length)) return null;
  const prefix = length === undefined ? bits : Number(length);
  if (prefix > bits) return null;
  return isMapped(address) && prefix >= mappedPrefix
    ? { address: address.toIPv4Address(), prefix: prefix - mappedPrefix }
    : { address, prefix };
}

/** The address of the block's network: bits beyond the prefix are nobody's. */
function networkOf({ address, prefix }: Block): string {
  const cidr = `${address.toString()}/${prefix}`;
  return address instanceof ipaddr.IPv4
    ? ipaddr.IPv4.networkAddressFromCIDR(cidr).toString()
    : ipaddr.IPv6.networkAddressFromCIDR(cidr).toString();
}

/** An entry in one spelling (`10.1.2.3/8` is `10.0.0.0/8`), or null when it is neither an address nor a block. */
export function canonicalEntry(entry: string): string | null {
  const block = parseBlock(entry);
  if (block === null) return null;
  return entry.includes('/') ? `${networkOf(block)}/${block.prefix}` : block.address.toString();
}

/**
 * True when the list lets the address in; null is the list of those who want no list. An address that is unknown or cannot
 * be read, and an entry that cannot be read, let nobody in.
 */
export function addressAllowed(list: readonly string[] | null, ip: string | null): boolean {
  if (list === null) return true;
  const parsed = ip === null ? null : parseAddress(ip);
  if (parsed === null) return false;
  const address = isMapped(parsed) ? parsed.toIPv4Address() : parsed;
  return list.some((entry) => {
    const block = parseBlock(entry);
    return block !== null && block.address.kind() === address.kind() && address.match(block.address, block.prefix);
  });
}

/** What a caller from elsewhere is told: the same sentence for a key and for a webhook. */
export const addressRefused = (): AppError =>
  new AppError('FORBIDDEN', 'This address is not on the list of addresses that may come in.', {
    details: { required: 'address' },
  });

/** Route middleware for inbound webhooks: 403 from an address that the list (fixed, or found for the request) lacks. */
export const onlyFrom = (
  list: readonly string[] | null | ((c: AppContext) => Promise<readonly string[] | null> | readonly string[] | null),
) =>
  createMiddleware<AppEnv>(async (c, next) => {
    if (!addressAllowed(typeof list === 'function' ? await list(c) : list, clientOf(c).ip)) throw addressRefused();
    await next();
  });
