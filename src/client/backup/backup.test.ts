// A lost phone and a new one: what the backup brings back, what is believed of it, and what a server that makes things up gets to show.
import * as wasm from '@matrix-org/matrix-sdk-crypto-wasm';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { BackupEntry } from '#proto/gen/client.ts';
import { toBase64 } from '#proto/rules/bytes/base.ts';
import type { CryptoEngine, Encrypted } from '../crypto/engine.ts';
import { MemoryLedger } from '../crypto/ledger.ts';
import { alice, bob, room, TestWorld, wide } from '../crypto/test-world.ts';
import {
  type BackupServer,
  type BackupWork,
  backUp,
  type EntryRange,
  newBackup,
  openBackup,
  type RestoredPage,
  restore,
  restoreSession,
} from './backup.ts';
import { openEntries, sealEntry } from './entry.ts';
import { passwordCostMin } from './header.ts';
import { type BackupKeys, backupKeys, newBackupKey } from './sealing.ts';

const owner = { user: bob, version: 1 };
let world: TestWorld;
let a1: CryptoEngine;
let b1: CryptoEngine;
let keys: BackupKeys;
let server: ListServer;

const placeOf = (entry: BackupEntry) => `${entry.room} ${entry.session}`;
const byPlace = (a: BackupEntry, b: BackupEntry) => (placeOf(a) < placeOf(b) ? -1 : 1);

/** Keeps entries in order, two to a page. */
class ListServer implements BackupServer {
  entries: BackupEntry[] = [];
  puts = 0;
  fail: Error | undefined;

  async put(_version: number, entries: readonly BackupEntry[]) {
    this.puts += 1;
    if (this.fail) throw this.fail;
    const fresh = new Set(entries.map(placeOf));
    this.entries = [...this.entries.filter((entry) => !fresh.has(placeOf(entry))), ...entries];
  }

  async list(_version: number, { room: of, after, limit }: EntryRange) {
    const all = this.entries.filter((entry) => of === '' || entry.room === of).sort(byPlace);
    const from = /^\d*$/.test(after) ? Number(after) : all.filter((entry) => placeOf(entry) <= after).length;
    const end = from + (limit ?? 2);
    return { entries: all.slice(from, end), next: end < all.length ? String(end) : '' };
  }
}

beforeEach(async () => {
  world = new TestWorld();
  a1 = await world.device(alice, '1', { first: true });
  b1 = await world.device(bob, '1', { first: true });
  keys = await backupKeys(newBackupKey());
  server = new ListServer();
  await b1.startBackup(1, keys.engine);
});
afterEach(() => world.close());

describe('a lost phone', () => {
  test('costs nothing: the password gives a new device the identity and all messages', async () => {
    const password = 'abacus harvest purple monkey window zebra';
    const { header, head, backupKey } = await newBackup(b1, { version: 1, password, cost: passwordCostMin });
    keys = await backupKeys(backupKey);
    await b1.startBackup(1, keys.engine);
    const sent = await say(a1);
    await backUp(work(b1));
    const b2 = await world.device(bob, '2');
    expect(await b2.confirmed()).toBe(false);
    const opened = await openBackup(b2, { header, head, password });
    expect(opened.backupKey).toEqual(backupKey);
    expect([await b2.confirmed(), await b2.holdsIdentity()]).toEqual([true, true]);
    expect(await read(b2, sent)).toMatchObject({ cause: 'NO_KEY' });
    await restoreAll(b2);
    expect(await read(b2, sent)).toMatchObject({ ok: true, sender: alice, device: '1', trust: 'restored' });
    // And it is one like any other: contacts give it keys.
    await a1.refresh([bob]);
    const next = await say(a1);
    expect(next.excluded).toEqual([]);
    expect(await read(b2, next)).toMatchObject({ ok: true });
  });

  test('reads in pages, goes on where it was cut off, and reads a page again without harm', async () => {
    const sent: Encrypted[] = [];
    for (let at = 0; at < 5; at += 1) {
      sent.push(await say(a1));
      await a1.rotate(room);
    }
    expect(await backUp(work(b1))).toBe(5);
    const b2 = await world.device(bob, '2');
    const [first] = await pagesOf(restore({ ...work(b2), server: firstPageOnly() }, room));
    expect(first).toMatchObject({ refused: 0, next: '2' });
    expect(first?.imported).toHaveLength(2);
    const pages = await pagesOf(restore(work(b2), room, '0'));
    expect(pages.map(({ imported }) => imported.length)).toEqual([0, 2, 1]);
    for (const message of sent) expect(await read(b2, message)).toMatchObject({ ok: true });
  });

  test('reads one session back without the pages before it', async () => {
    const sent: Encrypted[] = [];
    for (let at = 0; at < 5; at += 1) {
      sent.push(await say(a1));
      await a1.rotate(room);
    }
    await backUp(work(b1));
    const b2 = await world.device(bob, '2');
    for (const { sessionId } of [...sent].reverse()) {
      const wanted = { room, sessionId };
      expect(await restoreSession(work(b2), wanted)).toEqual([wanted]);
      expect(await restoreSession(work(b2), wanted)).toEqual([]);
    }
    for (const message of sent) expect(await read(b2, message)).toMatchObject({ ok: true });
  });

  test('reads a copy of less where there is no other, and asks for nothing that is no session', async () => {
    const c1 = await world.device('@carol:lux', '1', { first: true });
    await say(c1, ['1']);
    const b2 = await world.device(bob, '2');
    await b2.importIdentity((await b1.exportIdentity())!);
    await c1.refresh([bob]);
    await world.settle();
    const late = await say(c1, ['1', '2']);
    const { sessionId } = late;
    await b2.startBackup(1, keys.engine);
    await backUp(work(b2));
    expect(server.entries.map(({ session }) => session)).toEqual([`${sessionId}/1`]);
    const b3 = await world.device(bob, '3', { alone: true });
    for (const none of ['', 'x', `${sessionId}x`, `${sessionId.slice(1)} `, `${sessionId}/1`])
      expect(await restoreSession({ ...work(b3), server: noServer }, { room, sessionId: none })).toEqual([]);
    const signal = AbortSignal.abort('enough');
    await expect(restoreSession({ ...work(b3), signal }, { room, sessionId })).rejects.toBe('enough');
    expect(await restoreSession(work(b3), { room, sessionId })).toEqual([{ room, sessionId }]);
    expect(await read(b3, late, '@carol:lux')).toMatchObject({ ok: true, trust: 'restored' });
  });

  // The server gave the one behind the place where it would have stood, and that was taken for it.
  test('reads no other session where the backup has not the one that is wanted', async () => {
    await say(a1);
    await backUp(work(b1));
    const b2 = await world.device(bob, '2');
    expect(await restoreSession(work(b2), { room, sessionId: '+'.repeat(43) })).toEqual([]);
    expect(await b2.backupCounts()).toMatchObject({ total: 0 });
  });

  test('that ends the reading ends it', async () => {
    const signal = AbortSignal.abort('enough');
    await expect(restore({ ...work(b1), signal }, '').next()).rejects.toBe('enough');
    await expect(backUp({ ...work(b1), signal })).rejects.toBe('enough');
  });
});

describe('backing up', () => {
  test('brings each session once, and again when the server did not say that it has it', async () => {
    await say(a1);
    server.fail = new Error('no');
    await expect(backUp(work(b1))).rejects.toThrow('no');
    expect(await b1.backupCounts()).toEqual({ total: 1, waiting: 1 });
    server.fail = undefined;
    const waiting: number[] = [];
    expect(await backUp(work(b1), (left) => waiting.push(left))).toBe(1);
    expect(await backUp(work(b1))).toBe(0);
    expect(waiting).toEqual([0]);
    expect(await b1.backupCounts()).toEqual({ total: 1, waiting: 0 });
    expect(server.puts).toBe(2);
  });

  test('begins anew under a new version', async () => {
    await say(a1);
    await backUp(work(b1));
    const next = { ...work(b1), owner: { ...owner, version: 2 }, keys: await backupKeys(newBackupKey()) };
    await expect(backUp(next)).resolves.toBe(0);
    await b1.startBackup(2, next.keys.engine);
    expect(await b1.backupCounts()).toMatchObject({ waiting: 1 });
    await expect(backUp(work(b1))).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
    expect(await backUp(next)).toBe(1);
  });

  test('names the device that made each session, others’ and one’s own', async () => {
    await say(a1);
    await say(b1);
    await backUp(work(b1));
    const { sessions } = await openEntries(keys.seal, owner, server.entries);
    expect(sessions.map(({ sender }) => `${sender?.user} ${sender?.device}`).sort()).toEqual([
      `${alice} 1`,
      `${bob} 1`,
    ]);
  });

  test('still names a device that was logged out since, where its messages had been read', async () => {
    const sent = await say(a1);
    expect(await read(b1, sent)).toMatchObject({ ok: true });
    await a1.rotate(room);
    await say(a1);
    world.server.users.get(alice)?.devices.delete('1');
    await b1.refresh([alice]);
    expect(await b1.devices(alice)).toEqual([]);
    await backUp(work(b1));
    const { sessions } = await openEntries(keys.seal, owner, server.entries);
    const read1 = sessions.filter(({ sessionId }) => sessionId === sent.sessionId);
    expect(read1).toMatchObject([{ sender: { user: alice, device: '1' } }]);
    expect(sessions.map(({ sender }) => sender?.device).sort()).toEqual(['1', undefined]);
    const b2 = await world.device(bob, '2');
    await restoreAll(b2);
    expect(await read(b2, sent)).toMatchObject({ ok: true, trust: 'restored' });
  });

  test('gives what was restored to the next backup as it was', async () => {
    await say(a1);
    await backUp(work(b1));
    const b2 = await world.device(bob, '2');
    await restoreAll(b2);
    const next = { ...work(b2), owner: { ...owner, version: 2 }, keys: await backupKeys(newBackupKey()) };
    await b2.startBackup(2, next.keys.engine);
    expect(await backUp(next)).toBe(1);
    const { sessions } = await openEntries(next.keys.seal, next.owner, server.entries);
    expect(sessions).toMatchObject([{ sender: { user: alice, device: '1' } }]);
  });

  test('names who made a session also where that is a device of somebody known that is new here', async () => {
    const a2 = await world.device(alice, '2', { alone: true });
    await a2.importIdentity((await a1.exportIdentity())!);
    await a2.track([bob]);
    const recipients = [{ user: bob, devices: ['1'] }];
    const sent = await a2.encrypt({ room, recipients, plaintext: new Uint8Array([1]), rotation: wide });
    await world.receive(b1);
    await backUp(work(b1));
    const b2 = await world.device(bob, '2', { alone: true });
    await restoreAll(b2);
    expect(await read(b2, sent)).toMatchObject({ ok: true, device: '2', trust: 'restored' });
  });

  // A second device was given a session of somebody's in the middle, and filled the backup with that copy: what was said before was lost with the first device.
  test.each(['older', 'newer'])(
    'takes no session away by a device that has less of it, the %s one filling first',
    async (first) => {
      const c1 = await world.device('@carol:lux', '1', { first: true });
      const early = await say(c1, ['1']);
      const b2 = await world.device(bob, '2');
      await b2.importIdentity((await b1.exportIdentity())!);
      await c1.refresh([bob]);
      await world.settle();
      const late = await say(c1, ['1', '2']);
      expect([early.sessionId === late.sessionId, late.index]).toEqual([true, 1]);
      await b2.startBackup(1, keys.engine);
      for (const device of first === 'older' ? [b1, b2] : [b2, b1]) await backUp(work(device));
      expect(server.entries.map(({ session }) => session).sort()).toEqual([early.sessionId, `${early.sessionId}/1`]);
      const b3 = await world.device(bob, '3', { alone: true });
      for (let again = 0; again < 2; again += 1) await restoreAll(b3);
      for (const sent of [early, late])
        expect(await read(b3, sent, '@carol:lux')).toMatchObject({ ok: true, trust: 'restored' });
      // And the device that has less gets more by it.
      expect(await read(b2, early, '@carol:lux')).toMatchObject({ cause: 'UNKNOWN_INDEX' });
      await restoreAll(b2);
      expect(await read(b2, early, '@carol:lux')).toMatchObject({ ok: true });
    },
  );

  test('names who made a session of somebody never met, though nothing was read under it', async () => {
    const c1 = await world.device('@carol:lux', '1', { first: true, alone: true });
    await c1.track([bob]);
    const recipients = [{ user: bob, devices: ['1'] }];
    const sent = await c1.encrypt({ room, recipients, plaintext: new Uint8Array([1]), rotation: wide });
    await world.receive(b1);
    expect(await b1.identity('@carol:lux')).toBeUndefined();
    await backUp(work(b1));
    const b2 = await world.device(bob, '2', { alone: true });
    await restoreAll(b2);
    expect(await read(b2, sent, '@carol:lux')).toMatchObject({ ok: true, device: '1', trust: 'restored' });
  });
});

describe('a server', () => {
  test('that knows the library’s public backup key can put no session in', async () => {
    const { entry, body } = await forgedSession();
    server.entries.push(entry);
    const b2 = await world.device(bob, '2');
    const pages = await pagesOf(restore(work(b2), ''));
    expect(pages).toMatchObject([{ imported: [], refused: 1 }]);
    expect(await b2.decrypt({ room, sender: alice, eventId: 'forged', body })).toMatchObject({ cause: 'NO_KEY' });
  });

  test('would have its message shown if entries were taken without the seal: so it is the seal that stops it', async () => {
    const { secret, body } = await forgedSession();
    const b2 = await world.device(bob, '2');
    await b2.importSessions(1, [secret]);
    expect(await b2.decrypt({ room, sender: alice, eventId: 'forged', body })).toMatchObject({ ok: true });
  });

  test('that shows a restored message as another’s is found out', async () => {
    const sent = await say(a1);
    await backUp(work(b1));
    const b2 = await world.device(bob, '2');
    await restoreAll(b2);
    expect(await read(b2, sent, '@carol:lux')).toMatchObject({ cause: 'SENDER_MISMATCH' });
    expect(await read(b2, sent, bob)).toMatchObject({ cause: 'SENDER_MISMATCH' });
    expect(await read(b2, sent, alice, 'first')).toMatchObject({ ok: true });
    expect(await read(b2, sent, alice, 'second')).toMatchObject({ cause: 'REPLAY', firstEventId: 'first' });
  });

  test('gains nothing for what did not come out of the backup: live sessions are judged as before', async () => {
    await say(a1);
    await backUp(work(b1));
    const b2 = await world.device(bob, '2');
    await b2.importIdentity((await b1.exportIdentity())!);
    await restoreAll(b2);
    const c1 = await world.device('@carol:lux', '1', { first: true, alone: true });
    await c1.track([bob]);
    const recipients = [{ user: bob, devices: ['1', '2'] }];
    const live = await c1.encrypt({ room, recipients, plaintext: new Uint8Array([1]), rotation: wide });
    expect(live.excluded).toEqual([]);
    await world.receive(b2);
    expect(await read(b2, live, '@carol:lux')).toMatchObject({ cause: 'NOT_CROSS_SIGNED' });
  });

  test('gains nothing either where the origin of a session was lost: it stays shut', async () => {
    const sent = await say(a1);
    await backUp(work(b1));
    const ledger = new MemoryLedger();
    ledger.setSessionOrigins = async () => {};
    const b2 = await world.device(bob, '2', { ledger });
    await restoreAll(b2);
    expect(await read(b2, sent)).toMatchObject({ cause: 'UNKNOWN_DEVICE' });
  });

  test('that shows another identity of a sender has the restored messages held back until it is approved', async () => {
    const sent = await say(a1);
    await backUp(work(b1));
    const b2 = await world.device(bob, '2');
    await restoreAll(b2);
    world.server.users.delete(alice);
    await world.device(alice, '9', { first: true });
    await b2.refresh([alice]);
    expect(await read(b2, sent)).toMatchObject({ cause: 'IDENTITY_CHANGED' });
    const shown = (await b2.identity(alice))?.masterKey as Uint8Array;
    expect(await b2.approveIdentity(alice, shown)).toBe(true);
    expect(await read(b2, sent)).toMatchObject({ ok: true, device: '1' });
  });

  test('that knows a sender no longer takes nothing away', async () => {
    const sent = await say(a1);
    await backUp(work(b1));
    world.server.users.delete(alice);
    const b2 = await world.device(bob, '2', { alone: true });
    await restoreAll(b2);
    expect(await read(b2, sent)).toMatchObject({ ok: true, sender: alice, device: '1', trust: 'restored' });
  });

  test('that names nobody of whom nothing was verified is asked about the sender, and nobody is said to have changed', async () => {
    const sent = await say(a1);
    const secret = (await b1.takeBackup())!.sessions[0]!;
    await server.put(1, [await sealEntry(keys.seal, owner, { ...secret, sender: undefined })]);
    const b2 = await world.device(bob, '2', { alone: true });
    await restoreAll(b2);
    expect(await read(b2, sent)).toMatchObject({ cause: 'UNKNOWN_DEVICE' });
    await b2.refresh([alice]);
    expect(await read(b2, sent)).toMatchObject({ ok: true, device: '1', trust: 'unproven' });
  });

  test('that swaps the identity before a new device is there has it refused, and nothing is taken in', async () => {
    const seeds = (await b1.exportIdentity())!;
    const m1 = await world.device('@mallory:lux', '1', { first: true });
    const theirs = (await m1.exportIdentity())!;
    const b2 = await world.device(bob, '2');
    const refused = { code: 'UNTRUSTED' };
    await expect(b2.importIdentity(theirs)).rejects.toMatchObject(refused);
    await expect(b2.importIdentity({ ...seeds, userSigning: theirs.userSigning })).rejects.toMatchObject(refused);
    expect([await b2.holdsIdentity(), await b2.exportIdentity(), await b2.confirmed()]).toEqual([
      false,
      undefined,
      false,
    ]);
    await b2.importIdentity(seeds);
    await b2.importIdentity(seeds);
    expect(await b2.confirmed()).toBe(true);
  });
});

/** A session that the server made and files under Alice's name, sealed as whoever knows the library's public key can. */
async function forgedSession() {
  const mallory = await world.device('@mallory:lux', '1', { first: true });
  await mallory.startBackup(1, newBackupKey());
  const { body, sessionId } = await mallory.encrypt({
    room,
    recipients: [],
    plaintext: new TextEncoder().encode('I never wrote this'),
    rotation: wide,
  });
  const batch = (await mallory.takeBackup())!;
  const { curve25519 } = await a1.ownKeys();
  const inside = JSON.parse(new TextDecoder().decode(batch.sessions[0]!.json)) as object;
  const json = new TextEncoder().encode(JSON.stringify({ ...inside, sender_key: toBase64(curve25519) }));
  const secret = { room, sessionId, json, sender: { user: alice, device: '1', key: curve25519 } };
  // All that stands in the server's way: it knows the public key of the engine's backup, not the one that seals entries.
  const known = wasm.BackupDecryptionKey.fromBase64(toBase64(keys.engine)).megolmV1PublicKey.publicKeyBase64;
  const guess = await backupKeys(new TextEncoder().encode(known.slice(0, 32)));
  return { entry: await sealEntry(guess.seal, owner, secret), secret, body };
}

async function pagesOf(restoring: AsyncIterable<RestoredPage>): Promise<RestoredPage[]> {
  const pages: RestoredPage[] = [];
  for await (const page of restoring) pages.push(page);
  return pages;
}

function work(engine: CryptoEngine): BackupWork {
  return { engine, keys, owner, server };
}

async function restoreAll(engine: CryptoEngine) {
  for await (const { refused } of restore(work(engine), '')) expect(refused).toBe(0);
}

function firstPageOnly(): BackupServer {
  return {
    put: server.put,
    list: async (version, range) => (range.after === '' ? server.list(version, range) : { entries: [], next: '' }),
  };
}

const noServer: BackupServer = {
  put: () => Promise.reject(new Error('nothing was to be written')),
  list: () => Promise.reject(new Error('nothing was to be asked')),
};

async function say(engine: CryptoEngine, devices?: string[]): Promise<Encrypted> {
  const recipients = devices ? [{ user: bob, devices }] : world.server.recipients(alice, bob);
  const sent = await engine.encrypt({ room, recipients, plaintext: new Uint8Array([1]), rotation: wide });
  await world.settle();
  return sent;
}

function read(engine: CryptoEngine, { body, sessionId, index }: Encrypted, sender = alice, eventId?: string) {
  return engine.decrypt({ room, sender, eventId: eventId ?? `${sessionId} ${index}`, body });
}
