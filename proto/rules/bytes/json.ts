// The crypto library's JSON, read strictly and written canonically: signatures cover the canonical form of an object without its
// `signatures` and `unsigned`. A text that two parsers could read differently (a key twice, a fraction, a huge number) is refused.

import { limits } from '../limits.ts';
import { utf8Bytes, utf8Text } from './bytes.ts';

/** An object keeps its keys in a Map, so that `__proto__` is a key like others. */
export type JsonObject = ReadonlyMap<string, JsonValue>;
/** Any value; numbers are integers of at most 2^53 - 1. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject;

const integer = /-?(?:0|[1-9][0-9]{0,15})(?![0-9.eE])/y;
const string = /"(?:[^"\\]|\\.)*"/y;
const blank = /[ \t\n\r]*/y;
const notSigned: ReadonlySet<string> = new Set(['signatures', 'unsigned']);

class Malformed extends Error {}

/**
 * Parses one object. Null where the bytes are longer than `limits.keyJsonBytesMax` (or `bytesMax`), not UTF-8, not exactly one object,
 * deeper than `limits.keyJsonDepthMax`, hold a key twice, half a surrogate pair, or a number that is no integer within 2^53 - 1.
 */
export function parseJsonObject(bytes: Uint8Array, bytesMax: number = limits.keyJsonBytesMax): JsonObject | null {
  if (bytes.length > bytesMax) return null;
  const text = utf8Text(bytes);
  if (text === null) return null;
  const cursor: Cursor = { text, at: 0 };
  try {
    const value = readValue(cursor, 1);
    take(cursor, blank);
    return value instanceof Map && cursor.at === text.length ? value : null;
  } catch (error) {
    if (error instanceof Malformed) return null;
    throw error;
  }
}

/** The canonical text: keys by code point, no blanks, shortest escapes. */
export function canonicalJson(value: JsonValue): string {
  if (isObject(value)) return objectText(value, () => true);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  return JSON.stringify(value);
}

/** The bytes that a signature over this object covers. */
export function signedJsonBytes(object: JsonObject): Uint8Array {
  return utf8Bytes(objectText(object, (key) => !notSigned.has(key)));
}

/** The object under a key, or null. */
export function objectAt(object: JsonObject, key: string): JsonObject | null {
  const value = object.get(key);
  return value !== undefined && isObject(value) ? value : null;
}

/** The text under a key, or null. */
export function textAt(object: JsonObject, key: string): string | null {
  const value = object.get(key);
  return typeof value === 'string' ? value : null;
}

interface Cursor {
  readonly text: string;
  at: number;
}

function isObject(value: JsonValue): value is JsonObject {
  return value instanceof Map;
}

function objectText(object: JsonObject, keep: (key: string) => boolean): string {
  const keys = [...object.keys()].filter(keep).sort(byCodePoint);
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonicalJson(object.get(key)!)}`).join(',')}}`;
}

/** UTF-16 order differs from code point order where a surrogate meets U+E000 to U+FFFF. */
function byCodePoint(a: string, b: string): number {
  const left = Array.from(a, (letter) => letter.codePointAt(0)!);
  const right = Array.from(b, (letter) => letter.codePointAt(0)!);
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    if (left[i] !== right[i]) return left[i]! - right[i]!;
  }
  return left.length - right.length;
}

function take(cursor: Cursor, pattern: RegExp): string | null {
  pattern.lastIndex = cursor.at;
  const found = pattern.exec(cursor.text);
  if (found === null) return null;
  cursor.at = pattern.lastIndex;
  return found[0];
}

function takeLetter(cursor: Cursor, letter: string): boolean {
  take(cursor, blank);
  if (cursor.text[cursor.at] !== letter) return false;
  cursor.at += 1;
  return true;
}

function readValue(cursor: Cursor, depth: number): JsonValue {
  if (depth > limits.keyJsonDepthMax) throw new Malformed();
  if (takeLetter(cursor, '{')) return readObject(cursor, depth);
  if (takeLetter(cursor, '[')) return readArray(cursor, depth);
  if (cursor.text[cursor.at] === '"') return readText(cursor);
  for (const [word, value] of [
    ['true', true],
    ['false', false],
    ['null', null],
  ] as const) {
    if (!cursor.text.startsWith(word, cursor.at)) continue;
    cursor.at += word.length;
    return value;
  }
  const digits = take(cursor, integer);
  const number = Number(digits);
  if (digits === null || digits === '-0' || !Number.isSafeInteger(number)) throw new Malformed();
  return number;
}

function readText(cursor: Cursor): string {
  const quoted = take(cursor, string);
  if (quoted === null) throw new Malformed();
  let text: unknown;
  try {
    text = JSON.parse(quoted);
  } catch {
    // A raw control character or an unknown escape.
    throw new Malformed();
  }
  if (typeof text !== 'string' || !text.isWellFormed()) throw new Malformed();
  return text;
}

function readObject(cursor: Cursor, depth: number): JsonObject {
  const object = new Map<string, JsonValue>();
  if (takeLetter(cursor, '}')) return object;
  for (;;) {
    take(cursor, blank);
    const key = readText(cursor);
    if (object.has(key) || !takeLetter(cursor, ':')) throw new Malformed();
    object.set(key, readValue(cursor, depth + 1));
    if (takeLetter(cursor, '}')) return object;
    if (!takeLetter(cursor, ',')) throw new Malformed();
  }
}

function readArray(cursor: Cursor, depth: number): JsonValue[] {
  const array: JsonValue[] = [];
  if (takeLetter(cursor, ']')) return array;
  for (;;) {
    array.push(readValue(cursor, depth + 1));
    if (takeLetter(cursor, ']')) return array;
    if (!takeLetter(cursor, ',')) throw new Malformed();
  }
}
