// Key files: out of one device under a passphrase and into another, where nothing of it passes for proven.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CryptoEngine, Encrypted } from '../engine.ts';
import { alice, bob, room, TestWorld, wide } from '../test-world.ts';
import { keyFileCharactersMax, keyFileRoundsMax, requireBounds } from './key-file.ts';

const header = '-----BEGIN MEGOLM SESSION DATA-----';
let world: TestWorld;
let a1: CryptoEngine;
let b1: CryptoEngine;

beforeEach(async () => {
  world = new TestWorld();
  a1 = await world.device(alice, '1', { first: true });
  b1 = await world.device(bob, '1', { first: true });
});
afterEach(() => world.close());

describe('a key file', () => {
  test('brings its sessions to another device, where they are shown as unproven', async () => {
    const sent = await say(a1);
    const file = await b1.exportKeys('a long passphrase');
    expect(file).not.toContain(room);
    const b2 = await world.device(bob, '2');
    expect(await b2.importKeys(file, 'a long passphrase')).toEqual({ total: 1, imported: 1 });
    expect(await read(b2, sent)).toMatchObject({ ok: true, sender: alice, device: '1', trust: 'unproven' });
    expect(await b2.importKeys(`\n${file}\n`, 'a long passphrase')).toEqual({ total: 1, imported: 0 });
  });

  test('names no sender who does not have the device that it says', async () => {
    const sent = await say(a1);
    const file = await b1.exportKeys('p');
    const b2 = await world.device(bob, '2');
    await b2.importKeys(file, 'p');
    expect(await read(b2, sent, bob)).toMatchObject({ cause: 'UNKNOWN_DEVICE' });
  });

  test('takes nothing from what came from its sender, or out of the backup', async () => {
    const sent = await say(a1);
    const file = await b1.exportKeys('p');
    await b1.importKeys(file, 'p');
    expect(await read(b1, sent)).toMatchObject({ ok: true, trust: 'crossSigned' });
    await b1.startBackup(1, new Uint8Array(32).fill(1));
    const { sessions } = (await b1.takeBackup())!;
    expect(sessions).toMatchObject([{ sender: { user: alice, device: '1' } }]);
    const b2 = await world.device(bob, '2');
    await b2.importSessions(1, sessions);
    await b2.importKeys(file, 'p');
    expect(await read(b2, sent)).toMatchObject({ ok: true, trust: 'restored' });
  });

  test('stays unproven in a backup, until the session comes out of one that names its sender', async () => {
    const sent = await say(a1);
    const file = await b1.exportKeys('p');
    const b2 = await world.device(bob, '2');
    await b2.importKeys(file, 'p');
    await b2.startBackup(1, new Uint8Array(32).fill(1));
    const { sessions } = (await b2.takeBackup())!;
    expect(sessions.map(({ sender }) => sender)).toEqual([undefined]);
    const sender = { user: alice, device: '1', key: (await a1.ownKeys()).curve25519 };
    await b2.importSessions(1, [{ ...sessions[0]!, sender }]);
    expect(await read(b2, sent)).toMatchObject({ ok: true, trust: 'restored' });
  });

  test('does not open with another passphrase', async () => {
    const file = await b1.exportKeys('right');
    await expect(b1.importKeys(file, 'wrong')).rejects.toMatchObject({ code: 'WRONG_PASSWORD' });
  });

  test.each([
    ['nothing', ''],
    ['something else', 'hello'],
    ['a beginning', `${header}\nAQID`],
    ['no base64', `${header}\n${'!'.repeat(100)}`],
    ['no end', `${header}\n${btoa('\u0001'.repeat(120))}`],
  ])('is not %s', async (_, text) => {
    await expect(b1.importKeys(text, 'p')).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
  });
});

describe('the bounds of a key file', () => {
  const asking = (rounds: number) => {
    const bytes = new Uint8Array(100).fill(1);
    new DataView(bytes.buffer).setUint32(33, rounds);
    return `${header}\n${btoa(String.fromCharCode(...bytes))}\n`;
  };

  test('are 2,000,000 rounds', () => {
    expect(() => requireBounds(asking(keyFileRoundsMax))).not.toThrow();
    expect(() => requireBounds(asking(keyFileRoundsMax + 1))).toThrow(
      expect.objectContaining({ code: 'BAD_ARGUMENT' }),
    );
    expect(() => requireBounds(asking(2 ** 32 - 1))).toThrow(expect.objectContaining({ code: 'BAD_ARGUMENT' }));
  });

  test('are 64 MiB', () => {
    const file = asking(1);
    expect(() => requireBounds(file.padEnd(keyFileCharactersMax))).not.toThrow();
    expect(() => requireBounds(file.padEnd(keyFileCharactersMax + 1))).toThrow(/too long/);
  });
});

async function say(engine: CryptoEngine): Promise<Encrypted> {
  const recipients = world.server.recipients(alice, bob);
  const sent = await engine.encrypt({ room, recipients, plaintext: new Uint8Array([1]), rotation: wide });
  await world.settle();
  return sent;
}

function read(engine: CryptoEngine, { body, sessionId, index }: Encrypted, sender = alice) {
  return engine.decrypt({ room, sender, eventId: `${sessionId} ${index}`, body });
}
