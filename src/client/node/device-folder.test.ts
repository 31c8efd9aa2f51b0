// A device's folder: made only where nothing lies, removed without touching what is not its own, and let go of when opening fails.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LoggedIn } from '../connection/login.ts';
import { CryptoStoreFile } from './crypto-store-file.ts';
import { createDevice, hasDevice, openDevice, removeDevice } from './device-folder.ts';

const server = 'http://127.0.0.1:9';
const login: LoggedIn = {
  userId: '@someone:localhost',
  deviceId: 'ABC',
  deviceNumber: 1,
  accessToken: 'a',
  refreshToken: 'r',
  accessExpiresMs: 0,
  firstLogin: true,
};
let above: string;
let folder: string;

beforeEach(() => {
  above = mkdtempSync(join(tmpdir(), 'device-folder-'));
  folder = join(above, 'profile');
});
afterEach(() => rmSync(above, { recursive: true, force: true }));

/** A device that was opened once, so that all its files are there. */
async function device(): Promise<void> {
  await createDevice(folder, server, login);
  await (await openDevice(folder)).close();
}

describe('making a device', () => {
  it('works in a new folder, an empty one, and one where a crash left half a key', async () => {
    for (const before of [() => {}, () => mkdirSync(folder), () => leaveHalfAKey()]) {
      before();
      await createDevice(folder, server, login);
      expect(hasDevice(folder)).toBe(true);
      removeDevice(folder);
    }
  });

  it('is refused in a folder with anything in it, and nothing there is changed', async () => {
    mkdirSync(folder);
    writeFileSync(join(folder, 'letter.txt'), 'mine');
    await expect(createDevice(folder, server, login)).rejects.toMatchObject({ code: 'STORE' });
    expect(readdirSync(folder)).toEqual(['letter.txt']);
  });

  it('is refused where a device lives', async () => {
    await device();
    await expect(createDevice(folder, server, login)).rejects.toMatchObject({ code: 'STORE' });
  });
});

describe('removing a device', () => {
  it('removes the folder with it', async () => {
    await device();
    removeDevice(folder);
    expect(existsSync(folder)).toBe(false);
    removeDevice(folder);
  });

  it('leaves everything that is not the device, and the folder with it', async () => {
    await device();
    writeFileSync(join(folder, 'letter.txt'), 'mine');
    removeDevice(folder);
    expect(readdirSync(folder)).toEqual(['letter.txt']);
  });

  it('is refused while the device is in use', async () => {
    await device();
    const client = await openDevice(folder);
    expect(() => removeDevice(folder)).toThrow(expect.objectContaining({ code: 'IN_USE' }));
    await client.close();
    await (await openDevice(folder)).close();
  });

  // "In use by another program", and nobody could find which.
  it('says which program has it, once and not what it was called with', async () => {
    await device();
    const client = await openDevice(folder, { program: 'luxchat chat' });
    const refused = expect.objectContaining({
      code: 'IN_USE',
      message: expect.stringContaining(`by luxchat chat, process ${process.pid}: end it there`),
    });
    await expect(openDevice(folder)).rejects.toEqual(refused);
    expect(() => removeDevice(folder)).toThrow(refused);
    await client.close();
    expect(readdirSync(join(folder, 'crypto'))).not.toContain('holder');
  });

  it('names nobody by what a program left behind that was killed', async () => {
    await device();
    const client = await openDevice(folder);
    const gone = spawnSync(process.execPath, ['--version']).pid;
    for (const left of [JSON.stringify({ process: gone, program: 'luxchat tail' }), '{"process": "1"}', 'half a no']) {
      writeFileSync(join(folder, 'crypto', 'holder'), left);
      await expect(openDevice(folder)).rejects.toThrow('in use by another program');
    }
    await client.close();
  });

  it('works on a damaged one, and ends what was cut short', async () => {
    await device();
    writeFileSync(join(folder, 'crypto', 'crypto.sqlite'), 'no database');
    renameSync(join(folder, 'local.key'), join(folder, 'local.key.gone'));
    await expect(openDevice(folder)).rejects.toMatchObject({ code: 'LOGIN_NEEDED' });
    removeDevice(folder);
    expect(existsSync(folder)).toBe(false);
  });

  it('touches nothing where there is none, whatever the names', () => {
    for (const name of ['local', 'crypto']) mkdirSync(join(folder, name), { recursive: true });
    writeFileSync(join(folder, 'local', 'letter.txt'), 'mine');
    removeDevice(folder);
    expect(existsSync(join(folder, 'local', 'letter.txt'))).toBe(true);
  });
});

describe('opening a device', () => {
  it('lets go of the folder when it fails', async () => {
    await device();
    chmodSync(join(folder, 'local.key'), 0o644);
    await expect(openDevice(folder)).rejects.toMatchObject({ code: 'STORE' });
    new CryptoStoreFile(join(folder, 'crypto', 'crypto.sqlite'), 'existing').close();
    chmodSync(join(folder, 'local.key'), 0o600);
    await (await openDevice(folder)).close();
  });

  it('lets go of the folder when starting fails', async () => {
    await device();
    const client = await openDevice(folder);
    Object.assign(client.options, { openEngine: () => Promise.reject(new Error('no engine')) });
    await expect(client.start()).rejects.toThrow('no engine');
    await (await openDevice(folder)).close();
  });
});

function leaveHalfAKey(): void {
  mkdirSync(folder);
  writeFileSync(join(folder, 'local.key.new'), 'half');
}
