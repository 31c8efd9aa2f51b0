// What a person called a new device, between its login and its first hello, when the user's own record takes it: kept beside the device's tokens, where
// every node finds it, and sealed under the provider's secret, so that who reads the tables reads no name.
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { derivedKey } from './openid/subject.ts';
import type { RandomBytes } from './tokens.ts';

const cipher = 'aes-256-gcm';
const nonceBytes = 12;
const tagBytes = 16;

/** Seals names of devices, each for the one family of tokens that it stands beside. */
export interface SealedNames {
  /** Base64url. */
  seal(family: string, name: string): string;
  /** Null where it was not sealed under this secret for this family. */
  open(family: string, sealed: string): string | null;
}

export function sealedNames(secret: Uint8Array, random: RandomBytes): SealedNames {
  const key = derivedKey(secret, 'device name');
  return {
    seal(family, name) {
      const nonce = random(nonceBytes);
      const sealing = createCipheriv(cipher, key, nonce).setAAD(Buffer.from(family));
      const bytes = [sealing.update(name, 'utf8'), sealing.final()];
      return Buffer.concat([nonce, ...bytes, sealing.getAuthTag()]).toString('base64url');
    },
    open(family, sealed) {
      const bytes = Buffer.from(sealed, 'base64url');
      if (bytes.length < nonceBytes + tagBytes) return null;
      const opening = createDecipheriv(cipher, key, bytes.subarray(0, nonceBytes), { authTagLength: tagBytes })
        .setAAD(Buffer.from(family))
        .setAuthTag(bytes.subarray(-tagBytes));
      try {
        return opening.update(bytes.subarray(nonceBytes, -tagBytes), undefined, 'utf8') + opening.final('utf8');
      } catch {
        // It says one thing only: not sealed so.
        return null;
      }
    },
  };
}
