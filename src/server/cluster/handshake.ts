// How two nodes find out that they are of one provider: see proto/node.proto. Pure: bytes in, bytes or a verdict out.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { NodeHello, NodeProof } from '#proto/gen/node.ts';

/** Version of the contract between nodes. */
const version = 1;
const nonceBytes = 32;
const purpose = Buffer.from('luxchat node v1\0');

/** A process as it shows itself to others. */
export interface NodeIdentity {
  readonly provider: string;
  readonly node: string;
  readonly gen: number;
  readonly seat: number;
}

export type Role = 'dialler' | 'answerer';

/** The first message. `nonce`: 32 random bytes. */
export function helloOf({ provider, node, gen, seat }: NodeIdentity, nonce: Uint8Array): Uint8Array {
  return NodeHello.encode({ version, provider, generation: { node, number: gen }, seat, nonce }).finish();
}

/** Who said it; null = nobody whom this node may talk to. */
export function readHello(bytes: Uint8Array, self: NodeIdentity): NodeIdentity | null {
  const hello = decoded(() => NodeHello.decode(bytes));
  if (hello?.version !== version || hello.provider !== self.provider || hello.nonce.length !== nonceBytes) return null;
  const { provider, seat, generation } = hello;
  if (generation === undefined || generation.node === '' || seat === self.seat) return null;
  return { provider, seat, node: generation.node, gen: generation.number };
}

/** The second message. `hellos`: the dialler's, then the answerer's, as they crossed. */
export function proofOf(secret: Uint8Array, role: Role, hellos: readonly [Uint8Array, Uint8Array]): Uint8Array {
  return NodeProof.encode({ mac: macOf(secret, role, hellos) }).finish();
}

/** Is it the proof of that side? */
export function isProof(
  bytes: Uint8Array,
  secret: Uint8Array,
  of: { readonly role: Role; readonly hellos: readonly [Uint8Array, Uint8Array] },
): boolean {
  const mac = decoded(() => NodeProof.decode(bytes))?.mac;
  const expected = macOf(secret, of.role, of.hellos);
  return mac?.length === expected.length && timingSafeEqual(mac, expected);
}

function macOf(secret: Uint8Array, role: Role, hellos: readonly [Uint8Array, Uint8Array]): Buffer {
  const mac = createHmac('sha256', secret)
    .update(purpose)
    .update(Buffer.from([role === 'dialler' ? 1 : 2]));
  for (const hello of hellos) {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(hello.length);
    mac.update(length).update(hello);
  }
  return mac.digest();
}

function decoded<T>(decode: () => T): T | null {
  try {
    return decode();
  } catch {
    // Bytes of a stranger, and nothing but the codec.
    return null;
  }
}
