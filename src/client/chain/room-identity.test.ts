// Which identity counts where: Ben is known to Ada as he was, and the chain names another one, of which his newest list is.
import { describe, expect, it } from 'vitest';
import type { Known } from '../devices/known.ts';
import type { Parts } from '../parts.ts';
import type { Chain } from './chain.ts';
import { identityIn, isSignedInHere } from './room-identity.ts';

const [old, anew, adas, forged, none] = [1, 2, 3, 4, 0].map((fill) => new Uint8Array(fill ? 32 : 0).fill(fill));
const [ada, ben] = ['@ada:localhost', '@ben:localhost'];
type Key = Uint8Array | undefined;

interface Setting {
  readonly direct?: boolean;
  readonly bens?: { readonly fingerprint: Key; readonly changedTo: Key } | undefined;
  readonly by?: { readonly user: string; readonly fingerprint: Key } | undefined;
  readonly ada?: Key;
}

function room({ direct = true, bens = { fingerprint: old, changedTo: anew }, by, ada: named = adas }: Setting) {
  const known = new Map([
    [ada, { fingerprint: adas, changedTo: none }],
    [ben, bens],
  ]);
  const chain = {
    state: { policy: { direct } },
    memberOf: (user: string) => (user === ada ? 1 : 2),
    person: (member: number) => (member === 1 ? { user: ada, fingerprint: named } : { user: ben, fingerprint: anew }),
    renewedBy: (member: number) => (member === 2 ? by : undefined),
  };
  const people = { get: (user: string) => known.get(user) as Known | undefined };
  return {
    chain: chain as unknown as Chain,
    ports: { parts: { user: ada, people } as unknown as Pick<Parts, 'people' | 'user'> },
  };
}

const counts = (setting: Setting) =>
  identityIn(room(setting), {
    member: 2,
    user: ben,
    fingerprint: anew as Uint8Array,
    bot: false,
    salt: new Uint8Array(),
  });

describe('in a 1:1 room', () => {
  it('a changed identity that the chain names does not count by itself: the one of before does', () => {
    expect(counts({})).toBe(old);
  });

  it.each([
    ['this user signed it in', { by: { user: ada, fingerprint: adas } }],
    ['a person approved it', { bens: { fingerprint: anew, changedTo: none } }],
    ['the chain still names the one of before an approved one', { bens: { fingerprint: forged, changedTo: none } }],
  ])('the one that the chain names counts where %s', (_, setting) => {
    expect(counts(setting)).toBe(anew);
  });

  it.each([
    ['the other signed for this user', { by: { user: ben, fingerprint: adas } }],
    ['another identity of this user did', { by: { user: ada, fingerprint: forged } }],
    ['the chain names another identity of this user now', { by: { user: ada, fingerprint: adas }, ada: forged }],
  ])('it is not signed in where %s', (_, setting) => {
    expect(isSignedInHere(room(setting), ben)).toBe(false);
    expect(counts(setting)).toBe(old);
  });
});

it('in a group the one that the chain names counts, by the word of whoever let them in', () => {
  expect(counts({ direct: false })).toBe(anew);
});
