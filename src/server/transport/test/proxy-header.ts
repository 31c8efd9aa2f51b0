// Headers of the PROXY protocol, version 2, as a balancer writes them, and as it should not.
import { isIPv4 } from 'node:net';

interface Strange {
  /** 1 = PROXY, 0 = LOCAL. */
  readonly command?: number;
  /** Default: TCP over the address's family. */
  readonly family?: number;
  readonly tlvBytes?: number;
}

/** The header of a connection from this address: IPv4, or IPv6 with all its groups. */
export function proxyHeader(source: string, { command = 1, family, tlvBytes = 0 }: Strange = {}): Buffer {
  const four = isIPv4(source);
  const address = four
    ? Buffer.from(source.split('.').map(Number))
    : Buffer.concat(source.split(':').map((group) => Buffer.from(group.padStart(4, '0'), 'hex')));
  const rest = Buffer.concat([address, Buffer.alloc(address.length), Buffer.alloc(4), Buffer.alloc(tlvBytes)]);
  const fixed = Buffer.from([0x20 | command, family ?? (four ? 0x11 : 0x21), rest.length >> 8, rest.length & 255]);
  return Buffer.concat([Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1'), fixed, rest]);
}
