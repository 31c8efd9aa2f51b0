// Reads a request's JSON body once and strictly: bounded, UTF-8, one object, exactly the fields asked for, each a text of its shape.
import { type Refusal, refuse } from '../codes.ts';
import type { AuthRequest } from './request.ts';

/** One field: what its text must match, and whether it may be missing. */
export interface Field {
  readonly shape: RegExp;
  readonly optional?: boolean;
}

/** The fields that were read. */
export type Fields<Shape extends Readonly<Record<string, Field>>> = {
  readonly [Name in keyof Shape]: Shape[Name] extends { readonly optional: true } ? string | undefined : string;
};

/** The body's fields, or BODY_TOO_LARGE, UNSUPPORTED_MEDIA or BAD_REQUEST. */
export function readFields<Shape extends Readonly<Record<string, Field>>>(
  request: AuthRequest,
  shape: Shape,
  bodyBytesMax: number,
): Fields<Shape> | Refusal {
  if (request.body.length > bodyBytesMax) return refuse('BODY_TOO_LARGE');
  // Asking for this type also keeps other sites' forms out: a browser asks us first before it sends JSON, and we never agree.
  if (!/^application\/json\s*(;|$)/i.test(request.headers['content-type'] ?? '')) return refuse('UNSUPPORTED_MEDIA');
  const value = parse(request.body);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return refuse('BAD_REQUEST');
  for (const name of Object.keys(value)) if (!Object.hasOwn(shape, name)) return refuse('BAD_REQUEST');
  const fields: Record<string, string | undefined> = {};
  for (const [name, field] of Object.entries(shape)) {
    const given = Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
    if (given === undefined && field.optional) fields[name] = undefined;
    else if (typeof given !== 'string' || !field.shape.test(given)) return refuse('BAD_REQUEST');
    else fields[name] = given;
  }
  return fields as Fields<Shape>;
}

function parse(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    // Not UTF-8 or not JSON: undefined is no object, so the caller refuses it.
    return undefined;
  }
}
