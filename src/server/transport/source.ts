// Who is at the other end, as far as buckets need to know: one key per IPv4 address or IPv6 /64 network.
// X-Forwarded-For and the PROXY protocol count only where a trusted proxy wrote them. The key is for counting; it is never logged or stored.
import { BlockList, isIPv4, isIPv6 } from 'node:net';

/** Whom the edge listens to, and who they are. */
export interface SourceOptions {
  /** Addresses or CIDR networks whose X-Forwarded-For, or PROXY header, is believed. */
  readonly trustedProxies?: readonly string[];
  /** Only trusted proxies may connect. */
  readonly proxiesOnly?: boolean;
  /** Each connection of a trusted proxy begins with a PROXY header. */
  readonly proxyProtocol?: boolean;
}

/** What a request says of where it comes from. */
export interface Remote {
  /** Of the socket. */
  readonly address: string;
  /** Of the PROXY header that its connection began with; empty = none, or one without an address. */
  readonly proxied: string;
  /** All lines of X-Forwarded-For, joined by commas in their order. */
  readonly forwardedFor: () => string;
}

/**
 * Reads the bucket key of a request. Null = refused: it came past the proxies, or has a PROXY header that nobody asked it for, or has none though it
 * came from a proxy that must write one (then all devices would share the proxy's bucket, or write the header themselves).
 * Throws a RangeError on a malformed entry.
 */
export function sourceReader(options: SourceOptions): (remote: Remote) => string | null {
  const trusted = trustedProxies(options.trustedProxies ?? []);
  const known = (options.trustedProxies ?? []).length > 0;
  return ({ address, proxied, forwardedFor }) => {
    const isProxy = known && isTrusted(plainAddress(address), trusted);
    if (options.proxiesOnly && !isProxy) return null;
    if ((proxied !== '') !== (options.proxyProtocol === true && isProxy)) return null;
    return sourceKey(proxied === '' ? address : proxied, known ? forwardedFor() : '', trusted);
  };
}

/** Does a connection from this address begin with a PROXY header that is believed? */
export function proxyHeaderFrom(options: SourceOptions): (address: string) => boolean {
  const trusted = trustedProxies(options.trustedProxies ?? []);
  return (address) => options.proxyProtocol === true && isTrusted(plainAddress(address), trusted);
}

/** Proxies whose X-Forwarded-For is believed. Entries are addresses or CIDR networks; a malformed one throws a RangeError. */
export function trustedProxies(entries: readonly string[]): BlockList {
  const list = new BlockList();
  for (const entry of entries) {
    const [address = '', prefix] = entry.split('/');
    const family = isIPv4(address) ? 'ipv4' : 'ipv6';
    if (family === 'ipv6' && !isIPv6(address))
      throw new RangeError(`trusted proxy ${entry} is not an address or a CIDR network`);
    if (prefix === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(prefix), family);
  }
  return list;
}

/** Bucket key of a connection: the nearest address that is no trusted proxy. Unreadable addresses share the key `unknown`. */
export function sourceKey(remoteAddress: string, forwardedFor: string, trusted: BlockList): string {
  let address = plainAddress(remoteAddress);
  if (forwardedFor !== '') {
    const hops = forwardedFor.split(',');
    while (hops.length > 0 && isTrusted(address, trusted)) address = plainAddress((hops.pop() ?? '').trim());
  }
  return isIPv4(address) ? address : isIPv6(address) ? network64(address) : 'unknown';
}

function isTrusted(address: string, trusted: BlockList): boolean {
  if (isIPv4(address)) return trusted.check(address, 'ipv4');
  return isIPv6(address) && trusted.check(address, 'ipv6');
}

// A dual-stack listener names IPv4 peers ::ffff:a.b.c.d, and uWebSockets.js writes that out in eight groups.
function plainAddress(address: string): string {
  const text = address.replace(/%.*$/, '').replace(/^\[(.*)\]$/, '$1');
  if (!isIPv6(text)) return text;
  const groups = groupsOf(text);
  if (groups.slice(0, 5).some((group) => group !== 0) || groups[5] !== 0xffff) return text;
  const [high = 0, low = 0] = groups.slice(6);
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
}

function network64(address: string): string {
  const head = groupsOf(address).slice(0, 4);
  return `${head.map((group) => group.toString(16)).join(':')}::/64`;
}

// Takes a valid IPv6 address only; returns its eight numbers.
function groupsOf(address: string): number[] {
  const [left = '', right] = address.split('::');
  const head = numbers(left);
  if (right === undefined) return head;
  const tail = numbers(right);
  return [...head, ...new Array<number>(8 - head.length - tail.length).fill(0), ...tail];
}

function numbers(part: string): number[] {
  if (part === '') return [];
  return part.split(':').flatMap((group) => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number);
    return [a * 256 + b, c * 256 + d];
  });
}
