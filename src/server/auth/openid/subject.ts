// What stays of a person: a keyed hash. Without the provider's secret it can't be computed, compared between providers or turned back.
import { createHmac, hkdfSync } from 'node:crypto';

/** The hash under which an account is found: HMAC-SHA256(secret, issuer | subject) as 43 characters of base64url. */
export function subjectHash(secret: Uint8Array, issuer: string, subject: string): string {
  return createHmac('sha256', secret).update(`${issuer}|${subject}`).digest('base64url');
}

/** A key of its own for another purpose, so that no input of one use can ever be an input of the other. */
export function derivedKey(secret: Uint8Array, purpose: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, new Uint8Array(0), `luxchat auth ${purpose} v1`, 32));
}
