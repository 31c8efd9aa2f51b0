// The shape of every id, and the two kinds of room ids that are made, not chosen. An id that passes here is ASCII and lower case
// (device ids: upper case), so comparing texts is comparing bytes. Whether the thing exists is not said.
import { toBase32 } from './bytes/base.ts';
import { asciiBytes, concatBytes } from './bytes/bytes.ts';
import { limits } from './limits.ts';
import type { Primitives } from './primitives.ts';

const providerLabel = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const userName = /^[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?$/;
const roomName = /^[gd][a-z2-7]{32}$/;
const deviceId = /^[A-Z0-9]+$/;

/** Bytes of a hash that go into a room id: 160 bits are 32 letters without a rest. */
const roomIdHashBytes = 20;
const directLabel = asciiBytes('luxchat direct v1\0');
const separator = new Uint8Array(1);

/** The two halves of `@name:provider`. */
export interface UserIdParts {
  readonly name: string;
  readonly provider: string;
}

/** The parts of `!name:provider`: `g…` are groups, `d…` rooms of two. */
export interface RoomIdParts {
  readonly direct: boolean;
  readonly name: string;
  /** Where the room was born; not necessarily its hub. */
  readonly provider: string;
}

/** A provider's name: DNS-like, lower case, labels of 1 to 63 letters, digits and inner hyphens, 1 to 64 characters in all. */
export function isProvider(text: string): boolean {
  return text.length <= limits.providerCharactersMax && text.split('.').every((label) => providerLabel.test(label));
}

/** Splits a user id; null where it is none. The name: 1 to 64 of `a-z 0-9 . _ -`, a letter or digit at both ends. */
export function parseUserId(text: string): UserIdParts | null {
  const colon = text.indexOf(':');
  if (text[0] !== '@' || colon < 0) return null;
  const name = text.slice(1, colon);
  const provider = text.slice(colon + 1);
  if (name.length > limits.userNameCharactersMax || !userName.test(name) || !isProvider(provider)) return null;
  return { name, provider };
}

/** Is it a well-formed user id? */
export function isUserId(text: string): boolean {
  return parseUserId(text) !== null;
}

/** Splits a room id; null where it is none. */
export function parseRoomId(text: string): RoomIdParts | null {
  const name = text.slice(1, 34);
  if (text[0] !== '!' || text[34] !== ':' || !roomName.test(name)) return null;
  const provider = text.slice(35);
  return isProvider(provider) ? { direct: name[0] === 'd', name, provider } : null;
}

/** Is it a well-formed room id? */
export function isRoomId(text: string): boolean {
  return parseRoomId(text) !== null;
}

/** A device id: 1 to 32 of `A-Z 0-9`. */
export function isDeviceId(text: string): boolean {
  return text.length <= limits.deviceIdCharactersMax && deviceId.test(text);
}

/** The id of a group, from the hash of its genesis entry (32 bytes) and the provider it is born at. */
export function groupRoomId(genesisHash: Uint8Array, provider: string): string {
  return `!g${toBase32(genesisHash.subarray(0, roomIdHashBytes))}:${provider}`;
}

/** The id of the one room of two users, whoever asks. Throws a RangeError for ids that are malformed or equal (a bug of the caller). */
export function directRoomId(one: string, other: string, primitives: Primitives): string {
  const [smaller, larger] = one < other ? [one, other] : [other, one];
  const home = parseUserId(smaller);
  if (home === null || !isUserId(larger) || smaller === larger) throw new RangeError('a 1:1 room needs two user ids');
  const hash = primitives.sha256(concatBytes(directLabel, asciiBytes(smaller), separator, asciiBytes(larger)));
  return `!d${toBase32(hash.subarray(0, roomIdHashBytes))}:${home.provider}`;
}
