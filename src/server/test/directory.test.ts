// Being found by name, with real processes: by who said yes, by nobody else, and not by trying all names.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { LuxchatClient } from '#client/luxchat-client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { searchLimits } from '../directory/searches.ts';
import { eventually, ProviderProcess } from './harness.ts';
import { Liar } from './liar.ts';
import { forgedIdentity, signManifest } from './liar-forger.ts';
import { device } from './liar-scene.ts';

let provider: ProviderProcess;
const clients: LuxchatClient[] = [];
let [ann, ben, cat] = [] as unknown as [LuxchatClient, LuxchatClient, LuxchatClient];

beforeAll(async () => {
  provider = await ProviderProcess.start();
  [ann, ben, cat] = await Promise.all([provider.device('ann'), provider.device('ben'), provider.device('cat')]);
  clients.push(ann, ben, cat);
}, 60_000);

afterAll(async () => {
  await Promise.all(clients.map((client) => client.close()));
  await provider?.remove();
});

const found = async (by: LuxchatClient, text: string) =>
  (await by.directory.search(text)).map(({ user, name }) => [user, name]);

/** Does any file of the provider's folder hold these bytes? */
function onDisk(word: string): string[] {
  const files = readdirSync(provider.folder, { recursive: true, withFileTypes: true }).filter((each) => each.isFile());
  const paths = files.map(({ parentPath, name }) => join(parentPath, name));
  return paths.filter((path) => readFileSync(path).includes(word));
}

it('is up to each person: found by a folded beginning and talked to, found no more, never found', async () => {
  expect(await Promise.all([ann, ben, cat].map((client) => client.directory.listing()))).toEqual(
    Array(3).fill({ choice: 'unasked', name: '' }),
  );
  for (const text of ['ann', 'ben', 'cat']) expect(await found(cat, text)).toEqual([]);

  await ben.directory.setListing('yes', 'Bénédicte Schröder-Xhaka');
  expect(await ben.directory.listing()).toEqual({ choice: 'yes', name: 'Bénédicte Schröder-Xhaka' });
  for (const text of ['bened', 'SCHROD', 'xhaka b', 'Schröder-X'])
    expect(await found(ann, text)).toEqual([[ben.user, 'Bénédicte Schröder-Xhaka']]);

  const [hit] = await ann.directory.search('xha');
  const room = await ann.startDirect(hit!.user);
  await eventually('the invitation is there', () => ben.rooms().some((each) => each.room === room), 20_000, [ben]);
  await ben.accept(room);
  await ann.send(room, 'Moien');
  const read = async () => (await ben.timeline(room)).some(({ content }) => content?.body?.$case === 'text');
  await eventually('it is read', read, 20_000, [ben]);

  await ben.directory.setListing('no');
  expect(await ben.directory.listing()).toEqual({ choice: 'no', name: '' });
  for (const text of ['bened', 'schrod', 'xhaka']) expect(await found(ann, text)).toEqual([]);
  // Whoever has the id needs no directory.
  expect(await found(ann, ben.user)).toEqual([[ben.user, '']]);
  expect(await ann.startDirect(ben.user)).toBe(room);
});

it('is not shown a false identity by a server that lies, where a contact link was handed over', async () => {
  const liar = await Liar.start(provider);
  const dan = await device(provider, 'dan', liar.url);
  clients.push(dan);
  const { user, fingerprint } = dan.readContact(await ben.contactLink());
  expect(user).toBe(ben.user);
  const forged = await forgedIdentity(ben.user);
  const manifest = await signManifest(forged.engine, forged.body, forged.credential);
  liar.down = (told) => {
    if (told.$case !== 'keysAnswer') return told;
    const users = told.value.users.map((keys) => (keys.user === user ? { ...keys, ...forged.keys, manifest } : keys));
    return { ...told, value: { ...told.value, users } };
  };
  await expect(dan.startDirect(user, { fingerprint: fingerprint! })).rejects.toMatchObject({
    code: 'IDENTITY_DIFFERS',
  });
  expect(liar.asked.filter(({ $case }) => $case === 'submit')).toEqual([]);
  liar.repent();
  const room = await dan.startDirect(user, { fingerprint: fingerprint! });
  await eventually('the true one is invited', () => ben.rooms().some((each) => each.room === room), 20_000, [ben]);
  await forged.engine.close();
  await dan.close();
  liar.close();
});

it('leaves nothing of a name that was given up on the disk', async () => {
  expect(onDisk('Bénédicte')).not.toEqual([]);
  await provider.stop();
  await provider.restart();
  expect([onDisk('Bénédicte'), onDisk('benedicte'), onDisk('xhaka')]).toEqual([[], [], []]);
  await ben.synced();
  expect(
    await eventually('ben is back', async () => (await ben.directory.listing().catch(() => null))?.choice === 'no'),
  ).toBe(undefined);
});

it('is not read out by trying names', async () => {
  await eventually('cat is back', async () => (await cat.directory.listing().catch(() => null)) !== null);
  const letters = 'abcdefghijklmnopqrstuvwxyz';
  let tried = 0;
  const began = performance.now();
  const names = Array.from(
    { length: searchLimits.userBurst + 10 },
    (_, n) => `${letters[n % 26]}a${letters[Math.floor(n / 26)]}`,
  );
  for (const name of names) {
    const refused = await cat.directory.search(name).then(
      () => null,
      (error) => error,
    );
    if (refused === null) tried++;
    else expect(refused).toMatchObject({ rejection: Rejection.REJECTION_RATE_LIMITED });
  }
  // One more for each minute that this took.
  expect(tried).toBeGreaterThanOrEqual(searchLimits.userBurst);
  const minutes = Math.ceil((performance.now() - began) / searchLimits.userEveryMs);
  expect(tried).toBeLessThanOrEqual(searchLimits.userBurst + minutes);
  // Others search on.
  await eventually('ann is back', async () => (await ann.directory.search('abc').catch(() => null)) !== null);
});
