// Opening a store folder: what is kept, what is refused and with which code. Real files, a real second process.
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MemoryLedger } from '../crypto/ledger.ts';
import { openEngine } from '../crypto/olm-engine.ts';
import { TestServer } from '../crypto/test-server.ts';
import { alice, bob, room, TestWorld, wide } from '../crypto/test-world.ts';
import { CryptoStoreError, openCryptoStore } from './crypto-store.ts';
import { openOnFolder, startVictim } from './crypto-store-fixture.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'crypto-store-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('opening a folder', () => {
  test('keeps the identity of the device from one opening to the next', async () => {
    expect(await identityIn(folder)).toBe(await identityIn(folder));
  });

  test('gives key and rows to their owner only', async () => {
    await identityIn(folder);
    for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).mode & 0o077).toBe(0);
  });

  test('refuses a key that others may read', async () => {
    await identityIn(folder);
    chmodSync(join(folder, 'crypto.key'), 0o644);
    await expect(openCryptoStore(folder)).rejects.toMatchObject({ code: 'KEY_EXPOSED' });
  });

  test('refuses another key', async () => {
    await identityIn(folder);
    writeFileSync(join(folder, 'crypto.key'), new Uint8Array(32).fill(7));
    await expect(openCryptoStore(folder)).rejects.toMatchObject({ code: 'WRONG_KEY' });
  });

  test('refuses a second opening in this process while the first lasts', async () => {
    const store = await openCryptoStore(folder);
    await expect(openCryptoStore(folder)).rejects.toMatchObject({ code: 'LOCKED' });
    store.close();
    (await openCryptoStore(folder)).close();
  });

  test('refuses a second process while the first lasts', async () => {
    const store = await openCryptoStore(folder);
    const second = startVictim(folder, {
      user: alice,
      device: '1',
      room,
      recipients: [],
      began: { sessionId: '', atMs: 0 },
    });
    expect((await second.lines.next()).value).toBe('LOCKED');
    await second.ended;
    store.close();
  });

  const damages: Record<string, (folder: string) => void> = {
    'the rows are missing': (at) => rmSync(join(at, 'crypto.sqlite')),
    'the rows are cut to nothing': (at) => truncateSync(join(at, 'crypto.sqlite'), 0),
    'the rows are cut in the middle': (at) => truncateSync(join(at, 'crypto.sqlite'), sizeOf(at) - 5000),
    'one byte is missing': (at) => truncateSync(join(at, 'crypto.sqlite'), sizeOf(at) - 1),
    'the key is missing': (at) => rmSync(join(at, 'crypto.key')),
    'the key is cut': (at) => truncateSync(join(at, 'crypto.key'), 31),
  };
  for (const [damage, apply] of Object.entries(damages)) {
    test(`refuses a folder where ${damage}`, async () => {
      await identityIn(folder);
      apply(folder);
      await expect(openCryptoStore(folder)).rejects.toMatchObject({ code: 'TORN' });
    });
  }

  test('refuses a folder with flipped bytes, wherever they are in a page of rows', async () => {
    await identityIn(folder);
    const path = join(folder, 'crypto.sqlite');
    const whole = readFileSync(path);
    for (let at = 4096; at < whole.length; at += 1531) {
      const damaged = Buffer.from(whole);
      damaged.writeUInt8(damaged.readUInt8(at) ^ 0x55, at);
      writeFileSync(path, damaged);
      const outcome = await openCryptoStore(folder).then(
        (store) => store,
        (error) => error,
      );
      if (outcome instanceof CryptoStoreError) expect(outcome.code).toMatch(/TORN|WRONG_KEY/);
      else {
        // Opened: then the byte was in unused space, and nothing that is read differs.
        outcome.close();
        expect(await identityIn(folder)).toBeTypeOf('string');
      }
    }
  });

  test('begins again where the first opening was cut short before the key was written', async () => {
    (await openCryptoStore(folder)).close();
    rmSync(join(folder, 'crypto.key'));
    (await openCryptoStore(folder)).close();
  });
});

describe('an engine on a folder', () => {
  let world: TestWorld;
  beforeEach(() => {
    world = new TestWorld();
  });
  afterEach(() => world.close());

  test('goes on after it was closed: same identity, same session, next step, keys still there', async () => {
    const receiver = await world.device(bob, '2', { first: true });
    const options = { user: alice, device: '1', server: world.server, ledger: new MemoryLedger() };
    const sent = [];
    for (const turn of [0, 1, 2]) {
      const { engine, close } = await openOnFolder(folder, options);
      await engine.flush();
      if (turn === 0) await engine.createIdentity();
      await receiver.refresh([alice]);
      const recipients = world.server.recipients(alice, bob);
      sent.push(await engine.encrypt({ room, recipients, plaintext: Buffer.from('x'), rotation: wide }));
      await close();
    }
    await world.receive(receiver);
    expect(sent.map(({ index }) => index)).toEqual([0, 1, 2]);
    for (const { body, index } of sent) {
      expect(await receiver.decrypt({ room, sender: alice, eventId: `${index}`, body })).toMatchObject({ ok: true });
    }
  });

  test('keeps the bounds of a session across openings', async () => {
    const options = { user: alice, device: '1', server: world.server, ledger: new MemoryLedger() };
    const indexes = [];
    for (const turn of [0, 1, 2, 3]) {
      const { engine, close } = await openOnFolder(folder, options);
      await engine.flush();
      if (turn === 0) await engine.createIdentity();
      const recipients = world.server.recipients(alice);
      const rotation = { messages: 2, ageMs: 1e12 };
      indexes.push((await engine.encrypt({ room, recipients, plaintext: Buffer.from('x'), rotation })).index);
      await close();
    }
    expect(indexes).toEqual([0, 1, 0, 1]);
  });

  test('brings keys that could not be delivered before it was closed', async () => {
    const receiver = await world.device(bob, '2', { first: true });
    const options = { user: alice, device: '1', server: world.server, ledger: new MemoryLedger() };
    const before = await openOnFolder(folder, options);
    await before.engine.flush();
    await before.engine.createIdentity();
    const request = {
      room,
      recipients: world.server.recipients(alice, bob),
      plaintext: Buffer.from('x'),
      rotation: wide,
    };
    world.server.before = (call) => {
      if (call === 'sendDeviceMessages') throw new Error('gone');
    };
    await expect(before.engine.encrypt(request)).rejects.toThrow('gone');
    await before.close();
    world.server.before = () => {};
    const after = await openOnFolder(folder, options);
    const { body } = await after.engine.encrypt(request);
    await after.close();
    await receiver.refresh([alice]);
    await world.receive(receiver);
    expect(await receiver.decrypt({ room, sender: alice, eventId: 'e', body })).toMatchObject({ ok: true });
  });

  test('hands out nothing once the disk refuses a write', async () => {
    const options = { user: alice, device: '1', server: world.server, ledger: new MemoryLedger() };
    const { engine, store, close } = await openOnFolder(folder, options);
    await engine.flush();
    await engine.createIdentity();
    const recipients = world.server.recipients(alice);
    const request = { room, recipients, plaintext: Buffer.from('x'), rotation: wide };
    await engine.encrypt(request);
    store.close();
    await expect(engine.encrypt(request)).rejects.toThrow();
    await expect(engine.encrypt(request)).rejects.toThrow();
    await close();
  });

  test('of another device, or with another key, is refused', async () => {
    await identityIn(folder);
    const store = await openCryptoStore(folder);
    const server = world.server.portOf(alice, '2');
    const options = { user: alice, device: '2', server, ledger: new MemoryLedger() };
    await expect(openEngine({ ...options, store })).rejects.toMatchObject({ code: 'STORE' });
    const key = new Uint8Array(32).fill(9);
    await expect(openEngine({ ...options, device: '1', store: { ...store, key } })).rejects.toMatchObject({
      code: 'STORE',
    });
    store.close();
  });
});

/** The device's key in the folder, as hexadecimal; made on first use. */
async function identityIn(folder: string): Promise<string> {
  const { engine, close } = await openOnFolder(folder, { user: alice, device: '1', server: new TestServer() });
  const { ed25519 } = await engine.ownKeys();
  await close();
  return Buffer.from(ed25519).toString('hex');
}

function sizeOf(folder: string): number {
  return statSync(join(folder, 'crypto.sqlite')).size;
}
