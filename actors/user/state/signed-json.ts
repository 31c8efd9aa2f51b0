// Signed JSON of the crypto library, given further signatures. Signatures cover the canonical form of an object without its `signatures`, and
// the strict reader takes only JSON whose canonical form is beyond doubt, so writing the whole object canonically harms none of them.
// Nothing here verifies a signature: readers do.
import { utf8Bytes } from '#proto/rules/bytes/bytes.ts';
import { canonicalJson, type JsonObject, type JsonValue, objectAt, parseJsonObject } from '#proto/rules/bytes/json.ts';

/** Signatures by `signer` in a signed object: key id to signature; anything that is not text is skipped. */
export function signaturesBy(object: JsonObject, signer: string): Map<string, string> {
  const found = new Map<string, string>();
  const all = objectAt(object, 'signatures');
  for (const [keyId, signature] of (all === null ? null : objectAt(all, signer)) ?? []) {
    if (typeof signature === 'string') found.set(keyId, signature);
  }
  return found;
}

/** The same object with these signatures of `signer` added or replaced. Bytes that are no strict JSON come back unchanged. */
export function withSignatures(bytes: Uint8Array, signer: string, added: ReadonlyMap<string, string>): Uint8Array {
  const object = parseJsonObject(bytes);
  if (object === null || added.size === 0) return bytes;
  const all: JsonObject = objectAt(object, 'signatures') ?? new Map();
  const own: JsonObject = objectAt(all, signer) ?? new Map();
  const ofSigner: JsonValue = new Map<string, JsonValue>([...own, ...added]);
  const signatures: JsonValue = new Map<string, JsonValue>([...all, [signer, ofSigner]]);
  return utf8Bytes(canonicalJson(new Map<string, JsonValue>([...object, ['signatures', signatures]])));
}
