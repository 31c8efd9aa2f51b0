// The rules' primitives in plain JavaScript, for any runtime: synchronous, from a well-kept library. Agrees with `src/server/primitives.ts` and
// `node/node-primitives.ts` on every input. An Ed25519 check takes some milliseconds: verifying a long chain belongs off the user's path.
import { ed25519 } from '@noble/curves/ed25519.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import type { Primitives } from '#proto/rules/primitives.ts';

/** Keys whose group was checked; the oldest goes. */
const keysKeptMax = 10_000;
const keys = new Map<string, boolean>();

/** Primitives for the SDK. */
export const portablePrimitives: Primitives = {
  sha256(data) {
    return sha256(data);
  },
  hmacSha256(key, data) {
    return hmac(sha256, key, data);
  },
  verify(publicKey, message, signature) {
    if (publicKey.length !== 32 || signature.length !== 64 || !isPrimeOrderKey(publicKey)) return false;
    // The library multiplies by the cofactor before it compares, so an R outside the prime-order group would pass here alone.
    return ed25519.verify(signature, message, publicKey, { zip215: false }) && isPrimeOrder(signature.subarray(0, 32));
  },
};

/** Is it a key that verifies anything, of 32 bytes? Each is looked at once, and then remembered. */
export function isPrimeOrderKey(raw: Uint8Array): boolean {
  const name = String.fromCharCode(...raw);
  const known = keys.get(name);
  if (known !== undefined) return known;
  const good = isPrimeOrder(raw) && !ed25519.Point.fromBytes(raw, false).is0();
  if (keys.size >= keysKeptMax) keys.delete(keys.keys().next().value!);
  keys.set(name, good);
  return good;
}

function isPrimeOrder(raw: Uint8Array): boolean {
  try {
    return ed25519.Point.fromBytes(raw, false).isTorsionFree();
  } catch {
    // Not the canonical encoding of a point.
    return false;
  }
}
