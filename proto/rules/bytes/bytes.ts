// Small operations on byte arrays that every rule shares. Nothing here is constant-time: only public values are compared.
import { getTextEncoding } from '@bufbuild/protobuf/wire';

/** No bytes. Shared; never written to. */
export const noBytes = new Uint8Array(0);

/** 32 zero bytes: the hash before the first of a chain. Shared; never written to. */
export const zeroHash = new Uint8Array(32);

/** Same length and same bytes. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** A copy of its own: what is kept for long must not hold on to the whole frame that it came in. */
export function copyBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}

/** One array after the other. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** The bytes of a text of U+0000 to U+007F; throws a RangeError for any other character (a bug of the caller). */
export function asciiBytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0x7f) throw new RangeError('text is not ASCII');
    bytes[i] = code;
  }
  return bytes;
}

/** UTF-8 of a text. */
export function utf8Bytes(text: string): Uint8Array {
  return getTextEncoding().encodeUtf8(text);
}

/** The text of UTF-8 bytes, or null where they are not well-formed. */
export function utf8Text(bytes: Uint8Array): string | null {
  const text = getTextEncoding().decodeUtf8(bytes);
  return equalBytes(utf8Bytes(text), bytes) ? text : null;
}

/** Writes an unsigned 32-bit number, most significant byte first. */
export function putUint32(target: Uint8Array, at: number, value: number): void {
  target[at] = value >>> 24;
  target[at + 1] = (value >>> 16) & 0xff;
  target[at + 2] = (value >>> 8) & 0xff;
  target[at + 3] = value & 0xff;
}
