// What stands in a session that the crypto library gives out: one byte of version, the step from which on it opens messages (four bytes), the ratchet, and the
// public key, which is the session's id.
import { fromBase64, toBase64 } from '#proto/rules/bytes/base.ts';
import { foreignObject, parseObject } from './json.ts';

const indexAt = 1;
const publicKeyAt = indexAt + 4 + 128;
const publicKeyBytes = 32;

/** A session as it was given out: its id, and the step from which on it opens messages. Undefined: it is none. */
export function readExported(json: Uint8Array): { readonly id: string; readonly index: number } | undefined {
  const text = foreignObject(json);
  const bytes = text === undefined ? null : fromBase64(String(parseObject(text).session_key));
  const key = bytes?.subarray(publicKeyAt, publicKeyAt + publicKeyBytes);
  if (!bytes || key?.length !== publicKeyBytes) return undefined;
  return { id: toBase64(key), index: new DataView(bytes.buffer, bytes.byteOffset).getUint32(indexAt) };
}
