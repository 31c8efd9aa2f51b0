// History that comes back: which room first, what a kill costs, and a server that never ends.
import { beforeEach, describe, expect, it } from 'vitest';
import { backupKeys } from '../backup/sealing.ts';
import type { RoomKey } from '../crypto/ids.ts';
import { ClientError } from '../errors.ts';
import { recordKey } from '../room/room-rows.ts';
import { BackupWorld, bytes } from '../testing/backup-world.ts';
import { readRestore, restoreOf, restoreRow } from './backup-rows.ts';
import type { FilledBackup } from './filling.ts';
import { Restoring } from './restoring.ts';

const [old, middle, newest] = ['!old:x', '!middle:x', '!newest:x'] as const;
let world: BackupWorld;
let rooms: { room: string; acceptedMs: number }[];
let source: FilledBackup | undefined;
/** What was done, in order. */
let done: string[];
let came: () => Promise<void>;
let inStep: boolean;

beforeEach(async () => {
  world = new BackupWorld();
  rooms = [
    { room: old, acceptedMs: 1 },
    { room: newest, acceptedMs: 3 },
    { room: middle, acceptedMs: 2 },
  ];
  // None of them opens: what was imported is what the test says.
  world.entries = rooms.flatMap(({ room }) =>
    [1, 2, 3].map((at) => ({ room, session: `s${at}`, sealed: new Uint8Array(40) })),
  );
  source = { version: 1, keys: await backupKeys(bytes(7)) };
  done = [];
  inStep = true;
  came = async () => {};
  await world.store.write([restoreRow(restoreOf(1))]);
});

async function start(heard: (keys: readonly RoomKey[]) => void = () => {}): Promise<Restoring> {
  const held = () => rooms.map(({ room, acceptedMs }) => ({ replica: { room, local: { head: { acceptedMs } } } }));
  const restoring = new Restoring({
    parts: () => world.parts(),
    rooms: () => ({ all: held, get: (room: string) => held().find((one) => one.replica.room === room) }) as never,
    inStep: () => world.live && inStep,
    source: () => source,
    keysCame: (keys) => {
      heard(keys);
      return came();
    },
    roomDone: (room) => done.push(room),
    changed: () => {},
  });
  await restoring.load();
  return restoring;
}

const pages = () => world.of('listBackup').map(({ room, after }) => `${room} ${after}`);

describe('reading back', () => {
  it('takes the room with the newest message first, and is over when all are read', async () => {
    const restoring = await start();
    expect(restoring.progress).toEqual({ rooms: 3, roomsDone: 0, sessions: 0, refused: 0 });
    restoring.kick();
    await world.idle();
    expect(done).toEqual([newest, middle, old]);
    expect(pages().slice(0, 2)).toEqual([`${newest} `, `${newest} 2`]);
    expect(restoring.progress).toBeUndefined();
    expect(await readRestore(world.store)).toBeUndefined();
    // Nothing of it was sealed by an own device: told, not taken.
    expect(world.counted.get('restore.refused')).toBe(9);
  });

  describe('within a room of more than a page', () => {
    const session = (letter: string) => letter.repeat(43);
    const place = (letter: string) => `${newest} ${newest} ${letter.repeat(42)}`;
    const waitsFor = (seq: number, letter: string, cause = 'NO_KEY') => ({
      ...{ table: 'undecrypted' as const, key: recordKey(newest, seq) },
      value: new TextEncoder().encode(`${cause} ${session(letter)} 1.1`),
    });
    const asked = () => pages().filter((page) => page.startsWith(newest));

    beforeEach(() => {
      rooms = [{ room: newest, acceptedMs: 3 }];
      world.entries = [...'abcde'].map((letter) => ({ room: newest, session: session(letter), sealed: bytes(1) }));
    });

    // Sessions lie in the backup by their ids, which are random: the newest line could come with the last page.
    it('asks for what the newest lines wait for before the next page', async () => {
      await world.store.write([waitsFor(1, 'c'), waitsFor(2, 'd'), waitsFor(3, 'd'), waitsFor(10, 'e')]);
      world.imports = [[], [{ room: newest, sessionId: session('e') }]];
      const came: string[] = [];
      const restoring = await start((keys) => came.push(...keys.map(({ sessionId }) => sessionId)));
      restoring.kick();
      await world.idle();
      expect(asked()).toEqual([`${newest} `, ...['e', 'd', 'c'].map(place), ...[`${newest} 2`, `${newest} 4`]]);
      expect(came).toEqual([session('e')]);
      expect(world.counted.get('restore.sessions')).toBe(1);
      // By the pages alone: each once.
      expect(world.counted.get('restore.refused')).toBe(5);
    });

    it('asks for nothing else where a page is all, and not for what no key mends', async () => {
      await world.store.write([waitsFor(1, 'e', 'UNKNOWN_DEVICE')]);
      (await start()).kick();
      await world.idle();
      expect(asked()).toEqual([`${newest} `, `${newest} 2`, `${newest} 4`]);
      world.asked.length = 0;
      world.pageEntries = 5;
      await world.store.write([waitsFor(1, 'e'), restoreRow(restoreOf(1))]);
      (await start()).kick();
      await world.idle();
      expect(asked()).toEqual([`${newest} `]);
    });

    it('asks again after a kill, and goes on where the pages were', async () => {
      await world.store.write([waitsFor(1, 'e')]);
      world.before = (body) => {
        if (body.$case === 'listBackup' && body.value.limit === 1) throw new ClientError('DISCONNECTED', 'gone');
        return undefined;
      };
      (await start()).kick();
      await world.idle();
      expect(await readRestore(world.store)).toMatchObject({ room: newest, after: '2' });
      world.before = () => undefined;
      world.asked.length = 0;
      (await start()).kick();
      await world.idle();
      expect(asked()).toEqual([`${newest} 2`, place('e'), `${newest} 4`]);
    });

    it('leaves off where another room is opened', async () => {
      rooms.push({ room: old, acceptedMs: 1 });
      await world.store.write([waitsFor(2, 'e'), waitsFor(1, 'd')]);
      world.imports = [[], [{ room: newest, sessionId: session('e') }]];
      const restoring = await start(() => restoring.want(old));
      restoring.kick();
      await world.idle();
      expect(done).toEqual([old, newest]);
      expect(pages().slice(0, 3)).toEqual([`${newest} `, place('e'), `${old} `]);
    });
  });

  it('takes a room first that someone looks at, also in the middle of another', async () => {
    const restoring = await start();
    world.imports = [[{ room: newest, sessionId: 's1' }]];
    came = async () => restoring.want(old);
    await restoring.restored(newest);
    await world.idle();
    expect(done).toEqual([old, newest, middle]);
  });

  it('goes on behind the last page when it was killed', async () => {
    world.imports = [[{ room: newest, sessionId: 's1' }]];
    came = async () => {
      world.live = false;
      throw new Error('killed');
    };
    (await start()).kick();
    await world.idle();
    expect(await readRestore(world.store)).toMatchObject({ room: newest, after: '2', sessions: 1, refused: 2 });
    world.live = true;
    came = async () => {};
    const again = await start();
    expect(again.progress).toMatchObject({ roomsDone: 0, sessions: 1, refused: 2 });
    again.kick();
    await world.idle();
    expect(pages()).toEqual([`${newest} `, `${newest} 2`, `${middle} `, `${middle} 2`, `${old} `, `${old} 2`]);
  });

  it('waits for a connection and for the key, and is nobody’s business once it is over', async () => {
    const restoring = await start();
    world.live = false;
    restoring.kick();
    await restoring.restored(old);
    world.live = true;
    const kept = source;
    source = undefined;
    restoring.kick();
    await world.idle();
    expect(pages()).toEqual([]);
    source = kept;
    restoring.kick();
    await world.idle();
    expect(done).toHaveLength(3);
    restoring.kick();
    restoring.want(old);
    await restoring.restored(old);
    expect(pages()).toHaveLength(6);
  });

  // At a start the first look at the manifest comes before the list of rooms: history was taken for read.
  it('is not over before the list of rooms is here', async () => {
    const listed = rooms;
    rooms = [];
    inStep = false;
    const restoring = await start();
    restoring.kick();
    await world.idle();
    expect(restoring.progress).toBeDefined();
    [rooms, inStep] = [listed, true];
    restoring.kick();
    await world.idle();
    expect(done).toHaveLength(3);
  });

  it('looks through the backup once in ten minutes for a room that is opened and holds what can not be shown', async () => {
    await world.store.write([restoreRow(undefined)]);
    const restoring = await start();
    const open = async (atMs: number, room: string) => {
      world.nowMs = atMs;
      restoring.want(room);
      await world.idle();
      return pages().length;
    };
    expect(await open(0, old)).toBe(0);
    await world.store.write([{ table: 'undecrypted', key: `${middle} 1`, value: bytes(1) }]);
    world.imports = [[{ room: middle, sessionId: 's1' }]];
    expect([await open(0, middle), await open(599_999, middle), await open(600_000, middle)]).toEqual([2, 2, 4]);
    expect(world.counted.get('restore.lookedUp')).toBe(1);
  });

  it('of a version that was replaced ends', async () => {
    source = { version: 2, keys: (source as FilledBackup).keys };
    const restoring = await start();
    restoring.kick();
    await world.idle();
    expect(pages()).toEqual([]);
  });

  it.each([
    ['the same place again and again', { entries: [{ room: old, session: 's', sealed: bytes(1) }], next: '2' }],
    ['empty pages for ever', { entries: [], next: `${Math.random()}` }],
  ])('does not follow a server that tells %s', async (_, page) => {
    const parts = world.parts();
    const request = async (body: never) => {
      world.asked.push(body);
      return page;
    };
    world.parts = () => ({ ...parts, request }) as never;
    (await start()).kick();
    await world.idle();
    expect(world.asked.length).toBeLessThan(10);
    expect(done).toHaveLength(3);
  });

  it('reads everything once more before a backup is replaced', async () => {
    await (await start()).readAll();
    expect(world.of('listBackup').map(({ room, after }) => [room, after])).toEqual([
      ['', ''],
      ['', '2'],
      ['', '4'],
      ['', '6'],
      ['', '8'],
    ]);
  });

  describe('before the backup is replaced', () => {
    const kept = () => readRestore(world.store);

    // Each backup begun while history came back left a row that no later backup answers to: the app showed progress for ever.
    it('is over once everything was read', async () => {
      const restoring = await start();
      await restoring.readAll();
      expect([restoring.progress, await kept(), done.length]).toEqual([undefined, undefined, 3]);
    });

    it('is over also where it was under way, and does not come back', async () => {
      world.imports = [[{ room: newest, sessionId: 's1' }]];
      const restoring = await start();
      let whole: Promise<void> | undefined;
      came = async () => {
        whole ??= restoring.readAll();
      };
      restoring.kick();
      await world.idle();
      await whole;
      expect([restoring.progress, await kept()]).toEqual([undefined, undefined]);
      expect([...done].sort()).toEqual([middle, newest, old].sort());
    });

    it('is over also where it was of a version before', async () => {
      source = { version: 2, keys: (source as FilledBackup).keys };
      const restoring = await start();
      await restoring.readAll();
      expect(world.of('listBackup')).toHaveLength(5);
      expect([restoring.progress, await kept()]).toEqual([undefined, undefined]);
    });

    it('goes on as before where not everything could be read', async () => {
      const gone = new ClientError('DISCONNECTED', 'gone');
      let isLost = true;
      world.before = ({ $case }) => {
        if (isLost && $case === 'listBackup') throw gone;
        return undefined;
      };
      const restoring = await start();
      restoring.kick();
      await expect(restoring.readAll()).rejects.toBe(gone);
      await world.idle();
      expect(restoring.progress).toMatchObject({ roomsDone: 0 });
      isLost = false;
      restoring.kick();
      await world.idle();
      expect([restoring.progress, done.length]).toEqual([undefined, 3]);
    });

    it('reads nothing more once the device is closed', async () => {
      const restoring = await start();
      await restoring.end();
      await expect(restoring.readAll()).rejects.toMatchObject({ code: 'CLOSED' });
      restoring.kick();
      await world.idle();
      expect(world.asked).toEqual([]);
      expect(await kept()).toMatchObject({ version: 1, done: [] });
    });
  });
});
