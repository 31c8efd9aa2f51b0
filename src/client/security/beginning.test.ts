// A set-up that is cut short anywhere: either the next start ends it, or nothing was begun. And which backup the server may show at all.
import { beforeEach, describe, expect, it } from 'vitest';
import { Rejection } from '#proto/gen/codes.ts';
import type { BackupHead } from '#proto/gen/record.ts';
import { openHeader, passwordCostMin } from '../backup/header.ts';
import type { NamedBackup } from '../devices/devices.ts';
import { ClientError } from '../errors.ts';
import { BackupWorld, bytes, refusal } from '../testing/backup-world.ts';
import { readBegun, readHeld } from './backup-rows.ts';
import { beginBackup, finishBegun } from './beginning.ts';

const grant = { token: 'grant', attempt: new Uint8Array(16) };
const password = 'abacus harvest purple monkey window zebra';
const killed = new ClientError('CLOSED', 'killed');
let world: BackupWorld;
/** Stands for a kill before the manifest is published. */
let publish: (head: BackupHead) => void;
/** The same before the self-signing key was renewed. */
let renewed: () => void;
let steps: string[];

beforeEach(() => {
  world = new BackupWorld();
  steps = [];
  renewed = () => {};
  publish = (head) => {
    world.named = head;
  };
});

const ports = () => ({
  parts: () => world.parts(),
  devices: {
    nameBackup: async ({ backup, lost = [] }: NamedBackup) => {
      if (!backup) return;
      publish(backup);
      steps.push(`listed without ${lost}`);
    },
    renewSelfSigning: async (seed: Uint8Array, lost: readonly number[]) => {
      steps.push(`renewed with ${seed[0]} without ${lost}`);
      renewed();
    },
  },
});
const begin = () => beginBackup(ports(), { grant, password, cost: passwordCostMin });
const held = () => readHeld(world.store);

describe('a backup', () => {
  it('is begun under the next version, named, and its key kept', async () => {
    world.backup = { ...world.backup, lastVersion: 4 };
    expect(await begin()).toMatchObject({ version: 5 });
    expect(world.named).toMatchObject({ version: 5 });
    expect(await held()).toMatchObject({ version: 5 });
    expect(await readBegun(world.store)).toBeUndefined();
  });

  it('is not begun on a device that is not confirmed', async () => {
    world.confirmed = false;
    await expect(begin()).rejects.toMatchObject({ code: 'NOT_CONFIRMED' });
    expect(world.asked).toEqual([]);
  });

  it.each(['STEP_UP_NEEDED', 'REJECTED'])('that the server refuses (%s) leaves nothing', async (code) => {
    const rejection = code === 'REJECTED' ? Rejection.REJECTION_STALE_STATE : Rejection.REJECTION_FORBIDDEN;
    world.before = ({ $case }) => {
      if ($case === 'createBackup') throw refusal(rejection);
      return undefined;
    };
    await expect(begin()).rejects.toMatchObject({ code });
    expect([await held(), await readBegun(world.store), world.named]).toEqual([undefined, undefined, undefined]);
  });

  it('whose answer is lost is asked for again as it was', async () => {
    let lost = 0;
    world.before = ({ $case }) => {
      if ($case !== 'createBackup' || lost++ > 0) return undefined;
      return () => {
        throw new ClientError('DISCONNECTED', 'lost');
      };
    };
    await begin();
    const [first, again] = world.of('createBackup');
    expect(again).toEqual(first);
    expect(world.named).toMatchObject({ version: 1 });
  });
});

describe('a device that is killed while it begins a backup', () => {
  const killAt = (kind: string, when: 'before' | 'after') => {
    world.before = ({ $case }) => {
      if ($case !== kind) return undefined;
      if (when === 'before') throw killed;
      return () => {
        throw killed;
      };
    };
  };
  const restart = async () => {
    world.before = () => undefined;
    await finishBegun(ports());
  };

  it('before the server has it has begun nothing', async () => {
    killAt('createBackup', 'before');
    await expect(begin()).rejects.toBe(killed);
    await restart();
    expect([await held(), await readBegun(world.store), world.named]).toEqual([undefined, undefined, undefined]);
  });

  it('when the server has it, or before it is named, ends it at the next start', async () => {
    killAt('createBackup', 'after');
    await expect(begin()).rejects.toBe(killed);
    publish = () => {
      throw killed;
    };
    await expect(restart()).rejects.toBe(killed);
    expect(await held()).toBeUndefined();
    publish = (head) => {
      world.named = head;
    };
    await restart();
    expect(world.named).toMatchObject({ version: 1 });
    expect(await held()).toMatchObject({ version: 1 });
  });

  it('lets it go where another own device began one since', async () => {
    killAt('createBackup', 'after');
    await expect(begin()).rejects.toBe(killed);
    world.backup = { version: 2, header: bytes(9), lastVersion: 2 };
    await restart();
    expect([await held(), await readBegun(world.store), world.named]).toEqual([undefined, undefined, undefined]);
  });
});

describe('devices that are logged out as lost with it', () => {
  const loss = { devices: [2, 5], selfSigningSeed: bytes(7) };
  const withLoss = { grant, password, cost: passwordCostMin, loss };
  const seedsIn = async () =>
    openHeader({ user: world.user, header: world.backup.header, head: world.named as BackupHead, password });

  it('leave the list that names it, under another self-signing key, which it holds', async () => {
    await beginBackup(ports(), withLoss);
    expect(steps).toEqual(['renewed with 7 without 2,5', 'listed without 2,5']);
    expect(await seedsIn()).toMatchObject({ masterSeed: bytes(1), selfSigningSeed: bytes(7) });
  });

  it('do so at the next start with the very same key, where the device was killed at any moment since the server has it', async () => {
    const cut = (): never => {
      throw killed;
    };
    world.before = ({ $case }) => ($case === 'createBackup' ? cut : undefined);
    await expect(beginBackup(ports(), withLoss)).rejects.toBe(killed);
    world.before = () => undefined;
    renewed = cut;
    await expect(finishBegun(ports())).rejects.toBe(killed);
    renewed = () => {};
    publish = cut;
    await expect(finishBegun(ports())).rejects.toBe(killed);
    publish = (head) => {
      world.named = head;
    };
    await finishBegun(ports());
    expect(new Set(steps)).toEqual(new Set(['renewed with 7 without 2,5', 'listed without 2,5']));
    expect(await seedsIn()).toMatchObject({ selfSigningSeed: bytes(7) });
    expect(await readBegun(world.store)).toBeUndefined();
  });

  it('keep the key that is in force where the server never had the new backup', async () => {
    world.before = ({ $case }) => {
      if ($case === 'createBackup') throw killed;
      return undefined;
    };
    await expect(beginBackup(ports(), withLoss)).rejects.toBe(killed);
    world.before = () => undefined;
    await finishBegun(ports());
    expect([steps, await readBegun(world.store)]).toEqual([[], undefined]);
  });
});

describe('a server', () => {
  it.each([
    ['an older backup', { version: 2, header: bytes(2), lastVersion: 3 }],
    ['none', { version: 0, header: bytes(0), lastVersion: 3 }],
    ['another one under its version', { version: 3, header: bytes(4), lastVersion: 3 }],
    ['that fewer were ever begun', { version: 3, header: bytes(3), lastVersion: 2 }],
  ])('that shows %s than own devices signed has none begun on it', async (_, backup) => {
    world.backup = { version: 3, header: bytes(3), lastVersion: 3 };
    world.named = { version: 3, hash: world.told(bytes(3)).hash, listingKey: bytes(1) };
    world.backup = backup;
    await expect(begin()).rejects.toMatchObject({ code: 'UNTRUSTED' });
    expect(world.alarms).toEqual(['BACKUP_ROLLED_BACK']);
    expect(world.of('createBackup')).toEqual([]);
  });
});
