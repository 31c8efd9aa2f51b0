// The three cryptographic operations that the rules need, passed in so that hub and SDK run the same rules on different libraries.
// An implementation guarantees that it is synchronous and keeps no reference to its arguments. The rules never compose their own.

/** What a program must supply. Bindings: `src/server/primitives.ts` (Node), `src/client/primitives.ts` (any runtime). */
export interface Primitives {
  /** SHA-256; 32 bytes, a fresh array. */
  sha256(data: Uint8Array): Uint8Array;
  /** HMAC-SHA256; 32 bytes, a fresh array. */
  hmacSha256(key: Uint8Array, data: Uint8Array): Uint8Array;
  /**
   * Ed25519 (RFC 8032) over `message`. False, never a throw, for wrong lengths too. All implementations must agree on every input: points are
   * canonically encoded, the key and the R of the signature lie in the prime-order group, S is below the group order.
   */
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
}
