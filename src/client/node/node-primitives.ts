// The rules' primitives of a device in Node: hashes as everywhere, Ed25519 by node:crypto, which is many times as quick as JavaScript: a bot checks a dozen
// signatures of each newcomer. Agrees with `../primitives.ts` and with the server's on every input (src/server/test/primitives.test.ts).
import { createPublicKey, verify } from 'node:crypto';
import type { Primitives } from '#proto/rules/primitives.ts';
import { isPrimeOrderKey, portablePrimitives } from '../primitives.ts';

/** What stands before a raw Ed25519 key in its DER form (RFC 8410). */
const derPrefix = Buffer.from('302a300506032b6570032100', 'hex');

/** Primitives for a device in a folder. */
export const nodePrimitives: Primitives = {
  ...portablePrimitives,
  verify(publicKey, message, signature) {
    // OpenSSL takes keys outside the prime-order group, with which one signature can be good here and bad elsewhere.
    if (publicKey.length !== 32 || signature.length !== 64 || !isPrimeOrderKey(publicKey)) return false;
    const key = createPublicKey({ key: Buffer.concat([derPrefix, publicKey]), format: 'der', type: 'spki' });
    return verify(null, message, key, signature);
  },
};
