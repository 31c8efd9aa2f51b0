// How entries and grants go out.
import { describe, expect, it } from 'vitest';
import { ClientFrame } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { limits } from '#proto/rules/limits.ts';
import { ClientError } from '../errors.ts';
import { BackupWorld, refusal } from '../testing/backup-world.ts';
import { backupServer, fetchBackup } from './backup-requests.ts';

const grant = { token: 'grant', attempt: new Uint8Array(16) };
const entries = (count: number, bytes: number) =>
  Array.from({ length: count }, (_, at) => ({
    room: `!g${'a'.repeat(32)}:${'p'.repeat(63)}`,
    session: `${at}`.padStart(64, '0'),
    sealed: new Uint8Array(bytes),
  }));

describe('entries', () => {
  it.each([
    [100, 1, [100]],
    [101, 1, [100, 1]],
    [100, 900, [57, 43]],
  ])('of %i sessions with %i bytes go out as %j', async (count, bytes, sizes) => {
    const world = new BackupWorld();
    await backupServer(world.parts()).put(1, entries(count, bytes));
    expect(world.of('putBackup').map((put) => put.entries.length)).toEqual(sizes);
  });

  it('of the greatest size fill frames that the server takes', async () => {
    const world = new BackupWorld();
    await backupServer(world.parts()).put(1, entries(20, limits.backupEntryBytesMax));
    for (const body of world.asked)
      expect(ClientFrame.encode({ request: 2 ** 32 - 1, body }).finish().length).toBeLessThanOrEqual(
        limits.frameBytesMax,
      );
    expect(world.of('putBackup').flatMap((put) => put.entries)).toHaveLength(20);
  });
});

describe('a request with a grant', () => {
  const losing = (times: number) => {
    const world = new BackupWorld();
    world.before = () => {
      if (world.asked.length <= times) throw new ClientError('DISCONNECTED', 'lost');
      return undefined;
    };
    return world;
  };

  it('is sent again as it was where its answer was lost, three times at most', async () => {
    const world = losing(2);
    await fetchBackup(world.parts(), grant);
    expect(new Set(world.of('fetchBackup'))).toEqual(new Set([{ grant }]));
    await expect(fetchBackup(losing(3).parts(), grant)).rejects.toMatchObject({ code: 'DISCONNECTED' });
  });

  it('ends with its connection where that does not come back', async () => {
    const world = losing(1);
    world.live = false;
    await expect(fetchBackup(world.parts(), grant)).rejects.toMatchObject({ code: 'DISCONNECTED' });
    expect(world.asked).toHaveLength(1);
  });

  it('says that a step-up is needed where the grant does not count', async () => {
    const world = new BackupWorld();
    world.before = () => {
      throw refusal(Rejection.REJECTION_FORBIDDEN);
    };
    await expect(fetchBackup(world.parts(), grant)).rejects.toMatchObject({ code: 'STEP_UP_NEEDED' });
  });
});
