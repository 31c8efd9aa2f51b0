// The backup key between own devices: to listed ones, for the backup that own devices signed, and to nobody else.
import { beforeEach, describe, expect, it } from 'vitest';
import { toBase64 } from '#proto/rules/bytes/base.ts';
import { BackupWorld, bytes } from '../testing/backup-world.ts';
import { heldRow, readHeld, readRestore } from './backup-rows.ts';
import { backupMessageType, readBackupMessage } from './key-message.ts';
import { KeySharing } from './key-sharing.ts';

let world: BackupWorld;
let sharing: KeySharing;
let sent: unknown[][];
let came: number[];
/** The manifest that the next look at the server brings. */
let newer: number | undefined;

const name = (version: number) => ({ version, hash: bytes(1), listingKey: bytes(2) });
const key = { version: 2, key: toBase64(bytes(5)) };
const message = (content: unknown, over = {}) => ({
  ...{ type: backupMessageType, sender: world.user, device: 'TWO', content },
  ...over,
});

beforeEach(() => {
  world = new BackupWorld();
  world.named = name(2);
  newer = undefined;
  [sent, came] = [[], []];
  sharing = new KeySharing({
    parts: () => world.parts(),
    devices: {
      refresh: async () => {
        if (newer !== undefined) world.named = name(newer);
      },
    },
    otherDevices: () => ['TWO'],
    send: async (messages) => void sent.push([...messages]),
    came: ({ version }) => came.push(version),
  });
});

describe('the backup key', () => {
  it('is taken from a listed own device, and all of the backup is to be read', async () => {
    await sharing.take(message(key));
    expect(await readHeld(world.store)).toMatchObject({ version: 2, backupKey: bytes(5) });
    expect(await readRestore(world.store)).toMatchObject({ version: 2, done: [] });
    await sharing.take(message(key));
    expect(came).toEqual([2]);
  });

  it.each([
    ['somebody else', { sender: '@mallory:localhost' }],
    ['a device that was taken off', { device: 'GONE' }],
    ['no device', { device: undefined }],
    ['another kind of message', { type: 'lu.luxchat.rooms' }],
  ])('is not taken from %s', async (_, over) => {
    await sharing.take(message(key, over));
    await sharing.take(message({ ask: 2 }, over));
    await world.idle();
    expect([await readHeld(world.store), sent]).toEqual([undefined, []]);
  });

  it('of another backup than own devices signed is not taken; of a newer one after a look', async () => {
    await sharing.take(message({ ...key, version: 1 }));
    await sharing.take(message({ ...key, version: 3 }));
    expect(came).toEqual([]);
    newer = 3;
    await sharing.take(message({ ...key, version: 3 }));
    expect(came).toEqual([3]);
  });

  it('is given to a listed device that asks for the one in force', async () => {
    await sharing.take(message({ ask: 2 }));
    await world.idle();
    expect(sent).toEqual([]);
    await world.store.write([heldRow({ version: 2, backupKey: bytes(5) })]);
    for (const content of [{ ask: 2 }, { ask: 1 }, { ask: 3 }]) await sharing.take(message(content));
    await world.idle();
    expect(sent).toEqual([['TWO']]);
  });

  it('is asked for once a run', async () => {
    world.live = false;
    await sharing.ask(2);
    world.live = true;
    for (const version of [2, 2, 3]) await sharing.ask(version);
    expect(sent).toHaveLength(2);
  });

  it.each([
    [null],
    ['x'],
    [{}],
    [{ ask: 0 }],
    [{ ask: 1.5 }],
    [{ ask: '2' }],
    [{ version: 2 }],
    [{ ...key, version: 0 }],
  ])('is not in %j', (content) => {
    expect(readBackupMessage(content)).toBeUndefined();
  });

  it.each([31, 33])('has 32 bytes, not %i', (length) => {
    expect(readBackupMessage({ version: 2, key: toBase64(new Uint8Array(length)) })).toBeUndefined();
    expect(readBackupMessage(key)).toEqual({ held: { version: 2, backupKey: bytes(5) } });
  });
});
