/**
 * Which addresses given by a tenant the product may call. Pure; asked when an address is saved and again when it is
 * used. Names are judged by their words only: what a name resolves to is the outbound network's business.
 */

/** Names that lead inside, whatever they resolve to. */
const insideNames = /(?:^|\.)(?:localhost|local|internal|intranet|lan|home|corp|private|localdomain|arpa)$/;

const maxLength = 2000;

/** null when `text` may be called, else the reason in words. `allowLocal` (development) permits http and loopback. */
export function refuseTarget(text: string, options: { allowLocal: boolean }): string | null {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return 'must be a web address';
  }
  if (text.length > maxLength) return 'is too long';
  if (url.username !== '' || url.password !== '') return 'must not carry a user name or password';
  const host = url.hostname.toLowerCase().replace(/\.+$/, '');
  const isLoopback = isLoopbackHost(host);
  if (options.allowLocal && isLoopback && (url.protocol === 'http:' || url.protocol === 'https:')) return null;
  if (url.protocol !== 'https:') return 'must be https';
  if (isLoopback) return 'must not point to this machine';
  if (host.startsWith('[')) return isPublicIpv6(host.slice(1, -1)) ? null : 'must not point to a private address';
  if (/^\d+\.\d+\.\d+\.\d+$/.test(host)) return isPublicIpv4(host) ? null : 'must not point to a private address';
  if (insideNames.test(host) || !host.includes('.')) return 'must be a public host name';
  return null;
}

/** Without trailing slash, query and fragment: what paths are appended to. */
export const toBaseUrl = (text: string): string => {
  const url = new URL(text);
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
};

function isLoopbackHost(host: string): boolean {
  if (host === 'localhost' || host.endsWith('.localhost') || /^127\./.test(host)) return true;
  if (!host.startsWith('[')) return false;
  const groups = ipv6Groups(host.slice(1, -1));
  if (groups === null) return false;
  if (groups.slice(0, 7).every((group) => group === 0) && groups[7] === 1) return true;
  const mapped = mappedIpv4(groups);
  return mapped !== null && mapped.startsWith('127.');
}

/** Everything IANA does not list as globally reachable. */
function isPublicIpv4(host: string): boolean {
  const [a = 0, b = 0, c = 0] = host.split('.').map(Number);
  if (a === 0 || a === 10 || a === 127 || a >= 224) return false;
  if (a === 100 && b >= 64 && b <= 127) return false;
  if (a === 169 && b === 254) return false;
  if (a === 172 && b >= 16 && b <= 31) return false;
  if (a === 192 && (b === 168 || (b === 0 && (c === 0 || c === 2)) || (b === 88 && c === 99))) return false;
  if (a === 198 && (b === 18 || b === 19 || (b === 51 && c === 100))) return false;
  return !(a === 203 && b === 0 && c === 113);
}

/** Only global unicast (2000::/3), without documentation and the tunnels that wrap another address. */
function isPublicIpv6(host: string): boolean {
  const groups = ipv6Groups(host);
  if (groups === null) return false;
  const [first = 0, second = 0] = groups;
  if (first < 0x2000 || first > 0x3fff) return false;
  const isDocumentation = first === 0x2001 && second === 0x0db8;
  const isTunnel = first === 0x2002 || (first === 0x2001 && second === 0);
  return !isDocumentation && !isTunnel;
}

/** The eight groups of an address that the URL parser has already accepted and shortened. */
function ipv6Groups(host: string): number[] | null {
  const [head = '', tail] = host.split('::');
  const parse = (part: string): number[] => (part === '' ? [] : part.split(':').map((group) => parseInt(group, 16)));
  const front = parse(head);
  const back = tail === undefined ? [] : parse(tail);
  const groups =
    tail === undefined ? front : [...front, ...Array<number>(8 - front.length - back.length).fill(0), ...back];
  return groups.length === 8 && groups.every((group) => group >= 0 && group <= 0xffff) ? groups : null;
}

function mappedIpv4(groups: number[]): string | null {
  const isMapped = groups.slice(0, 5).every((group) => group === 0) && (groups[5] === 0xffff || groups[5] === 0);
  if (!isMapped) return null;
  const [high = 0, low = 0] = groups.slice(6);
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}
