// What a grant is bound to: not the bare attempt that the device drew, but the request that it belongs to. Else one grant, good once, would serve any
// number of requests that say the same attempt. Of a repeat it is the same again.
import { asciiBytes, concatBytes } from '#proto/rules/bytes/bytes.ts';
import { attemptBytes } from '#proto/rules/bytes/hash.ts';
import type { Primitives } from '#proto/rules/primitives.ts';

export type Sha256 = Pick<Primitives, 'sha256'>;

/** 16 bytes. `request` says in words of the source what is asked, `attempt` and `content` are the device's. */
export function boundAttempt(
  request: string,
  { attempt, content }: { readonly attempt: Uint8Array; readonly content: Uint8Array },
  { sha256 }: Sha256,
): Uint8Array {
  const text = asciiBytes(`luxchat backup attempt v1\0${request}\0`);
  return sha256(concatBytes(text, attempt, content)).subarray(0, attemptBytes);
}
