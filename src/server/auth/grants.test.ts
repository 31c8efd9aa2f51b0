// Grants by themselves: whose they are, for what, how often, how long, on the stores that login runs on. Each attack shows a grant that is good for
// someone, somewhere or some time else.
import { describe, expect, it } from 'vitest';
import { tableAccounts } from '#server/storage/accounts.ts';
import { MemoryTable } from '#server/storage/table.ts';
import { isRefusal } from './codes.ts';
import type { DeviceIdentity } from './devices.ts';
import { type GivenGrant, type GrantFault, type Grants, grantAttemptBytes, grants } from './grants.ts';
import { completeAuthLimits, defaultAuthLimits } from './limits.ts';
import { memoryAccounts } from './memory-accounts.ts';
import { type AccountStore, AccountStoreError } from './ports.ts';
import { purposes } from './purposes.ts';
import { hashOf, newToken } from './tokens.ts';

const alice: DeviceIdentity = { userId: '@alice:localhost', deviceId: 'A1', deviceNumber: 1 };
const other: DeviceIdentity = { ...alice, deviceId: 'A2', deviceNumber: 2 };
const bob: DeviceIdentity = { userId: '@bob:localhost', deviceId: 'B1', deviceNumber: 1 };
const attempt = (byte: number) => new Uint8Array(grantAttemptBytes).fill(byte);

async function world(store: AccountStore) {
  const clock = { ms: 1_000_000_000 };
  const faults: GrantFault[] = [];
  let drawn = 0;
  // One process; another node is another one over the same store.
  const node = () =>
    grants({
      store,
      limits: completeAuthLimits(),
      now: () => clock.ms,
      random: (length) => new Uint8Array(length).fill(++drawn),
      onRefused: (fault) => void faults.push(fault),
    });
  for (const { userId } of [alice, bob])
    await store.writeDevices(userId, {
      ...{ version: 1, lastNumber: 2, subjectHash: 's'.repeat(43), erased: false },
      devices: [1, 2].map((number) => ({ number, id: `D${number}`, family: `${userId} ${number}`, createdMs: 0 })),
    });
  return { clock, faults, node, one: node() };
}

async function given(from: Grants, to = alice): Promise<GivenGrant> {
  const grant = await from.give(to, 'backup');
  if (isRefusal(grant)) throw new Error(grant.refused);
  return grant;
}

const shown = ({ grant }: GivenGrant, by = alice) => ({
  ...{ user: by.userId, device: by.deviceNumber, purpose: 'backup' as const, token: grant, attempt: attempt(1) },
});

describe.each([
  ['memory', () => memoryAccounts()],
  ['a table', () => tableAccounts(new MemoryTable())],
])('a grant over %s', (_, open) => {
  it('counts for its device and purpose, for one attempt, as often as that one asks, on every node', async () => {
    const { one, node, faults } = await world(open());
    const grant = await given(one);
    expect(grant.grant).toMatch(/^lxg_[A-Za-z0-9_-]{43}$/);
    expect(await one.use(shown(grant))).toBe(true);
    expect(await node().use(shown(grant))).toBe(true);
    expect(faults).toEqual([]);
  });

  it('comes with a second one, for the backup, where two requests follow, and alone for who closes the account', async () => {
    const { one } = await world(open());
    for (const purpose of purposes) {
      const grant = await one.give(alice, purpose);
      if (isRefusal(grant)) throw new Error(grant.refused);
      const second = purpose === 'backup' || purpose === 'identity';
      expect(grant.second !== undefined).toBe(second);
      if (grant.second) expect(await one.use(shown({ ...grant, grant: grant.second }))).toBe(true);
    }
  });

  it('replayed with another attempt does not count, on no node', async () => {
    const { one, node, faults } = await world(open());
    const grant = await given(one);
    expect(await one.use(shown(grant))).toBe(true);
    for (const at of [one, node()]) expect(await at.use({ ...shown(grant), attempt: attempt(2) })).toBe(false);
    expect(await one.use(shown(grant))).toBe(true);
    expect(faults).toEqual(['used', 'used']);
  });

  it('shown on many nodes at once with as many attempts counts for one', async () => {
    const { one, node } = await world(open());
    const grant = await given(one);
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, at) => node().use({ ...shown(grant), attempt: attempt(at) })),
    );
    expect(answers.filter(Boolean)).toHaveLength(1);
  });

  it('of another device, another account or another purpose does not count, and is not used up by it', async () => {
    const { one, faults } = await world(open());
    const grant = await given(one);
    expect(await one.use({ ...shown(grant, other), attempt: attempt(2) })).toBe(false);
    expect(await one.use({ ...shown(grant, bob), attempt: attempt(2) })).toBe(false);
    expect(await one.use({ ...shown(grant), purpose: 'identity', attempt: attempt(2) })).toBe(false);
    expect(faults).toEqual(['foreign', 'foreign', 'purpose']);
    expect(await one.use(shown(grant))).toBe(true);
  });

  it('counts for ten minutes and not a moment longer, used or not', async () => {
    const { one, clock, faults } = await world(open());
    const [used, unused] = [await given(one), await given(one)];
    expect(used.expiresMs).toBe(clock.ms + defaultAuthLimits.grantMs);
    clock.ms += defaultAuthLimits.grantMs - 1;
    expect(await one.use(shown(used))).toBe(true);
    clock.ms += 1;
    expect(await one.use(shown(used))).toBe(false);
    expect(await one.use(shown(unused))).toBe(false);
    expect(faults).toEqual(['expired', 'expired']);
  });

  it('is given ten times an hour for an account, on all nodes and devices together', async () => {
    const { one, node, clock } = await world(open());
    const began = clock.ms;
    for (let n = 0; n < defaultAuthLimits.grantsPerHour; n++) {
      await given(n % 2 ? one : node(), n % 3 ? alice : other);
      clock.ms += 1_000;
    }
    // It spoke of the address, and whoever believed it tried from another one.
    const message = 'This account was logged in anew too often within an hour: wait and try again.';
    const refused = { refused: 'RATE_LIMITED', retryAfterMs: began + 3_600_000 - clock.ms, message };
    expect(await node().give(alice, 'identity')).toEqual(refused);
    expect(await one.give(other, 'backup')).toEqual(refused);
    await given(one, bob);
    clock.ms = began + 3_600_000;
    await given(one);
    expect(await one.give(alice, 'backup')).toMatchObject({ refused: 'RATE_LIMITED', retryAfterMs: 1_000 });
  });

  it('is given when the clock was set far back', async () => {
    const { one, clock } = await world(open());
    for (let n = 0; n < defaultAuthLimits.grantsPerHour; n++) await given(one);
    clock.ms -= 3_600_000;
    await given(one);
  });

  it('is not given to a device that was removed meanwhile', async () => {
    const { one } = await world(open());
    expect(await one.give({ ...alice, deviceNumber: 3 }, 'backup')).toEqual({
      refused: 'TOKEN_INVALID',
      retryAfterMs: 0,
    });
    expect(await one.give({ ...alice, userId: '@nobody:localhost' }, 'backup')).toMatchObject({
      refused: 'TOKEN_INVALID',
    });
  });

  it('can’t be guessed: tries are few, and cost the store nothing beyond that', async () => {
    const store = open();
    let reads = 0;
    const counting = { ...store, readGrant: (key: string) => store.readGrant(key).finally(() => (reads += 1)) };
    const { one, clock, faults } = await world(counting);
    const grant = await given(one);
    const guess = (n: number) => ({
      ...shown(grant),
      token: `lxg_${String(n).padStart(43, 'A')}`,
      attempt: attempt(n),
    });
    const most = defaultAuthLimits.grantUsesPerMinute;
    for (let n = 0; n < most + 5; n++) expect(await one.use(guess(n))).toBe(false);
    expect(reads).toBe(most);
    expect(faults.filter((fault) => fault === 'unknown')).toHaveLength(most);
    // Nor does the device get through with the right one now; another device is not held up.
    expect(await one.use(shown(grant))).toBe(false);
    expect(faults.at(-1)).toBe('rate');
    expect(await one.use(shown(await given(one, bob), bob))).toBe(true);
    clock.ms += 60_000 / most;
    expect(await one.use(shown(grant))).toBe(true);
  });
});

it('what can’t be a grant or an attempt is asked of no store', async () => {
  const closed = new Proxy({} as AccountStore, {
    get: () => () => Promise.reject(new AccountStoreError('asked')),
  });
  const store = memoryAccounts();
  const { one, faults } = await world(store);
  const grant = await given(one);
  const deaf = grants({
    store: closed,
    limits: completeAuthLimits(),
    now: () => 0,
    random: (length) => new Uint8Array(length),
    onRefused: (fault) => void faults.push(fault),
  });
  const access = newToken('access', 'f'.repeat(22), (length) => new Uint8Array(length));
  for (const token of ['', 'lxg_', `${grant.grant}A`, grant.grant.slice(0, -1), ` ${grant.grant}`, access])
    expect(await deaf.use({ ...shown(grant), token })).toBe(false);
  for (const length of [0, grantAttemptBytes - 1, grantAttemptBytes + 1])
    expect(await deaf.use({ ...shown(grant), attempt: new Uint8Array(length) })).toBe(false);
  expect(faults).toEqual(Array(9).fill('malformed'));
  await expect(deaf.use(shown(grant))).rejects.toThrow(AccountStoreError);
  expect(await one.use({ ...shown(grant), attempt: attempt(3) })).toBe(true);
});

it('only its hash is kept', async () => {
  const table = new MemoryTable();
  const { one } = await world(tableAccounts(table));
  const { grant } = await given(one);
  const rows = await table.list({ limit: 1_000 });
  const kept = rows.map(({ key, value }) => key + Buffer.from(value).toString()).join('\n');
  expect(kept).toContain(hashOf(grant));
  expect(kept).not.toContain(grant.slice(4));
});

it('purposes are a closed list', () => {
  expect(purposes).toEqual(['backup', 'identity', 'deactivate', 'erase']);
});
