// The header: the right password opens it, nothing else does, and no server can have it guessed cheaply or put an older one in its place.
import { beforeAll, describe, expect, test } from 'vitest';
import { BackupHeader } from '#proto/gen/backup.ts';
import { limits } from '#proto/rules/limits.ts';
import {
  headOf as headWith,
  openHeader,
  passwordCost,
  passwordCostMax,
  passwordCostMin,
  sealHeader,
} from './header.ts';
import { newBackupKey } from './sealing.ts';

const user = '@alice:lux';
const password = 'abacus harvest purple monkey window zebra';
const secrets = {
  backupKey: newBackupKey(),
  masterSeed: newBackupKey(),
  selfSigningSeed: newBackupKey(),
  userSigningSeed: newBackupKey(),
  listingSeed: newBackupKey(),
};
const headOf = (version: number, bytes: Uint8Array) => headWith(version, bytes, secrets.listingSeed);
let header: Uint8Array;

beforeAll(async () => {
  header = await sealHeader({ user, version: 3, password, secrets, cost: passwordCostMin });
});

describe('the password', () => {
  test('opens the header, however it is typed', async () => {
    const held = { user, header, head: headOf(3, header), password: ` ${password.toUpperCase()}` };
    expect(await openHeader(held)).toMatchObject(secrets);
  });

  test('that is wrong says so, and nothing else', async () => {
    for (const wrong of [`${password}s`, '', 'x'.repeat(300)]) {
      const opening = openHeader({ user, header, head: headOf(3, header), password: wrong });
      const error = await opening.catch((reason: Error) => reason);
      expect(error).toMatchObject({ code: 'WRONG_PASSWORD', message: 'This is not the password of this backup.' });
      expect(error).not.toHaveProperty('cause');
    }
  });

  test('is nowhere in the header, nor are the secrets', () => {
    const text = Buffer.from(header).toString('latin1');
    expect(text).not.toContain('abacus');
    for (const secret of Object.values(secrets)) expect(text).not.toContain(Buffer.from(secret).toString('latin1'));
  });

  test('gives another key to each header', async () => {
    const again = await sealHeader({ user, version: 3, password, secrets, cost: passwordCostMin });
    expect(BackupHeader.decode(again).salt).not.toEqual(BackupHeader.decode(header).salt);
  });
});

describe('a server that', () => {
  const refused = { code: 'UNTRUSTED' };
  const open = (bytes: Uint8Array, head = headOf(3, bytes), asked = user) =>
    openHeader({ user: asked, header: bytes, head, password, onProgress: () => expect.unreachable('it was derived') });

  test('shows an older header than the manifest names is found out before the password is used', async () => {
    const head = headOf(3, new Uint8Array([1, 2, 3]));
    await expect(open(header, head)).rejects.toMatchObject(refused);
  });

  test.each([
    ['one bit', (bytes: Uint8Array) => bytes.with(40, (bytes[40] ?? 0) ^ 1)],
    ['the end', (bytes: Uint8Array) => bytes.slice(0, -1)],
  ])('alters %s of the header is found out by its hash', async (_, alter) => {
    await expect(open(alter(header), headOf(3, header))).rejects.toMatchObject(refused);
  });

  // On a new device the server says the manifest, too, until the password has shown the identity: so the bounds hold by themselves.
  const weak = ['memoryKib', 'passes', 'lanes'] as const;
  test.each(weak)(
    'asks for less %s than any device would is refused, and for more than any device can',
    async (name) => {
      const asking = (value: number) => BackupHeader.encode({ ...BackupHeader.decode(header), [name]: value }).finish();
      await expect(open(asking(passwordCostMin[name] - 1))).rejects.toMatchObject(refused);
      await expect(open(asking(passwordCostMax[name] + 1))).rejects.toMatchObject(refused);
    },
  );

  test('is within the bounds by one is not refused for it', async () => {
    const signal = AbortSignal.abort('begun');
    for (const cost of [passwordCostMin, passwordCostMax]) {
      const bytes = BackupHeader.encode({ ...BackupHeader.decode(header), ...cost }).finish();
      await expect(openHeader({ user, header: bytes, head: headOf(3, bytes), password, signal })).rejects.toBe('begun');
    }
  });

  test('says another listing key of it is found out by the password', async () => {
    const head = headWith(3, header, newBackupKey());
    await expect(openHeader({ user, header, head, password })).rejects.toMatchObject(refused);
  });

  test.each([
    ['another format', { format: 2 }],
    ['a short salt', { salt: new Uint8Array(8) }],
    ['none of it', { sealed: new Uint8Array(limits.backupHeaderBytesMax) }],
  ])('hands out a header of %s is refused', async (_, change) => {
    const bytes = BackupHeader.encode({ ...BackupHeader.decode(header), ...change }).finish();
    await expect(open(bytes)).rejects.toMatchObject(refused);
  });

  test.each([
    ['another user', '@mallory:lux', 3],
    ['another version', user, 4],
  ])('shows it as that of %s can not have it opened', async (_, asked, version) => {
    const opening = openHeader({ user: asked, header, head: headOf(version, header), password });
    await expect(opening).rejects.toMatchObject({ code: 'WRONG_PASSWORD' });
  });
});

describe('the derivation', () => {
  test('tells how far it is and ends when it is told to', async () => {
    const ending = new AbortController();
    const parts: number[] = [];
    const onProgress = (part: number) => {
      parts.push(part);
      if (part > 0.2) ending.abort('enough');
    };
    const sealing = sealHeader({ user, version: 1, password, secrets, onProgress, signal: ending.signal });
    await expect(sealing).rejects.toBe('enough');
    expect(parts.at(-1)).toBeLessThan(0.3);
  });

  test('is refused for a cost out of bounds, secrets that are not whole, and a password that is none', async () => {
    const bad = { code: 'BAD_ARGUMENT' };
    const whole = { user, version: 1, password, secrets };
    await expect(sealHeader({ ...whole, cost: { ...passwordCost, passes: 1 } })).rejects.toMatchObject(bad);
    await expect(sealHeader({ ...whole, password: ' ' })).rejects.toMatchObject(bad);
    const short = { ...secrets, masterSeed: new Uint8Array(31) };
    await expect(sealHeader({ ...whole, secrets: short })).rejects.toMatchObject(bad);
  });
});
