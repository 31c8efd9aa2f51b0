// An identity as a number that two people can compare by voice or side by side: the one check that no server takes part in.
import { asciiBytes, concatBytes } from '../bytes/bytes.ts';
import type { Primitives } from '../primitives.ts';

const label = asciiBytes('luxchat identity v1\0');
const groupBytes = 4;

/**
 * Eight groups of five digits, about 132 bits: SHA-256(label | u16 length of user id | user id | master key), each four bytes of it as a big-endian
 * number modulo 100,000. `masterKey` has 32 bytes.
 */
export function identityNumber(user: string, masterKey: Uint8Array, primitives: Primitives): string {
  const id = asciiBytes(user);
  const length = new Uint8Array([id.length >>> 8, id.length & 0xff]);
  const hash = primitives.sha256(concatBytes(label, length, id, masterKey));
  const view = new DataView(hash.buffer, hash.byteOffset, hash.length);
  const groups = Array.from({ length: hash.length / groupBytes }, (_, at) => view.getUint32(at * groupBytes) % 100_000);
  return groups.map((group) => String(group).padStart(5, '0')).join(' ');
}
