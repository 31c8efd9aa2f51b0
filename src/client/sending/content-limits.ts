// How much one may say at once. Above a bound the method that says it rejects with BAD_ARGUMENT and nothing is kept; what comes from others above it
// is not shown where this file says so.
import { Content } from '#proto/gen/content.ts';
import { utf8Bytes } from '#proto/rules/bytes/bytes.ts';
import { ClientError } from '../errors.ts';

/** The bounds, in bytes. */
export const contentLimits = {
  /** Of a message's text, UTF-8. */
  textBytesMax: 16_384,
  /** Of an encoded Content. Encrypted it grows by base64 twice, and must fit the 48 KiB of a body with the longest room id. */
  contentBytesMax: 24_576,
  /** Of an encoded Content in a slot, whose value must fit 4 KiB. */
  slotContentBytesMax: 1_536,
  /** Of a reaction. A longer one of someone else is not counted. */
  reactionBytesMax: 32,
  /** Of a person's name, UTF-8. Someone else's profile with a longer one is not taken. */
  profileNameBytesMax: 128,
  /** Of a person's picture, until attachments are served. Someone else's profile with a larger one is not taken. */
  profilePictureBytesMax: 16_384,
} as const;

/** Is this something to react with: one emoji or a short word, without control characters? */
export function isReaction(emoji: string): boolean {
  return emoji !== '' && utf8Bytes(emoji).length <= contentLimits.reactionBytesMax && !/\p{Cc}/u.test(emoji);
}

/** Throws BAD_ARGUMENT. */
export function needText(text: string): void {
  const { textBytesMax } = contentLimits;
  if (text === '' || utf8Bytes(text).length > textBytesMax)
    throw new ClientError('BAD_ARGUMENT', `A text has 1 to ${textBytesMax} bytes.`);
}

/** Throws BAD_ARGUMENT. `what` names it to people. */
export function needFit(content: Content, bytesMax: number, what: string): void {
  if (Content.encode(content).finish().length > bytesMax)
    throw new ClientError('BAD_ARGUMENT', `A ${what} has at most ${bytesMax} bytes.`);
}

/** May somebody be called so? Not by what breaks a line or turns the writing direction: a name stands beside others' words. */
export function isProfileName(name: string): boolean {
  if (/[\p{Cc}\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069]/u.test(name)) return false;
  return utf8Bytes(name).length <= contentLimits.profileNameBytesMax;
}

/** Is it a JPEG or a WebP, by its first bytes, and small enough? */
export function isProfilePicture(bytes: Uint8Array): boolean {
  if (bytes.length > contentLimits.profilePictureBytesMax) return false;
  const begins = (at: number, ...with_: readonly number[]) => with_.every((byte, n) => bytes[at + n] === byte);
  return begins(0, 0xff, 0xd8, 0xff) || (begins(0, 0x52, 0x49, 0x46, 0x46) && begins(8, 0x57, 0x45, 0x42, 0x50));
}
