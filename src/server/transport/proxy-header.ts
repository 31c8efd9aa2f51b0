// The PROXY protocol, version 2: what a TCP balancer writes in front of everything else on a connection, to say whose it is.
// Version 1 (a line of text) is not read. What follows the addresses (TLVs) is skipped. Specification: haproxy's proxy-protocol.txt, section 2.2.

const signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const fixedBytes = 16;
/** Addresses and TLVs; the specification asks for no more than fits into one packet. */
const restBytesMax = 2048;

/**
 * What the beginning of a connection says. `none`: there is no such header. `bytes`: its length, and `address`, empty where the balancer speaks for itself
 * (LOCAL) or does not know. `broken`: a header, but not one that can be read.
 */
export type ProxyHeader =
  | { readonly kind: 'header'; readonly bytes: number; readonly address: string }
  | { readonly kind: 'more' | 'none' | 'broken' };

/** Reads the header at the beginning of these bytes. */
export function readProxyHeader(bytes: Buffer): ProxyHeader {
  const known = Math.min(bytes.length, signature.length);
  if (bytes.compare(signature, 0, known, 0, known) !== 0) return { kind: 'none' };
  if (bytes.length < fixedBytes) return { kind: 'more' };
  const [version, command] = [bytes.readUInt8(12) >> 4, bytes.readUInt8(12) & 15];
  const rest = bytes.readUInt16BE(14);
  if (version !== 2 || command > 1 || rest > restBytesMax) return { kind: 'broken' };
  if (bytes.length < fixedBytes + rest) return { kind: 'more' };
  const family = command === 0 ? 0 : bytes.readUInt8(13) >> 4;
  const address = addressIn(bytes.subarray(fixedBytes, fixedBytes + rest), family);
  return address === null ? { kind: 'broken' } : { kind: 'header', bytes: fixedBytes + rest, address };
}

/** The source's; two addresses and two ports follow each other. Null where they are not all there. */
function addressIn(rest: Buffer, family: number): string | null {
  if (family === 1) return rest.length < 12 ? null : rest.subarray(0, 4).join('.');
  if (family !== 2) return '';
  if (rest.length < 36) return null;
  return Array.from({ length: 8 }, (_, at) => rest.readUInt16BE(at * 2).toString(16)).join(':');
}
