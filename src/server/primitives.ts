// The rules' primitives on node:crypto: one-shot hashes and Ed25519 with imported keys kept. Agrees with `src/client/primitives.ts` on every
// input; a test feeds both the crafted keys and signatures on which Ed25519 implementations are known to differ.
import { createHmac, createPublicKey, hash, type KeyObject, verify } from 'node:crypto';
import { ed25519 } from '@noble/curves/ed25519.js';
import type { Primitives } from '#proto/rules/primitives.ts';

/** Imported keys kept, about 1 KiB each; the oldest goes. */
const keysKeptMax = 10_000;
/** What stands before a raw Ed25519 key in its DER form (RFC 8410). */
const derPrefix = Buffer.from('302a300506032b6570032100', 'hex');
/** null = no key of the prime-order group: never verifies. */
const keys = new Map<string, KeyObject | null>();

/** Primitives for hub, tests and Node tools. */
export const nodePrimitives: Primitives = {
  sha256(data) {
    // As text and back: a third of the time of a digest as Buffer, and 32 bytes on the heap instead of a view that pins a pool.
    const text = hash('sha256', data, 'binary');
    const digest = new Uint8Array(32);
    for (let i = 0; i < 32; i++) digest[i] = text.charCodeAt(i);
    return digest;
  },
  hmacSha256(key, data) {
    return new Uint8Array(createHmac('sha256', key).update(data).digest());
  },
  verify(publicKey, message, signature) {
    if (publicKey.length !== 32 || signature.length !== 64) return false;
    const key = importKey(publicKey);
    return key !== null && verify(null, message, key, signature);
  },
};

function importKey(raw: Uint8Array): KeyObject | null {
  const name = Buffer.from(raw.buffer, raw.byteOffset, raw.length).toString('latin1');
  const kept = keys.get(name);
  if (kept !== undefined) return kept;
  const key = isPrimeOrder(raw)
    ? createPublicKey({ key: Buffer.concat([derPrefix, raw]), format: 'der', type: 'spki' })
    : null;
  if (keys.size >= keysKeptMax) keys.delete(keys.keys().next().value!);
  keys.set(name, key);
  return key;
}

/** OpenSSL accepts keys outside the prime-order group, with which one signature can be good here and bad elsewhere. */
function isPrimeOrder(raw: Uint8Array): boolean {
  try {
    const point = ed25519.Point.fromBytes(raw, false);
    return !point.is0() && point.isTorsionFree();
  } catch {
    // Not the canonical encoding of a point.
    return false;
  }
}
