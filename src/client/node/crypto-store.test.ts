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
import { initAsync } from '@matrix-org/matrix-sdk-crypto-wasm';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { CryptoStoreError, openCryptoStore } from './crypto-store.ts';
import { openMachine, startVictim } from './crypto-store-fixture.ts';

let folder: string;

beforeAll(() => initAsync());
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
    const second = startVictim(folder, []);
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

async function identityIn(folder: string): Promise<string> {
  const { machine, close } = await openMachine(folder, '@alice:lux', '1');
  const identity = machine.identityKeys.ed25519.toBase64();
  close();
  return identity;
}

function sizeOf(folder: string): number {
  return statSync(join(folder, 'crypto.sqlite')).size;
}
