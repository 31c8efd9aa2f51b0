// Bytes as text: hex, base32 for ids, base64url for texts to sign, and the crypto library's unpadded base64.
// Decoding is strict: one text for one value. Encoding never fails.

const base32Letters = 'abcdefghijklmnopqrstuvwxyz234567';
const base64Letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const base64UrlLetters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const base64Values = new Map(Array.from(base64Letters, (letter, value) => [letter, value]));

/** Lower-case hexadecimal. */
export function toHex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += (byte < 16 ? '0' : '') + byte.toString(16);
  return text;
}

/** Bytes of lower-case hexadecimal, or null where the text is anything else. */
export function fromHex(text: string): Uint8Array | null {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/.test(text)) return null;
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

/** RFC 4648 base32, lower case, without padding. */
export function toBase32(bytes: Uint8Array): string {
  return encode(bytes, base32Letters, 5);
}

/** RFC 4648 base64url, without padding. */
export function toBase64Url(bytes: Uint8Array): string {
  return encode(bytes, base64UrlLetters, 6);
}

/** RFC 4648 base64 without padding, as keys and signatures stand in the crypto library's JSON. */
export function toBase64(bytes: Uint8Array): string {
  return encode(bytes, base64Letters, 6);
}

/** Bytes of unpadded base64, or null: a foreign letter, padding, an impossible length, or spare bits that are not zero. */
export function fromBase64(text: string): Uint8Array | null {
  if (text.length % 4 === 1) return null;
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4));
  let bits = 0;
  let pending = 0;
  let at = 0;
  for (const letter of text) {
    const value = base64Values.get(letter);
    if (value === undefined) return null;
    bits = ((bits << 6) | value) & 0xffff;
    pending += 6;
    if (pending < 8) continue;
    pending -= 8;
    bytes[at++] = (bits >>> pending) & 0xff;
  }
  return (bits & ((1 << pending) - 1)) === 0 ? bytes : null;
}

function encode(bytes: Uint8Array, letters: string, width: number): string {
  let text = '';
  let bits = 0;
  let pending = 0;
  for (const byte of bytes) {
    bits = ((bits << 8) | byte) & 0xfff;
    pending += 8;
    while (pending >= width) {
      pending -= width;
      text += letters[(bits >>> pending) & ((1 << width) - 1)];
    }
  }
  return pending === 0 ? text : text + letters[(bits << (width - pending)) & ((1 << width) - 1)];
}
