// What a key costs a device that can't read some ten thousand messages: the list of them, looked through at each key that comes, with the table in memory beside the
// sealed one on the disk: all in one room, and spread over a thousand, where each room is asked for its own. Run: node bench/micro/unread.ts [--rows 20000] [--rounds 9] [--write]
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openLmdbStore } from '#client/node/lmdb-store.ts';
import { sealingKey, sealStore } from '#client/store/sealed-store.ts';
import { type LocalStore, orderedNumber, prefixRange } from '#client/store/store.ts';
import { tableInMemory } from '#client/store/table-in-memory.ts';
import { cpuMicros, median, writeResult } from './lib/figures.ts';

const { values: flags } = parseArgs({
  options: {
    write: { type: 'boolean', default: false },
    rows: { type: 'string', default: '20000' },
    rounds: { type: 'string', default: '9' },
  },
});
const [rows, rounds] = [flags.rows, flags.rounds].map(Number) as [number, number];
const roomName = (n: number) => `!${String(n).padStart(32, 'r')}:localhost `;
const value = new TextEncoder().encode(`NO_KEY ${'s'.repeat(43)} 3.2`);
const rowsAtOnce = 1_000;
const key = await sealingKey(new Uint8Array(32).fill(7));

const figures: Record<string, number | string>[] = [];
for (const rooms of [1, 1_000]) figures.push(await compared(rooms));
console.table(figures);
if (flags.write) writeResult('micro-unread', { rows, rounds }, { figures });

/** CPU time of one walk through all rooms, either way. */
async function compared(rooms: number): Promise<Record<string, number | string>> {
  const folder = mkdtempSync(join(tmpdir(), 'luxchat-bench-'));
  const disk = sealStore(openLmdbStore(join(folder, 'local')), key);
  for (let from = 0; from < rows; from += rowsAtOnce) {
    const some = Array.from({ length: Math.min(rowsAtOnce, rows - from) }, (_, n) => from + n);
    const rowOf = (n: number) => ({
      table: 'undecrypted' as const,
      key: roomName(n % rooms) + orderedNumber(n),
      value,
    });
    await disk.write(some.map(rowOf));
  }
  const stores = { memory: tableInMemory(disk, 'undecrypted'), disk };
  const taken: Record<keyof typeof stores, number[]> = { memory: [], disk: [] };
  for (const store of Object.values(stores)) await walked(store, rooms);
  for (let n = 0; n < rounds; n++)
    for (const kind of ['memory', 'disk'] as const) taken[kind].push(await walked(stores[kind], rooms));
  await disk.close();
  rmSync(folder, { recursive: true, force: true });
  return {
    rooms,
    'CPU ms, in memory': median(taken.memory) / 1_000,
    'CPU ms, on the disk': median(taken.disk) / 1_000,
    'disk : memory': median(taken.disk.map((each, n) => each / (taken.memory[n] as number))).toFixed(0),
  };
}

/** Microseconds of CPU. */
async function walked(store: LocalStore, rooms: number): Promise<number> {
  const began = cpuMicros();
  let found = 0;
  for (let n = 0; n < rooms; n++)
    found += (await store.list('undecrypted', { ...prefixRange(roomName(n)), limit: rows })).length;
  if (found !== rows) throw new Error('some are missing');
  return cpuMicros() - began;
}
