// What is left of an account that is closed while a request of one of its devices is under way: over the real parts and stores in memory.
import { randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import type { ServedRequest } from '#actors/kernel/messages.ts';
import { ListingChoice } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { type AccountParts, answerOpen, closeAccount } from './account-closing.ts';
import { type Devices, devices } from './auth/devices.ts';
import { completeAuthLimits } from './auth/limits.ts';
import { memoryAccounts } from './auth/memory-accounts.ts';
import { sealedNames } from './auth/sealed-names.ts';
import { Backups } from './backup/backups.ts';
import { Directory } from './directory/directory.ts';
import { nodePrimitives } from './primitives.ts';
import type { Serve } from './serving.ts';
import { MemoryBackups } from './storage/memory/backups.ts';
import { MemoryDirectory } from './storage/memory/directory.ts';

const user = '@ann:lux.example';
const name = 'Ann Weber';
const grant = { token: 'lxg_', attempt: new Uint8Array(16) };
const list: ServedRequest = { $case: 'setListing', value: { choice: ListingChoice.LISTING_CHOICE_YES, name } };
const begin: ServedRequest = { $case: 'createBackup', value: { version: 1, header: new Uint8Array(8), grant } };
const done = { $case: 'done' };
const notLoggedIn = { value: { code: Rejection.REJECTION_NOT_LOGGED_IN } };

let logins: Devices;
let stores: { readonly directory: MemoryDirectory; readonly backups: MemoryBackups };
let parts: AccountParts;
let serve: Serve;
beforeEach(async () => {
  const names = sealedNames(new Uint8Array(32), randomBytes);
  const common = { limits: completeAuthLimits(), now: Date.now, random: randomBytes, names, onRevoked: () => {} };
  logins = devices({ store: memoryAccounts(), ...common });
  stores = { directory: new MemoryDirectory(), backups: new MemoryBackups() };
  const directory = new Directory({ store: stores.directory, isBot: () => false, now: Date.now });
  const useGrant = async () => true;
  const backups = new Backups({ store: stores.backups, useGrant, primitives: nodePrimitives, now: Date.now });
  const login = {
    endDevices: logins.removeAll,
    eraseAccount: logins.erase,
    standing: logins.standing,
  };
  parts = { login: async () => login, directory, backups };
  serve = ({ body, device }) =>
    body.$case === 'setListing'
      ? directory.serve({ user, body })
      : backups.serve({ user, device, body: body as typeof begin });
  for (const deviceName of ['phone', 'tablet']) await logins.add({ userId: user, subjectHash: 's', deviceName });
});

const ask = (body: ServedRequest, device = 1, by = serve) => answerOpen(parts, { user, device, body }, by);
/** `closing` happens when the request was let through, and before it writes. */
const late =
  (closing: () => Promise<unknown>): Serve =>
  async (request) => {
    await closing();
    return serve(request);
  };
const left = async () => ({
  listing: (await stores.directory.readListing(user))?.name,
  version: (await stores.backups.readHead(user))?.version ?? 0,
});

it('what a device writes stays, and goes with the account', async () => {
  expect([await ask(list), await ask(begin)]).toMatchObject([done, done]);
  expect(await left()).toEqual({ listing: name, version: 1 });
  await closeAccount(parts, user, 'deactivate');
  expect(await left()).toEqual({ listing: undefined, version: 1 });
  await closeAccount(parts, user, 'erase');
  await closeAccount(parts, user, 'erase');
  expect(await left()).toEqual({ listing: undefined, version: 0 });
});

describe('a request that comes behind the closing of its account', () => {
  it.each([
    ['listing', list],
    ['backup', begin],
  ])('leaves no %s of an erased one', async (_, body) => {
    const erasing = late(() => closeAccount(parts, user, 'erase'));
    expect(await ask(body, 1, erasing)).toMatchObject(notLoggedIn);
    expect(await left()).toEqual({ listing: undefined, version: 0 });
  });

  it('leaves no listing of one that was deactivated, and its backup', async () => {
    const deactivating = late(() => closeAccount(parts, user, 'deactivate'));
    expect(await ask(list, 1, deactivating)).toMatchObject(notLoggedIn);
    expect(await ask(begin, 1, deactivating)).toMatchObject(notLoggedIn);
    expect(await left()).toEqual({ listing: undefined, version: 1 });
  });

  it('leaves nothing where it failed, too: it may have been done', async () => {
    const failing: Serve = async (request) => {
      await late(() => closeAccount(parts, user, 'erase'))(request);
      throw new Error('the answer was lost');
    };
    for (const body of [list, begin]) await expect(ask(body, 1, failing)).rejects.toThrow('was lost');
    expect(await left()).toEqual({ listing: undefined, version: 0 });
  });
});

it('what a device wrote that was removed meanwhile is taken back, and nothing of the others', async () => {
  await ask(begin);
  const removing = late(() => logins.remove(user, 1, 'removed'));
  expect(await ask(list, 1, removing)).toMatchObject(notLoggedIn);
  expect(await left()).toEqual({ listing: undefined, version: 1 });
  expect(await ask(list, 2)).toMatchObject(done);
  expect(await left()).toEqual({ listing: name, version: 1 });
});

it('what only reads, or was refused, asks nobody', async () => {
  const closed = { ...parts, login: () => Promise.reject(new Error('asked')) };
  const read: ServedRequest = { $case: 'readListing', value: {} };
  const reading: Serve = async () => ({ $case: 'listing', value: { choice: 0, name: '' } });
  expect(await answerOpen(closed, { user, device: 1, body: read }, reading)).toMatchObject({ $case: 'listing' });
  const refused = { ...begin, value: { ...begin.value, version: 2 } } as ServedRequest;
  const stale = { value: { code: Rejection.REJECTION_STALE_STATE } };
  expect(await answerOpen(closed, { user, device: 1, body: refused }, serve)).toMatchObject(stale);
});
