// A backup that fills itself: what the engine is told at each version, and what a server's refusals lead to.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Rejection } from '#proto/gen/codes.ts';
import { ClientError } from '../errors.ts';
import { BackupWorld, bytes, refusal } from '../testing/backup-world.ts';
import { heldRow, readHeld } from './backup-rows.ts';
import { Filling } from './filling.ts';

let world: BackupWorld;
let stale: number;

beforeEach(() => {
  world = new BackupWorld();
  stale = 0;
  waiting = [];
  changes = [];
});

afterEach(() => vi.useRealTimers());

let waiting: number[];
let changes: boolean[] = [];
const filling = () => {
  const made: Filling = new Filling({
    parts: () => world.parts(),
    stale: () => void stale++,
    waiting: (count) => waiting.push(count),
    changed: () => changes.push(made.full),
  });
  return made;
};

/** Its engine has one session to be backed up, for ever. */
function withSession() {
  const parts = world.parts();
  const batch = {
    id: '1',
    version: 1,
    sessions: [{ room: '!r:x', sessionId: 's', json: bytes(1), sender: undefined }],
  };
  Object.assign(parts.engine, { takeBackup: async () => batch });
  world.parts = () => parts;
}

describe('filling', () => {
  it('has the engine forget what an earlier version holds, once, whatever is killed', async () => {
    const first = { version: 1, backupKey: bytes(1) };
    await filling().begin(first);
    await filling().begin((await readHeld(world.store))!);
    expect(world.engineCalls).toEqual(['end', 'start 1', 'start 1']);
    const running = filling();
    await running.begin((await readHeld(world.store))!);
    await running.begin({ version: 2, backupKey: bytes(2) });
    await running.begin({ version: 2, backupKey: bytes(2) });
    expect(world.engineCalls.slice(3)).toEqual(['start 1', 'end', 'start 2']);
    expect(await readHeld(world.store)).toMatchObject({ version: 2, filling: true });
  });

  it('says that another version is in force, and counts a backup that is full', async () => {
    withSession();
    world.live = false;
    const running = filling();
    await running.begin({ version: 1, backupKey: bytes(1) });
    for (const rejection of [Rejection.REJECTION_STALE_STATE, Rejection.REJECTION_LIMIT_REACHED]) {
      world.before = () => {
        throw refusal(rejection);
      };
      await running.fill().catch(() => {});
    }
    expect(stale).toBe(1);
    expect(world.counted.get('backup.full')).toBe(1);
  });

  it('says that the backup takes no more, from the first session above its bound on, and after a restart', async () => {
    world.live = false;
    const room = 2;
    world.fillsAt = room;
    world.sessions = room;
    const held = { version: 1, backupKey: bytes(1) };
    const running = filling();
    await world.store.write([heldRow(held)]);
    await running.begin(held);
    await running.fill();
    expect([running.full, waiting.at(-1), changes]).toEqual([false, 0, []]);
    world.sessions = room + 1;
    await expect(running.fill()).rejects.toMatchObject({ code: 'REJECTED' });
    expect([running.full, waiting.at(-1), changes]).toEqual([true, 1, [true]]);
    const restarted = filling();
    await restarted.begin((await readHeld(world.store))!);
    expect(restarted.full).toBe(true);
    // Another one is empty.
    await restarted.begin({ version: 2, backupKey: bytes(2) });
    expect(restarted.full).toBe(false);
  });

  it('leaves a backup that is full alone for an hour, and counts what waits all the same', async () => {
    vi.useFakeTimers();
    Object.assign(world, { fillsAt: 0, sessions: 1 });
    const held = { version: 1, backupKey: bytes(1) };
    const running = filling();
    await world.store.write([heldRow(held)]);
    await running.begin(held);
    await world.idle();
    const look = async () => {
      running.look();
      await vi.advanceTimersByTimeAsync(1_000);
      await world.idle();
      return world.of('putBackup').length;
    };
    world.sessions = 2;
    world.nowMs = 3_599_999;
    expect([await look(), waiting.at(-1)]).toEqual([1, 2]);
    world.nowMs = 3_600_000;
    expect(await look()).toBe(2);
    await running.end();
  });

  it('says that it takes what waits again, once it does', async () => {
    world.live = false;
    world.fillsAt = 0;
    world.sessions = 1;
    const held = { version: 1, backupKey: bytes(1) };
    const running = filling();
    await world.store.write([heldRow(held)]);
    await running.begin(held);
    await running.fill().catch(() => {});
    world.fillsAt = 1;
    await running.fill();
    expect([running.full, changes]).toEqual([false, [true, false]]);
    expect(await readHeld(world.store)).toMatchObject({ full: false });
  });

  it('says that nothing waits only where that is known, and is silent of no bug', async () => {
    withSession();
    world.live = false;
    const running = filling();
    await running.begin({ version: 1, backupKey: bytes(1) });
    world.before = () => {
      throw refusal(Rejection.REJECTION_LIMIT_REACHED);
    };
    const bug = new TypeError('x is not a function');
    const countFails = (error: Error) =>
      Object.assign(world.parts().engine, { backupCounts: () => Promise.reject(error) });
    countFails(new ClientError('CLOSED', 'The crypto engine is closed'));
    await expect(running.fill()).rejects.toMatchObject({ code: 'REJECTED' });
    expect(waiting).toEqual([]);
    countFails(bug);
    await expect(running.fill()).rejects.toBe(bug);
  });

  it('waits for a connection, and does nothing once it has ended', async () => {
    world.live = false;
    withSession();
    const running = filling();
    await running.begin({ version: 1, backupKey: bytes(1) });
    expect(world.of('putBackup')).toEqual([]);
    await running.end();
    world.live = true;
    running.kick();
    await running.fill();
    expect(world.of('putBackup')).toEqual([]);
  });
});
