// Which sessions are looked up before the pages: of the newest lines, and no more than the bounds.
import { beforeEach, expect, it } from 'vitest';
import { recordKey } from '../room/room-rows.ts';
import { MemoryStore } from '../store/memory-store.ts';
import { lookedUpMax, newestRecordsMax, newestWaiting } from './newest-waiting.ts';

const room = '!one:x';
let store: MemoryStore;
beforeEach(() => {
  store = new MemoryStore();
});

const waits = (seq: number, session: string, { cause = 'NO_KEY', of = room } = {}) =>
  store.write([
    { table: 'undecrypted', key: recordKey(of, seq), value: new TextEncoder().encode(`${cause} ${session} 1.1`) },
  ]);

it('are those of the newest lines first, each once, and of this room', async () => {
  await waits(1, 'a');
  await waits(2, 'b');
  await waits(10, 'a', { cause: 'UNKNOWN_INDEX' });
  await waits(11, '');
  await waits(12, 'c', { cause: 'IDENTITY_CHANGED' });
  await waits(13, 'd', { of: '!two:x' });
  expect(await newestWaiting(store, room)).toEqual(['a', 'b']);
});

it.each([
  [lookedUpMax, lookedUpMax],
  [lookedUpMax + 1, lookedUpMax],
])('of %d are %d', async (sessions, found) => {
  for (let seq = 1; seq <= sessions; seq++) await waits(seq, `s${seq}`);
  const wanted = await newestWaiting(store, room);
  expect([wanted.length, wanted[0]]).toEqual([found, `s${sessions}`]);
});

it.each([
  [newestRecordsMax, ['new', 'old']],
  [newestRecordsMax + 1, ['new']],
])('are looked for in a screenful of lines: of %d %j', async (lines, found) => {
  await waits(1, 'old');
  for (let seq = 2; seq <= lines; seq++) await waits(seq, 'new');
  expect(await newestWaiting(store, room)).toEqual(found);
});
