import { describe, expect, it } from 'vitest';
import type { InboxEntry } from '#proto/gen/record.ts';
import { makeActor, signedJson, signManifest, testPrimitives } from '#proto/golden/cast.ts';
import { utf8Bytes, utf8Text } from '#proto/rules/bytes/bytes.ts';
import { manifestHash } from '#proto/rules/bytes/hash.ts';
import { isSignedByItself } from '#proto/rules/identity/credential.ts';
import { limits } from '#proto/rules/limits.ts';
import { userLimits } from '../limits.ts';
import { Account } from './account.ts';
import { Buckets } from './buckets.ts';
import { DeviceKeys } from './device-keys.ts';
import { noMark, restoreAccount, takeChanges } from './rows.ts';
import { Senders } from './senders.ts';
import { withSignatures } from './signed-json.ts';

const alice = makeActor('@alice:example.org');
const entry = (seq: number, body: InboxEntry['body']): InboxEntry => ({
  seq,
  acceptedMs: seq,
  device: 0,
  lane: '',
  body,
});

describe('senders', () => {
  const sending = (n: number) => ({ sender: `@u${n}:p`, senderDevice: 1 });
  const id = utf8Bytes('id');

  it('are 128; the longest silent makes room', () => {
    const senders = new Senders();
    for (let n = 0; n < userLimits.sendersMax; n++) senders.add(sending(n), { device: 1, id, seq: n + 1 });
    expect(senders.knows(sending(0), 1, id)).toBe(true);
    senders.add(sending(0), { device: 1, id: utf8Bytes('other'), seq: 500 });
    const slot = senders.add(sending(999), { device: 1, id, seq: 501 });
    expect(slot).toBe(1);
    expect(senders.knows(sending(0), 1, id)).toBe(true);
    expect(senders.knows(sending(1), 1, id)).toBe(false);
    expect(senders.toRow(slot)).toMatchObject({ user: '@u999:p', heardSeq: 501 });
  });

  it('come back from rows in the order of their silence', () => {
    const senders = new Senders();
    for (let n = 0; n < userLimits.sendersMax; n++) senders.add(sending(n), { device: 1, id, seq: 1000 - n });
    const rows = Array.from({ length: userLimits.sendersMax }, (_, slot) => [slot, senders.toRow(slot)!] as const);
    const restored = new Senders(new Map(rows));
    restored.add(sending(999), { device: 1, id, seq: 2000 });
    expect(restored.knows(sending(userLimits.sendersMax - 1), 1, id)).toBe(false);
    expect(restored.knows(sending(0), 1, id)).toBe(true);
  });

  it('are known by 128 ids each', () => {
    const senders = new Senders();
    for (let n = 0; n <= limits.deviceMessageIdsKept; n++)
      senders.add(sending(1), { device: 1, id: utf8Bytes(`${n}`), seq: n });
    expect(senders.knows(sending(1), 1, utf8Bytes('0'))).toBe(false);
    expect(senders.knows(sending(1), 1, utf8Bytes('1'))).toBe(true);
  });
});

describe('keys that were given away', () => {
  it('are remembered for 256 keys', () => {
    const keys = new DeviceKeys();
    const key = (n: number) => ({ keyId: `signed_curve25519:${n}`, key: utf8Bytes(`${n}`) });
    for (let n = 0; n <= userLimits.givenAwayMax; n++) {
      keys.upload({ device: 1, deviceJson: new Uint8Array(0), oneTimeKeys: [key(n)], fallbackKeys: [] });
      keys.claim({ device: 1, keyId: key(n).keyId, fallback: false });
    }
    expect(keys.knows(key(0))).toBe('new');
    expect(keys.knows(key(1))).toBe('givenAway');
    expect(new DeviceKeys(keys.toRow()).knows(key(1))).toBe('givenAway');
  });
});

describe('an account', () => {
  it('remembers 256 removed devices', () => {
    const account = new Account(alice.user, { tracked: true });
    for (let n = 1; n <= userLimits.removedDevicesMax + 1; n++) {
      const value = { device: n, id: 'A', name: 'a', removed: false, newcomer: false };
      account.apply(entry(2 * n - 1, { $case: 'deviceChanged', value }));
      account.apply(entry(2 * n, { $case: 'deviceChanged', value: { ...value, removed: true } }));
    }
    expect(account.removed).toHaveLength(userLimits.removedDevicesMax);
    expect(account.removed).not.toContain(1);
  });

  it('keeps 64 manifests and lets the row of an older one go', () => {
    const account = new Account(alice.user, { tracked: true });
    const publish = (version: number) => {
      const manifest = signManifest(alice, { version, devices: [1] });
      const head = { version, hash: manifestHash(manifest.signed, testPrimitives) };
      account.apply(entry(version, { $case: 'manifestPublished', value: { manifest, head } }));
    };
    for (let version = 1; version <= userLimits.manifestsKept; version++) publish(version);
    const first = takeChanges(account, noMark)!;
    expect(first.changes.filter(({ key }) => key.startsWith('manifest/'))).toHaveLength(userLimits.manifestsKept);
    publish(userLimits.manifestsKept + 1);
    const second = takeChanges(account, first.mark)!;
    expect(second.changes.map(({ key, value }) => [key, value === null])).toEqual([
      ['manifest/1', true],
      ['manifest/65', false],
      ['mark', false],
    ]);
  });

  it('moves its mark for an entry that it does not know', () => {
    const account = new Account(alice.user, { tracked: true });
    account.apply(entry(1, undefined));
    const { changes, mark } = takeChanges(account, noMark)!;
    expect(mark).toMatchObject({ seq: 1, sub: 0 });
    const rows = changes.map(({ key, value }) => ({ key, value: value! }));
    expect(restoreAccount(alice.user, rows, { tracked: true }).seq).toBe(1);
    expect(takeChanges(account, mark)).toBeNull();
  });

  it('counts writes at the same seq, so that the newer one wins', () => {
    const account = new Account(alice.user, { tracked: true });
    account.apply(
      entry(1, { $case: 'deviceChanged', value: { device: 1, id: 'A', name: 'a', removed: false, newcomer: false } }),
    );
    const { mark } = takeChanges(account, noMark)!;
    expect(account.setNeedsFullSync(1, true)).toBe(true);
    const { changes } = takeChanges(account, mark)!;
    expect(changes.map(({ seq, sub }) => [seq, sub])).toEqual(changes.map(() => [1, 1]));
  });

  it('skips an entry that it holds already', () => {
    const account = new Account(alice.user, { tracked: true });
    const added = entry(1, {
      $case: 'deviceChanged',
      value: { device: 1, id: 'A', name: 'a', removed: false, newcomer: false },
    });
    account.apply(added);
    account.apply({
      ...added,
      body: { $case: 'deviceChanged', value: { device: 1, id: 'A', name: 'b', removed: false, newcomer: false } },
    });
    expect(account.devices.get(1)?.name).toBe('a');
  });
});

describe('signed JSON', () => {
  it('keeps what is signed whatever order and numbers it has', () => {
    const { keys, id, identityKey } = alice.device(1);
    const name = (bytes: Uint8Array) => btoa(String.fromCharCode(...bytes)).replace(/=+$/, '');
    const fields = {
      user_id: alice.user,
      device_id: id,
      big: 9_007_199_254_740_991,
      keys: { [`curve25519:${id}`]: name(identityKey), [`ed25519:${id}`]: name(keys.publicKey) },
    };
    const canonical = utf8Text(signedJson(fields, alice.user, [{ name: id, keys }]))!;
    const spaced = utf8Bytes(
      JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(canonical)).reverse()), null, 2),
    );
    const merged = withSignatures(spaced, alice.user, new Map([['ed25519:X', 'sig']]));
    expect(isSignedByItself(merged, testPrimitives)).toBe(true);
    expect(utf8Text(merged)).toContain('9007199254740991');
    expect(JSON.parse(utf8Text(merged)!).signatures[alice.user]['ed25519:X']).toBe('sig');
    expect(withSignatures(merged, alice.user, new Map([['ed25519:X', 'sig']]))).toEqual(merged);
  });

  it('leaves what it can not read as it is', () => {
    const broken = utf8Bytes('{"a":1.5}');
    expect(withSignatures(broken, alice.user, new Map([['ed25519:X', 'sig']]))).toBe(broken);
  });
});

describe('buckets', () => {
  it('hold their burst, refuse without taking, and fill with time', () => {
    const buckets = new Buckets();
    expect(buckets.take('stranger', userLimits.strangerBurst, 0)).toBe(0);
    expect(buckets.take('stranger', 1, 0)).toBe(userLimits.strangerEveryMs);
    expect(buckets.take('stranger', 1, userLimits.strangerEveryMs - 1)).toBeGreaterThan(0);
    expect(buckets.take('stranger', 1, userLimits.strangerEveryMs)).toBe(0);
    expect(buckets.take('manifest', 1, 0)).toBe(0);
  });
});
