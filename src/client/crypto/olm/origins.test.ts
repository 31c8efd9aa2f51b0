// How many makers of sessions wait to be met, where nobody is met for long.
import { expect, it } from 'vitest';
import { MemoryLedger } from '../ledger.ts';
import { makersMax, Owners } from './origins.ts';
import type { Machine, Requests } from './requests.ts';

/** The keys that are met after these were heard, in order. */
async function metAfter(keys: readonly string[]): Promise<string[]> {
  const met: string[] = [];
  const olm = {
    getUserDevices: async (user: { toString(): string }) => {
      met.push(user.toString());
      return { devices: () => [] };
    },
    queryKeysForUsers: () => undefined,
  };
  const owners = new Owners(
    { olm } as unknown as Machine,
    { perform: async () => {} } as unknown as Requests,
    new MemoryLedger(),
  );
  for (const key of keys) owners.heard(`@${key}:x`, '!room:x', key);
  await owners.meet();
  return met;
}

const keys = Array.from({ length: makersMax + 1 }, (_, n) => `k${n}`);
const users = keys.map((key) => `@${key}:x`);

it('as many as fit are all met, also one that is heard of again', async () => {
  const fitting = keys.slice(0, makersMax);
  expect(await metAfter(fitting)).toEqual(users.slice(0, makersMax));
  expect(await metAfter([...fitting, keys[1] as string])).toEqual(users.slice(0, makersMax));
});

it('of one more the oldest is let go of', async () => {
  expect(await metAfter(keys)).toEqual(users.slice(1));
});
