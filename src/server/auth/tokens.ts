// Tokens as devices hold them: opaque, 256 random bits behind the key of their family. The server keeps SHA-256 hashes only, so whoever reads its
// tables can't use what they find. Kinds are told apart by their first letters, so one never passes for the other.
import { createHash } from 'node:crypto';

/** What a token is for. */
export type TokenKind = 'access' | 'refresh';

/** Makes random bytes. */
export type RandomBytes = (length: number) => Uint8Array;

/** A token taken apart. */
export interface ParsedToken {
  /** Key of its family in the store. */
  readonly family: string;
  readonly hash: string;
}

const prefixes: Readonly<Record<TokenKind, string>> = { access: 'lxa_', refresh: 'lxr_' };
const familyBytes = 16;
const secretBytes = 32;
const grantPrefix = 'lxg_';
const grantShape = /^lxg_[A-Za-z0-9_-]{43}$/;
const shape = /^(lx[ar]_)([A-Za-z0-9_-]{22})[A-Za-z0-9_-]{43}$/;

/** A key for a new family: 128 random bits. */
export function newFamilyKey(random: RandomBytes): string {
  return base64url(random(familyBytes));
}

/** A new token of a family: 69 characters of `A-Z a-z 0-9 _ -`. */
export function newToken(kind: TokenKind, family: string, random: RandomBytes): string {
  return prefixes[kind] + family + base64url(random(secretBytes));
}

/** A one-time value for `state` and login codes: 256 random bits, 43 characters. */
export function newOneTimeValue(random: RandomBytes): string {
  return base64url(random(secretBytes));
}

/** A new grant of a step-up: 256 random bits behind its first letters, 47 characters. */
export function newGrant(random: RandomBytes): string {
  return grantPrefix + base64url(random(secretBytes));
}

/** Can it be a grant? Says nothing about whether it is good. */
export function isGrant(token: string): boolean {
  return grantShape.test(token);
}

/** Takes a token apart; null where it can't be one of this kind. Says nothing about whether it is good. */
export function parseToken(kind: TokenKind, token: string): ParsedToken | null {
  const [, prefix, family = ''] = shape.exec(token) ?? [];
  return prefix === prefixes[kind] ? { family, hash: hashOf(token) } : null;
}

/** SHA-256 as base64url: under this, tokens and one-time values are kept. */
export function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url');
}
