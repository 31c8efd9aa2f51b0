// Encoding without a new buffer each time: a fresh writer allocates and copies three times before a frame is done, a kept one does not. And an
// array of more than 64 bytes costs more to allocate than to fill, so that bytes which soon are gone share their memory.
import { BinaryWriter } from '@bufbuild/protobuf/wire';

/** The writer is given up after a message larger than this, so that one page does not hold memory for ever. */
const keptBytesMax = 131_072;
/** Bytes that passing messages share. */
const sharedBytes = 16_384;
/** Up to here V8 keeps an array on its own heap, which is cheap. Above half of what is shared, sharing saves nothing. */
const ownBytesMax = 64;
const passingBytesMax = sharedBytes / 2;
let writer: BinaryWriter | null = null;
let shared = new Uint8Array(0);
let sharedAt = 0;

/** The part of a generated codec that is needed here. */
export interface Encoder<T> {
  encode(message: T, writer?: BinaryWriter): BinaryWriter;
}

/** The bytes of a message, in memory of their own. Throws what the codec throws for a value that does not fit its field (a bug of the caller). */
export function encodeMessage<T>(codec: Encoder<T>, message: T): Uint8Array {
  return encoded(codec, message).slice();
}

/**
 * The same bytes for what soon is gone: sent, or copied into a store. They are never written again, but share their memory with others, so that
 * who keeps them keeps up to 16 KiB. A tenth of the cost of memory of their own.
 */
export function encodePassing<T>(codec: Encoder<T>, message: T): Uint8Array {
  const bytes = encoded(codec, message);
  const { length } = bytes;
  if (length <= ownBytesMax || length > passingBytesMax) return bytes.slice();
  if (sharedAt + length > shared.length) {
    shared = new Uint8Array(sharedBytes);
    sharedAt = 0;
  }
  shared.set(bytes, sharedAt);
  sharedAt += length;
  return shared.subarray(sharedAt - length, sharedAt);
}

/** What the library keeps private: its `finish` allocates. A test compares every message with what `finish` gives. */
interface Inside {
  buffer: Uint8Array;
  pos: number;
}

/** The bytes of a message, valid until the next call of anything here. Throws what the codec throws. */
export function encoded<T>(codec: Encoder<T>, message: T): Uint8Array {
  const kept = writer ?? new BinaryWriter();
  // An encoder that throws leaves it half full: then the next message gets a new one.
  writer = null;
  const inside = codec.encode(message, kept) as unknown as Inside;
  const bytes = inside.buffer.subarray(0, inside.pos);
  inside.pos = 0;
  if (bytes.length <= keptBytesMax) writer = kept;
  return bytes;
}
