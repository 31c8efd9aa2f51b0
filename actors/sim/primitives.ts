// Stand-ins for cryptography: quick, deterministic, the right lengths, and worthless against an attacker. In a simulated world nobody breaks
// hashes, so what is tested is who says what when, at a hundredth of the price. Never leaves this folder.
import { concatBytes, equalBytes, utf8Bytes } from '#proto/rules/bytes/bytes.ts';
import type { Primitives } from '#proto/rules/primitives.ts';

/** 32 bytes that follow from the data; two of a run's few thousand inputs will not collide. */
export function quickHash(data: Uint8Array): Uint8Array {
  let a = 0x9e3779b9 ^ data.length;
  let b = 0x85ebca6b;
  const whole = data.length & ~3;
  for (let i = 0; i < whole; i += 4) {
    const word = data[i]! | (data[i + 1]! << 8) | (data[i + 2]! << 16) | (data[i + 3]! << 24);
    a = Math.imul(a ^ word, 0xcc9e2d51);
    a = (a << 15) | (a >>> 17);
    b = (Math.imul(b + word, 0x1b873593) ^ a) | 0;
    b = (b << 13) | (b >>> 19);
  }
  for (let i = whole; i < data.length; i++) {
    a = Math.imul(a ^ data[i]!, 0x01000193);
    b = (Math.imul(b, 31) + data[i]! + a) | 0;
  }
  const hash = new Uint8Array(32);
  for (let i = 0; i < 32; i += 4) {
    a = mix(a + b + i);
    b = mix(b ^ a);
    hash[i] = a;
    hash[i + 1] = a >>> 8;
    hash[i + 2] = b;
    hash[i + 3] = b >>> 8;
  }
  return hash;
}

/** A key pair: who knows the public key can sign too, and no one in this world does so for others. */
export interface SimKeys {
  readonly publicKey: Uint8Array;
  sign(message: Uint8Array): Uint8Array;
}

export function simKeys(label: string): SimKeys {
  const publicKey = quickHash(utf8Bytes(`key of ${label}`));
  return { publicKey, sign: (message) => signature(publicKey, message) };
}

export const simPrimitives: Primitives = {
  sha256: quickHash,
  hmacSha256: (key, data) => quickHash(concatBytes(key, data)),
  verify: (publicKey, message, signed) => equalBytes(signature(publicKey, message), signed),
};

function signature(publicKey: Uint8Array, message: Uint8Array): Uint8Array {
  const half = quickHash(concatBytes(publicKey, message));
  return concatBytes(half, quickHash(half));
}

function mix(word: number): number {
  let mixed = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
