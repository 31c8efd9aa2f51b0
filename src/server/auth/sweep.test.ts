// What runs out is cleared away in one call, however much it is, on the stores that login runs on.
import { describe, expect, it } from 'vitest';
import { tableAccounts } from '#server/storage/accounts.ts';
import { MemoryTable, type TableChange } from '#server/storage/table.ts';
import { createAuth } from './auth.ts';
import type { Revoked } from './devices.ts';
import { memoryAccounts } from './memory-accounts.ts';
import type { AccountStore } from './ports.ts';

const minuteMs = 60_000;

/** Counts commits. */
class CountingTable extends MemoryTable {
  commits = 0;

  override change(changes: readonly TableChange[]): Promise<boolean> {
    this.commits += 1;
    return super.change(changes);
  }
}

function authOn(store: AccountStore) {
  const clock = { ms: 1_000_000 };
  const revoked: Revoked[] = [];
  const silent = { info() {}, warn() {}, error() {} };
  const auth = createAuth({
    issuer: 'https://id.example.lu',
    clientId: 'luxchat',
    providerName: 'localhost',
    publicUrl: 'https://chat.example.lu',
    secret: new Uint8Array(32),
    store,
    now: () => clock.ms,
    log: silent,
  });
  auth.onRevoked((each) => revoked.push(each));
  return { auth, clock, revoked };
}

const table = new CountingTable();

describe.each([
  ['memory', memoryAccounts()],
  ['a table', tableAccounts(table)],
])('a sweep over %s', (_, store) => {
  it('clears away thousands of logins that were begun and not finished, and ends idle devices', async () => {
    const { auth, clock, revoked } = authOn(store);
    const attempt = { redirect: 'https://chat.example.lu/', challenge: 'c'.repeat(43), expiresMs: clock.ms + minuteMs };
    for (let n = 0; n < 2_345; n++) await store.putAttempt(`k${n}`, attempt);
    await store.putAttempt('alive', { ...attempt, expiresMs: clock.ms + 10 * minuteMs });
    const device = { number: 1, id: 'ABCDEFGHJ1', family: 'f1', createdMs: 5 };
    const row = { version: 1, lastNumber: 1, subjectHash: 's'.repeat(43), erased: false, devices: [device] };
    await store.writeDevices('@abc:localhost', row);
    const identity = { userId: '@abc:localhost', deviceId: device.id, deviceNumber: 1 };
    const hashes = { accessHash: 'a', accessExpiresMs: 0, refreshHash: 'r', previousHash: '', used: true };
    await store.writeFamily('f1', { version: 1, ...identity, ...hashes, expiresMs: clock.ms + minuteMs });

    expect(await auth.sweep(1_000)).toBe(0);
    clock.ms += 2 * minuteMs;
    const before = table.commits;
    expect(await auth.sweep(1_000)).toBe(2_346);
    expect(table.commits - before).toBeLessThan(10);
    expect(revoked).toEqual([{ ...identity, reason: 'idle' }]);
    expect((await store.readDevices('@abc:localhost'))?.devices).toEqual([]);
    expect(await store.takeAttempt('k2000')).toBeNull();
    expect(await store.takeAttempt('alive')).not.toBeNull();
    expect(await auth.sweep(1_000)).toBe(0);
  });
});
