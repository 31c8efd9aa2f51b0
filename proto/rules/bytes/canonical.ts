// One meaning for one byte string. Protobuf lets the same message be written in many ways (fields twice, overlong numbers, spelled-out
// defaults), and two readers may then disagree about bytes that are hashed or signed. Those bytes must therefore be canonical:
// fields ascending, each once, shortest numbers, no defaults, unknown fields after the known ones. That is what encoding again yields.
import { equalBytes } from './bytes.ts';
import { type Encoder, encoded } from './encode.ts';

/** The part of a generated codec that is needed here. */
export interface Codec<T> extends Encoder<T> {
  decode(input: Uint8Array): T;
}

/** Decodes canonical bytes; null for anything malformed or written in another way. Never throws. Byte fields are views into `bytes`. */
export function decodeCanonical<T>(codec: Codec<T>, bytes: Uint8Array): T | null {
  try {
    const message = codec.decode(bytes);
    return equalBytes(encoded(codec, message), bytes) ? message : null;
  } catch {
    // Bytes from outside: whatever the codec dislikes is malformed.
    return null;
  }
}
