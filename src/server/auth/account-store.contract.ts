// What every account store must do: run by memory, the embedded store and Cassandra.
import { afterEach, expect, it } from 'vitest';
import type { AccountStore, DeviceRow, LoginAttempt, PendingLogin, StepUpGrant, TokenFamily } from './ports.ts';

/** A store under test. `reopen` closes and opens it again over the same data; memory has none. */
export interface OpenedAccounts {
  readonly store: AccountStore;
  readonly reopen?: () => Promise<AccountStore>;
  readonly close?: () => Promise<void>;
}

const hash = (letter: string) => letter.repeat(43);
const attempt: LoginAttempt = { redirect: 'http://127.0.0.1:1/x', challenge: hash('c'), expiresMs: 1000 };
const login: PendingLogin = { subjectHash: hash('s'), challenge: hash('c'), expiresMs: 1000 };
const grant: StepUpGrant = { userId: '@abc:localhost', deviceNumber: 1, purpose: 'backup', expiresMs: 1000 };
const device = { number: 1, id: 'ABCDEFGHJ1', family: 'f1', createdMs: 5 };
const row: DeviceRow = { version: 1, lastNumber: 1, subjectHash: hash('s'), erased: false, devices: [device] };
const family: TokenFamily = {
  version: 1,
  userId: '@abc:localhost',
  deviceId: 'ABCDEFGHJ1',
  deviceNumber: 1,
  accessHash: hash('a'),
  accessExpiresMs: 900_000,
  refreshHash: hash('r'),
  previousHash: '',
  used: false,
  expiresMs: 1000,
  sealedName: 'c2VhbGVk',
};
const many = Array.from({ length: 20 }, (_, at) => at);

/** Runs the suite over stores that `open` makes: a fresh empty one at each call. */
export function accountStoreContract(open: () => Promise<OpenedAccounts>): void {
  const opened: OpenedAccounts[] = [];
  const fresh = async () => {
    const made = await open();
    opened.push(made);
    return made;
  };
  afterEach(async () => {
    for (const made of opened.splice(0)) await made.close?.();
  });

  it('hands an attempt and a login to one taker only', async () => {
    const { store } = await fresh();
    await store.putAttempt('k', attempt);
    await store.putLogin('k', login);
    const attempts = await Promise.all(many.map(() => store.takeAttempt('k')));
    const logins = await Promise.all(many.map(() => store.takeLogin('k')));
    expect(attempts.filter((each) => each !== null)).toEqual([attempt]);
    expect(logins.filter((each) => each !== null)).toEqual([login]);
    expect(await store.takeAttempt('never')).toBeNull();
    expect(await store.takeLogin('never')).toBeNull();
  });

  it('keeps what a login was begun for', async () => {
    const { store } = await fresh();
    await store.putAttempt('k', { ...attempt, purpose: 'identity' });
    await store.putLogin('k', { ...login, purpose: 'backup' });
    expect(await store.takeAttempt('k')).toEqual({ ...attempt, purpose: 'identity' });
    expect(await store.takeLogin('k')).toEqual({ ...login, purpose: 'backup' });
  });

  it('binds a grant to one attempt of all that ask at once, and to that one for good', async () => {
    const { store } = await fresh();
    await store.putGrant('k', grant);
    const answers = await Promise.all(many.map((at) => store.useGrant('k', `attempt ${at}`)));
    expect(answers.filter(Boolean)).toHaveLength(1);
    const bound = answers.indexOf(true);
    for (const at of many) expect(await store.useGrant('k', `attempt ${at}`)).toBe(at === bound);
    const again = await Promise.all(many.map(() => store.useGrant('k', `attempt ${bound}`)));
    expect(again).toEqual(many.map(() => true));
    expect(await store.readGrant('k')).toEqual(grant);
    expect(await store.readGrant('never')).toBeNull();
    expect(await store.useGrant('never', 'attempt 1')).toBe(false);
    expect(await store.readGrant('never')).toBeNull();
  });

  it('reserves an id once, for ever', async () => {
    const { store } = await fresh();
    const answers = await Promise.all(many.map(() => store.reserveUserId('@abc:localhost')));
    expect(answers.filter(Boolean)).toHaveLength(1);
    await store.claimSubject(hash('s'), '@abc:localhost');
    await store.releaseSubject(hash('s'), '@abc:localhost');
    expect(await store.reserveUserId('@abc:localhost')).toBe(false);
    expect(await store.reserveUserId('@abd:localhost')).toBe(true);
  });

  it('gives a subject to one user, and all who ask hear the same', async () => {
    const { store } = await fresh();
    expect(await store.userOf(hash('s'))).toBeNull();
    const holders = await Promise.all(many.map((at) => store.claimSubject(hash('s'), `@u${at}:localhost`)));
    expect(new Set(holders).size).toBe(1);
    expect(await store.userOf(hash('s'))).toBe(holders[0]);
    expect(await store.claimSubject(hash('t'), '@other:localhost')).toBe('@other:localhost');
  });

  it('lets go of a subject for its holder only, and then it is free', async () => {
    const { store } = await fresh();
    await store.claimSubject(hash('s'), '@abc:localhost');
    expect(await store.releaseSubject(hash('s'), '@other:localhost')).toBe(false);
    expect(await store.userOf(hash('s'))).toBe('@abc:localhost');
    expect(await store.releaseSubject(hash('s'), '@abc:localhost')).toBe(true);
    expect(await store.releaseSubject(hash('s'), '@abc:localhost')).toBe(false);
    expect(await store.claimSubject(hash('s'), '@new:localhost')).toBe('@new:localhost');
  });

  it('changes devices only from the version that was read', async () => {
    const { store } = await fresh();
    expect(await store.readDevices('@abc:localhost')).toBeNull();
    expect(await store.writeDevices('@abc:localhost', { ...row, version: 2 })).toBe(false);
    const answers = await Promise.all(
      many.map((at) => store.writeDevices('@abc:localhost', { ...row, lastNumber: at })),
    );
    expect(answers.filter(Boolean)).toHaveLength(1);
    const kept = await store.readDevices('@abc:localhost');
    expect(kept).toEqual({ ...row, lastNumber: answers.indexOf(true) });
    expect(await store.writeDevices('@abc:localhost', { ...row, version: 2, lastNumber: 7, devices: [] })).toBe(true);
    expect(await store.writeDevices('@abc:localhost', { ...row, version: 2, lastNumber: 8, devices: [] })).toBe(false);
    expect(await store.readDevices('@abc:localhost')).toEqual({ ...row, version: 2, lastNumber: 7, devices: [] });
    expect(await store.readDevices('@abd:localhost')).toBeNull();
  });

  it('changes a family only from the version that was read, and never brings a removed one back', async () => {
    const { store } = await fresh();
    expect(await store.readFamily('f1')).toBeNull();
    expect(await store.writeFamily('f1', { ...family, version: 2 })).toBe(false);
    expect(await store.writeFamily('f1', family)).toBe(true);
    expect(await store.writeFamily('f1', family)).toBe(false);
    expect(await store.readFamily('f1')).toEqual(family);
    const next = many.map((at) => ({ ...family, version: 2, deviceNumber: at + 1 }));
    const answers = await Promise.all(next.map((each) => store.writeFamily('f1', each)));
    expect(answers.filter(Boolean)).toHaveLength(1);
    expect(await store.readFamily('f1')).toEqual(next[answers.indexOf(true)]);
    const { sealedName, ...unnamed } = family;
    expect(await store.writeFamily('f1', { ...unnamed, version: 3 })).toBe(true);
    expect(await store.readFamily('f1')).toEqual({ ...unnamed, version: 3 });
    const removals = await Promise.all(many.map(() => store.removeFamily('f1')));
    expect(removals.filter(Boolean)).toHaveLength(1);
    expect(await store.writeFamily('f1', { ...family, version: 4 })).toBe(false);
    expect(await store.readFamily('f1')).toBeNull();
  });

  it('keeps its own copies', async () => {
    const { store } = await fresh();
    const given = { ...row, devices: [{ ...device }] };
    await store.writeDevices('@abc:localhost', given);
    given.devices.length = 0;
    const read = await store.readDevices('@abc:localhost');
    expect(read).toEqual(row);
    (read as unknown as { devices: unknown[] }).devices.length = 0;
    expect(await store.readDevices('@abc:localhost')).toEqual(row);
  });

  it('sweeps attempts, logins and grants that have ended and names such families, no more than asked, and nothing that lives', async () => {
    const { store } = await fresh();
    for (const at of many) await store.putAttempt(`k${at}`, { ...attempt, expiresMs: 100 + at });
    await store.putLogin('l', { ...login, expiresMs: 100 });
    await store.putGrant('g', { ...grant, expiresMs: 100 });
    await store.putGrant('used', { ...grant, expiresMs: 100 });
    expect(await store.useGrant('used', 'one')).toBe(true);
    const gone = { ...family, expiresMs: 100 };
    await store.writeFamily('f1', gone);
    await store.putAttempt('alive', { ...attempt, expiresMs: 500 });
    await store.putLogin('alive', { ...login, expiresMs: 501 });
    await store.putGrant('alive', { ...grant, expiresMs: 501 });
    expect(await store.useGrant('alive', 'one')).toBe(true);
    await store.writeFamily('alive', { ...family, expiresMs: 501 });
    await store.writeFamily('refreshed', gone);
    await store.writeFamily('refreshed', { ...family, version: 2, expiresMs: 501 });
    let swept = 0;
    for (;;) {
      const { removed, ended } = await store.sweep(500, 5);
      expect(removed + ended.length).toBeLessThanOrEqual(5);
      if (removed + ended.length === 0) break;
      if (ended.length > 0) expect(ended).toEqual([{ key: 'f1', family: gone }]);
      for (const { key } of ended) await store.removeFamily(key);
      swept += removed + ended.length;
    }
    // Where attempts, logins and grants expire by themselves only the family is found; then the caller's own check of expiresMs is all there is.
    expect([1, many.length + 4]).toContain(swept);
    expect(await store.takeAttempt('k1')).toEqual(swept > 1 ? null : expect.anything());
    for (const key of ['g', 'used']) expect((await store.readGrant(key)) === null).toBe(swept > 1);
    expect(await store.useGrant('used', 'one')).toBe(swept === 1);
    expect(await store.readGrant('alive')).not.toBeNull();
    expect(await store.useGrant('alive', 'other')).toBe(false);
    expect(await store.takeAttempt('alive')).not.toBeNull();
    expect(await store.takeLogin('alive')).not.toBeNull();
    for (const key of ['alive', 'refreshed']) expect(await store.readFamily(key)).not.toBeNull();
    expect(await store.readFamily('f1')).toBeNull();
  });

  it('still has everything after it was closed and opened again', async () => {
    const made = await fresh();
    if (!made.reopen) return;
    await made.store.putAttempt('k', attempt);
    await made.store.putLogin('k', login);
    await made.store.putGrant('k', grant);
    await made.store.useGrant('k', 'one');
    await made.store.reserveUserId('@abc:localhost');
    await made.store.claimSubject(hash('s'), '@abc:localhost');
    await made.store.writeDevices('@abc:localhost', row);
    await made.store.writeFamily('f1', family);
    const again = await made.reopen();
    expect(await again.takeAttempt('k')).toEqual(attempt);
    expect(await again.takeLogin('k')).toEqual(login);
    expect(await again.readGrant('k')).toEqual(grant);
    expect(await again.useGrant('k', 'other')).toBe(false);
    expect(await again.useGrant('k', 'one')).toBe(true);
    expect(await again.reserveUserId('@abc:localhost')).toBe(false);
    expect(await again.userOf(hash('s'))).toBe('@abc:localhost');
    expect(await again.readDevices('@abc:localhost')).toEqual(row);
    expect(await again.readFamily('f1')).toEqual(family);
  });
}
