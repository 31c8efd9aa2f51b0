// What a key costs a device that can't read some ten thousand messages: the list of them, looked through at each key that comes, with the table in memory beside the
// sealed one on the disk. Run: node bench/micro/unread.ts [--rows 20000] [--rounds 9] [--write]
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
const room = `!${'r'.repeat(32)}:localhost `;
const value = new TextEncoder().encode(`NO_KEY ${'s'.repeat(43)} 3.2`);
const range = { ...prefixRange(room), limit: rows + 1 };
const rowsAtOnce = 1_000;

const folder = mkdtempSync(join(tmpdir(), 'luxchat-bench-'));
const disk = sealStore(openLmdbStore(join(folder, 'local')), await sealingKey(new Uint8Array(32).fill(7)));
for (let from = 0; from < rows; from += rowsAtOnce) {
  const some = Array.from({ length: Math.min(rowsAtOnce, rows - from) }, (_, n) => orderedNumber(from + n));
  await disk.write(some.map((seq) => ({ table: 'undecrypted', key: `${room}${seq}`, value })));
}
const stores = { memory: tableInMemory(disk, 'undecrypted'), disk };
const taken: Record<keyof typeof stores, number[]> = { memory: [], disk: [] };
for (const store of Object.values(stores)) await listed(store);
for (let n = 0; n < rounds; n++)
  for (const kind of ['memory', 'disk'] as const) taken[kind].push(await listed(stores[kind]));
const figures = Object.entries(taken).map(([table, micros]) => ({ table, 'CPU ms a list': median(micros) / 1_000 }));
const ratio = median(taken.disk.map((each, n) => each / (taken.memory[n] as number)));
console.table(figures);
console.log(`disk : memory = ${ratio.toFixed(0)}`);
if (flags.write) writeResult('micro-unread', { rows, rounds }, { figures, ratio });
await disk.close();
rmSync(folder, { recursive: true, force: true });

/** CPU time of one list of all of them, microseconds. */
async function listed(store: LocalStore): Promise<number> {
  const began = cpuMicros();
  const found = await store.list('undecrypted', range);
  if (found.length !== rows) throw new Error('some are missing');
  return cpuMicros() - began;
}
