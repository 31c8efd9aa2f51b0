// JSON of the crypto library at the border: taken apart once where it leaves the library, put together as text where it
// comes back. What others signed is never parsed and written again: their bytes are placed between ours.

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/** A JSON value. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
/** A JSON object. */
export type JsonObject = { [key: string]: Json };

/** The object in `text`. Throws SyntaxError on anything else. */
export function parseObject(text: string): JsonObject {
  const value: Json = JSON.parse(text);
  if (!isObject(value)) throw new SyntaxError('Not a JSON object');
  return value;
}

/** `value` as an object, an empty one if it is anything else. */
export function objectOf(value: Json | undefined): JsonObject {
  return value !== undefined && isObject(value) ? value : {};
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The text of an object that others wrote, to be placed in JSON of ours, or undefined if it is not exactly one JSON
 * object in UTF-8 (else it could close ours and add to it). */
export function foreignObject(bytes: Uint8Array): string | undefined {
  try {
    const text = decoder.decode(bytes);
    parseObject(text);
    return text;
  } catch {
    // Not UTF-8, no JSON, or no object.
    return undefined;
  }
}

/** An object of ready-made JSON texts. */
export function joinObject(entries: Iterable<readonly [string, string]>): string {
  return `{${[...entries].map(([key, text]) => `${JSON.stringify(key)}:${text}`).join(',')}}`;
}

/** Canonical JSON (keys sorted, no spaces), the form that signatures cover, as bytes. */
export function canonicalBytes(value: Json): Uint8Array<ArrayBuffer> {
  return encoder.encode(canonical(value));
}

function canonical(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const keys = Object.keys(value).sort(byCodePoint);
  return joinObject(keys.map((key) => [key, canonical(value[key] ?? null)] as const));
}

// Sorting by UTF-16 differs from code points above U+FFFF; comparing UTF-8 bytes does not.
function byCodePoint(a: string, b: string): number {
  const [x, y] = [encoder.encode(a), encoder.encode(b)];
  for (let at = 0; at < Math.min(x.length, y.length); at += 1) {
    const difference = (x[at] ?? 0) - (y[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return x.length - y.length;
}

/** UTF-8 of a text. */
export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text);
}
