// Devices and tokens on the memory store with a clock in hand: rotation, reuse, limits, and what races may not break.
import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { isRefusal, type Refusal, refuse } from './codes.ts';
import { type DeviceIdentity, type Devices, devices, type Revoked, type TokenPair } from './devices.ts';
import { completeAuthLimits, defaultAuthLimits } from './limits.ts';
import { memoryAccounts } from './memory-accounts.ts';
import type { AccountStore } from './ports.ts';
import { sealedNames } from './sealed-names.ts';
import { parseToken } from './tokens.ts';

const user = '@abc:localhost';
const owner = { userId: user, subjectHash: 's'.repeat(43), deviceName: 'phone' };

function setUp(store: AccountStore = memoryAccounts(), { secret = 1 } = {}) {
  const clock = { ms: 1_000_000 };
  const revoked: Revoked[] = [];
  const all = devices({
    store,
    limits: completeAuthLimits(),
    now: () => clock.ms,
    random: randomBytes,
    names: sealedNames(new Uint8Array(32).fill(secret), randomBytes),
    onRevoked: (each) => revoked.push(each),
  });
  return { store, clock, revoked, all };
}

function good<Value extends object>(value: Value | Refusal): Value {
  if (isRefusal(value)) throw new Error(`refused: ${value.refused}`);
  return value;
}

const added = async (all: Devices): Promise<DeviceIdentity & TokenPair> => good(await all.add(owner));

describe('a device', () => {
  it('has an id of ten letters and digits, a number that counts, and tokens that are its own', async () => {
    const { all } = setUp();
    const first = await added(all);
    const second = await added(all);
    expect([await all.standing(user, 2), await all.standing(user, 3)]).toEqual(['live', 'ended']);
    expect(first.deviceId).toMatch(/^[A-Z0-9]{10}$/);
    expect([first.deviceNumber, second.deviceNumber]).toEqual([1, 2]);
    expect(await all.verify(first.accessToken)).toEqual({
      ...{ userId: user, deviceId: first.deviceId, deviceNumber: 1 },
      deviceName: 'phone',
    });
    expect(await all.verify(first.refreshToken)).toBeNull();
    expect(await all.refresh(first.accessToken)).toEqual(refuse('TOKEN_INVALID'));
    expect(await all.verify('')).toBeNull();
    expect(await all.verify(`${first.accessToken.slice(0, -1)}!`)).toBeNull();
  });

  it('number ten is welcome, number eleven is not, and a number is never given twice', async () => {
    const { all } = setUp();
    for (let n = 1; n <= defaultAuthLimits.devicesMax; n++) expect((await added(all)).deviceNumber).toBe(n);
    expect(await all.add(owner)).toEqual(refuse('TOO_MANY_DEVICES'));
    expect(await all.remove(user, 10, 'removed')).toBe(true);
    expect(await all.remove(user, 10, 'removed')).toBe(false);
    expect((await added(all)).deviceNumber).toBe(11);
  });

  it('many added at once get different numbers, and no more than ten live', async () => {
    const { all } = setUp();
    const results = await Promise.all(Array.from({ length: 14 }, () => all.add(owner)));
    const numbers = results.flatMap((each) => (isRefusal(each) ? [] : [each.deviceNumber]));
    expect(numbers.sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  it('that was not heard of for twelve months gives up its place', async () => {
    const { all, clock, revoked } = setUp();
    await added(all);
    clock.ms += defaultAuthLimits.refreshIdleMs - 1;
    for (let n = 2; n <= 10; n++) await added(all);
    expect(await all.add(owner)).toEqual(refuse('TOO_MANY_DEVICES'));
    clock.ms += 1;
    expect((await added(all)).deviceNumber).toBe(11);
    expect(revoked).toMatchObject([{ deviceNumber: 1, reason: 'idle' }]);
  });

  it('that was never finished gives up its place after five minutes', async () => {
    const store = memoryAccounts();
    const broken = setUp({ ...store, writeFamily: async () => Promise.reject(new Error('killed here')) });
    for (let n = 1; n <= 10; n++) await expect(broken.all.add(owner)).rejects.toThrow('killed here');
    const { all, clock } = setUp(store);
    clock.ms += 5 * 60_000 - 1;
    expect(await all.add(owner)).toEqual(refuse('TOO_MANY_DEVICES'));
    clock.ms += 1;
    expect((await added(all)).deviceNumber).toBe(11);
  });
});

describe('tokens', () => {
  it('are kept as SHA-256 hashes only', async () => {
    const { all, store } = setUp();
    const { accessToken, refreshToken } = await added(all);
    const family = await store.readFamily(parseToken('access', accessToken)!.family);
    expect(family?.accessHash).toBe(createHash('sha256').update(accessToken).digest('base64url'));
    expect(family?.refreshHash).toBe(createHash('sha256').update(refreshToken).digest('base64url'));
    expect(JSON.stringify(family)).not.toContain(accessToken.slice(-43));
    expect(JSON.stringify(family)).not.toContain(refreshToken.slice(-43));
  });

  it('access lasts fifteen minutes', async () => {
    const { all, clock } = setUp();
    const { accessToken, accessExpiresMs } = await added(all);
    clock.ms = accessExpiresMs - 1;
    expect(await all.verify(accessToken)).not.toBeNull();
    clock.ms += 1;
    expect(await all.verify(accessToken)).toBeNull();
  });

  it('refresh replaces both, and lasts twelve months from the last time', async () => {
    const { all, clock, revoked } = setUp();
    const first = await added(all);
    clock.ms += defaultAuthLimits.refreshIdleMs - 1;
    const second = good(await all.refresh(first.refreshToken));
    expect(await all.verify(first.accessToken)).toBeNull();
    expect(await all.verify(second.accessToken)).toMatchObject({ deviceNumber: 1 });
    clock.ms += defaultAuthLimits.refreshIdleMs;
    expect(await all.refresh(second.refreshToken)).toEqual(refuse('TOKEN_INVALID'));
    expect(revoked).toMatchObject([{ deviceNumber: 1, reason: 'idle' }]);
  });

  it('a replaced refresh token that comes back after its successor was used ends the device, and that one only', async () => {
    for (const use of ['access', 'refresh'] as const) {
      const { all, revoked } = setUp();
      const other = await added(all);
      const first = await added(all);
      const second = good(await all.refresh(first.refreshToken));
      const newest = use === 'refresh' ? good(await all.refresh(second.refreshToken)) : second;
      if (use === 'access') await all.verify(second.accessToken);
      expect(await all.refresh(first.refreshToken)).toEqual(refuse('TOKEN_REUSED'));
      expect(revoked).toMatchObject([{ deviceNumber: 2, reason: 'reused' }]);
      expect(await all.verify(newest.accessToken)).toBeNull();
      expect(await all.refresh(newest.refreshToken)).toEqual(refuse('TOKEN_INVALID'));
      expect(await all.verify(other.accessToken)).toMatchObject({ deviceNumber: 1 });
    }
  });

  it('a refresh whose answer was lost can be repeated, and only the newest pair counts', async () => {
    const { all, revoked } = setUp();
    const first = await added(all);
    const lost = good(await all.refresh(first.refreshToken));
    const second = good(await all.refresh(first.refreshToken));
    expect(await all.verify(lost.accessToken)).toBeNull();
    expect(await all.verify(second.accessToken)).toMatchObject({ deviceNumber: 1 });
    expect(revoked).toEqual([]);
    expect(await all.refresh(lost.refreshToken)).toEqual(refuse('TOKEN_REUSED'));
    expect(await all.verify(second.accessToken)).toBeNull();
  });

  it('a thief who refreshes first is thrown out as soon as both have moved', async () => {
    const { all, revoked } = setUp();
    const stolen = (await added(all)).refreshToken;
    const thief = good(await all.refresh(stolen));
    await all.verify(thief.accessToken);
    expect(await all.refresh(stolen)).toEqual(refuse('TOKEN_REUSED'));
    expect(await all.refresh(thief.refreshToken)).toEqual(refuse('TOKEN_INVALID'));
    expect(revoked).toHaveLength(1);
  });

  it('refreshed many times at once leave exactly one pair that works', async () => {
    const { all } = setUp();
    const first = await added(all);
    const pairs = await Promise.all(Array.from({ length: 8 }, async () => good(await all.refresh(first.refreshToken))));
    const holders = await Promise.all(pairs.map((pair) => all.verify(pair.accessToken)));
    expect(holders.filter((holder) => holder !== null)).toHaveLength(1);
  });

  it('end with their device, also while someone refreshes', async () => {
    const { all, revoked } = setUp();
    const first = await added(all);
    const [refreshed] = await Promise.all([all.refresh(first.refreshToken), all.remove(user, 1, 'loggedOut')]);
    if (!isRefusal(refreshed)) expect(await all.verify(refreshed.accessToken)).toBeNull();
    expect(await all.verify(first.accessToken)).toBeNull();
    expect(revoked).toEqual([{ userId: user, deviceId: first.deviceId, deviceNumber: 1, reason: 'loggedOut' }]);
  });

  it('of all devices end with the account, which lets its subject go and takes no more devices', async () => {
    const { all, store, revoked } = setUp();
    await store.claimSubject(owner.subjectHash, user);
    const tokens = [await added(all), await added(all)];
    await all.erase(user);
    for (const { accessToken } of tokens) expect(await all.verify(accessToken)).toBeNull();
    expect(revoked).toMatchObject([1, 2].map((deviceNumber) => ({ deviceNumber, reason: 'erased' })));
    expect(await store.userOf(owner.subjectHash)).toBeNull();
    expect(JSON.stringify(await store.readDevices(user))).not.toContain(owner.subjectHash);
    expect(await all.add(owner)).toEqual(refuse('LOGIN_INVALID'));
    await all.erase(user);
    await all.erase('@never:localhost');
  });

  it('of all devices end where the account is deactivated, and its person may log in again', async () => {
    const { all, store, revoked } = setUp();
    await store.claimSubject(owner.subjectHash, user);
    const tokens = [await added(all), await added(all)];
    await all.removeAll(user);
    await all.removeAll(user);
    await all.removeAll('@never:localhost');
    for (const { accessToken } of tokens) expect(await all.verify(accessToken)).toBeNull();
    expect(revoked).toMatchObject([1, 2].map((deviceNumber) => ({ deviceNumber, reason: 'deactivated' })));
    expect(await store.userOf(owner.subjectHash)).toBe(user);
    expect((await added(all)).deviceNumber).toBe(3);
  });

  // The login went on where the account was erased between its place in the list and its tokens: these were good, and led to nobody.
  it('are refused, and worth nothing, where the account was erased while the device was being made', async () => {
    const store = memoryAccounts();
    const eraser = setUp(store);
    let family = '';
    const { all } = setUp({
      ...store,
      writeFamily: async (key, row) => {
        family = key;
        await eraser.all.erase(user);
        return store.writeFamily(key, row);
      },
    });
    expect(await all.add(owner)).toEqual(refuse('LOGIN_INVALID'));
    expect(await store.readFamily(family)).toBeNull();
    expect(await all.standing(user, 1)).toBe('erased');
  });

  it('are worth nothing where the device was still in the list when it got them, and is not any more', async () => {
    const store = memoryAccounts();
    const [looked, taken] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const remover = setUp({
      ...store,
      writeDevices: async (userId, row) => {
        looked.resolve();
        await taken.promise;
        return store.writeDevices(userId, row);
      },
    });
    let removing: Promise<boolean> | undefined;
    const { all } = setUp({
      ...store,
      writeFamily: async (key, row) => {
        removing = remover.all.remove(user, 1, 'removed');
        await looked.promise;
        return store.writeFamily(key, row);
      },
    });
    const { accessToken } = await added(all);
    taken.resolve();
    expect(await removing).toBe(true);
    expect(await all.verify(accessToken)).toBeNull();
    expect(await all.standing(user, 1)).toBe('ended');
  });

  it('end with the device that nobody used for twelve months, also where a crash came between', async () => {
    const store = memoryAccounts();
    const { all, clock } = setUp(store);
    const idle = await added(all);
    const family = parseToken('refresh', idle.refreshToken)?.family ?? '';
    clock.ms += defaultAuthLimits.refreshIdleMs + 1;
    const other = await added(all);
    const [ended] = (await store.sweep(clock.ms, 10)).ended;
    if (!ended) throw new Error('nothing ended');
    const cut = setUp({ ...store, removeFamily: () => Promise.reject(new Error('killed here')) });
    await expect(cut.all.endIdle(ended)).rejects.toThrow('killed here');
    const again = setUp(store);
    for (const each of (await store.sweep(clock.ms, 10)).ended) await again.all.endIdle(each);
    expect(again.revoked).toEqual([{ userId: user, deviceId: idle.deviceId, deviceNumber: 1, reason: 'idle' }]);
    expect(await store.readFamily(family)).toBeNull();
    expect((await store.readDevices(user))?.devices.map(({ number }) => number)).toEqual([2]);
    expect(await all.verify(other.accessToken)).toMatchObject({ deviceNumber: 2 });
    expect((await store.sweep(clock.ms, 10)).ended).toEqual([]);
  });

  it('of an account whose erasure was cut short end when it is repeated', async () => {
    const store = memoryAccounts();
    await store.claimSubject(owner.subjectHash, user);
    const before = setUp(store);
    const { accessToken } = await added(before.all);
    const cut = setUp({ ...store, removeFamily: () => Promise.reject(new Error('killed here')) });
    await expect(cut.all.erase(user)).rejects.toThrow('killed here');
    expect(await before.all.add(owner)).toEqual(refuse('LOGIN_INVALID'));
    await before.all.erase(user);
    expect(await before.all.verify(accessToken)).toBeNull();
    expect(await store.userOf(owner.subjectHash)).toBeNull();
  });
});

// The node of the login kept it in its memory: at any other node the device had none.
describe('the name of a new device', () => {
  const nameOf = async (all: Devices, { accessToken }: TokenPair) => (await all.verify(accessToken))?.deviceName;

  it('is told at every node until the first refresh after its first use, and is kept no longer', async () => {
    const { all, store } = setUp();
    const elsewhere = setUp(store).all;
    const early = await added(all);
    const late = good(await elsewhere.refresh(early.refreshToken));
    expect([await nameOf(elsewhere, late), await nameOf(all, late)]).toEqual(['phone', 'phone']);
    const next = good(await all.refresh(late.refreshToken));
    expect(await nameOf(elsewhere, next)).toBeNull();
    const family = await store.readFamily(parseToken('access', next.accessToken)!.family);
    expect(Object.keys(family ?? {})).not.toContain('sealedName');
  });

  it('stands in no table in clear, and is no one else’s', async () => {
    const { all, store } = setUp();
    const [one, other] = [await added(all), await added(all)];
    const keys = [one, other].map(({ accessToken }) => parseToken('access', accessToken)!.family);
    const [first, second] = [await store.readFamily(keys[0]!), await store.readFamily(keys[1]!)];
    expect(JSON.stringify([first, second])).not.toMatch(/phone|cGhvbm/);
    expect(first?.sealedName).not.toBe(second?.sealedName);
    expect(await nameOf(setUp(store, { secret: 2 }).all, one)).toBeNull();
    for (const sealedName of [first!.sealedName!, '', 'AAAA', '!'])
      expect(
        await nameOf(setUp({ ...store, readFamily: async () => ({ ...second!, used: true, sealedName }) }).all, other),
      ).toBeNull();
  });

  it('is missing where a family was kept before there were any', async () => {
    const { all, store } = setUp();
    const device = await added(all);
    const { sealedName, ...old } = (await store.readFamily(parseToken('access', device.accessToken)!.family))!;
    expect(await nameOf(setUp({ ...store, readFamily: async () => ({ ...old, used: true }) }).all, device)).toBeNull();
  });
});
