// What a durable append costs: the log runner on the embedded store, beside the same runner on the memory store, which shows what of it is the
// runner's own. 100 rooms keep 1, 8 or 32 rows in flight each; `batch` appends 32 rows in one command. CPU is that of the whole process, lmdb's write
// thread included. Run: node bench/micro/append.ts [--write]. The folder lies in the system's folder for temporary files: durable there = fsync there.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LogAnswer, NewRow } from '#actors/log/messages.ts';
import { EmbeddedStore } from '#server/storage/embedded/store.ts';
import { LogRunner } from '#server/storage/log-runner.ts';
import { InMemoryStore } from '#server/storage/memory/store.ts';
import type { Store } from '#server/storage/store.ts';
import { cpuMicros, median, writeResult } from './lib/figures.ts';

const rooms = 100;
const rowBytes = 300;
const warmMs = 1_000;
const measureMs = 4_000;
const lifeMs = 722 * 24 * 3_600_000;
const body = new Uint8Array(rowBytes).fill(0x5a);

interface Load {
  readonly name: string;
  readonly inFlight: number;
  readonly perAppend: number;
}

interface Figures {
  readonly store: string;
  readonly load: string;
  readonly rowsPerSecond: number;
  readonly cpuMicrosPerRow: number;
  readonly ackP50Ms: number;
  readonly ackP99Ms: number;
}

/** A room that always has so many rows under way. */
class Room {
  readonly #runner: LogRunner;
  readonly #name: string;
  readonly #load: Load;
  readonly #sent: { through: number; atMs: number }[] = [];
  #nextSeq = 1;
  acked = 0;
  latenciesMs: number[] = [];

  constructor(runner: LogRunner, name: string, load: Load) {
    this.#runner = runner;
    this.#name = name;
    this.#load = load;
  }

  answered(answer: LogAnswer): void {
    if (answer.kind === 'failed') throw new Error(`a log failed: ${answer.code}`);
    if (answer.kind === 'sealing') this.#runner.command(this.#name, 1, { kind: 'sealed', changes: [] });
    if (answer.kind === 'appended') {
      this.acked = answer.throughSeq;
      const now = performance.now();
      while ((this.#sent[0]?.through ?? Number.POSITIVE_INFINITY) <= this.acked)
        this.latenciesMs.push(now - this.#sent.shift()!.atMs);
    }
    if (answer.kind === 'opened' || answer.kind === 'appended') this.#fill();
  }

  #fill(): void {
    const now = Date.now();
    const row: NewRow = { bytes: body, acceptedMs: now, expiresMs: now + lifeMs };
    while (this.#nextSeq - 1 - this.acked < this.#load.inFlight) {
      const fromSeq = this.#nextSeq;
      this.#nextSeq += this.#load.perAppend;
      this.#sent.push({ through: this.#nextSeq - 1, atMs: performance.now() });
      const rows = this.#load.perAppend === 1 ? [row] : new Array<NewRow>(this.#load.perAppend).fill(row);
      this.#runner.command(this.#name, 1, { kind: 'append', fromSeq, rows });
    }
  }
}

async function measure(kind: string, load: Load): Promise<Figures> {
  const folder = mkdtempSync(join(tmpdir(), 'append-'));
  const store: Store =
    kind === 'embedded' ? await EmbeddedStore.open({ folder, now: Date.now }) : new InMemoryStore(Date.now);
  const runner = await LogRunner.start({ store, node: 'n', now: Date.now });
  const names = Array.from({ length: rooms }, (_, i) => `room/!abcdefghijklmnop${i}:lux.example`);
  const all = new Map(names.map((name) => [name, new Room(runner, name, load)]));
  runner.serve((actor, _incarnation, answer) => all.get(actor)?.answered(answer));
  for (const name of names) runner.command(name, 1, { kind: 'open', create: true });
  const total = () => [...all.values()].reduce((sum, { acked }) => sum + acked, 0);
  const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  await wait(warmMs);
  for (const room of all.values()) room.latenciesMs = [];
  const [rowsBefore, cpuBefore, startedMs] = [total(), cpuMicros(), performance.now()];
  await wait(measureMs);
  const rows = total() - rowsBefore;
  const cpu = cpuMicros() - cpuBefore;
  const seconds = (performance.now() - startedMs) / 1000;
  const latencies = [...all.values()].flatMap(({ latenciesMs }) => latenciesMs).sort((a, b) => a - b);
  await runner.stop();
  await store.close();
  rmSync(folder, { recursive: true, force: true });
  return {
    store: kind,
    load: load.name,
    rowsPerSecond: rows / seconds,
    cpuMicrosPerRow: cpu / rows,
    ackP50Ms: median(latencies),
    ackP99Ms: latencies[Math.floor(latencies.length * 0.99)] ?? Number.NaN,
  };
}

const loads: Load[] = [
  { name: '1 in flight', inFlight: 1, perAppend: 1 },
  { name: '8 in flight', inFlight: 8, perAppend: 1 },
  { name: '32 in flight', inFlight: 32, perAppend: 1 },
  { name: 'batch of 32', inFlight: 32, perAppend: 32 },
];
const figures: Figures[] = [];
for (const load of loads) for (const kind of ['embedded', 'memory']) figures.push(await measure(kind, load));
console.table(
  figures.map((one) => ({
    store: one.store,
    load: one.load,
    'rows/s': Math.round(one.rowsPerSecond),
    'CPU µs/row': one.cpuMicrosPerRow.toFixed(1),
    'ack p50 ms': one.ackP50Ms.toFixed(2),
    'ack p99 ms': one.ackP99Ms.toFixed(2),
  })),
);
if (process.argv.includes('--write'))
  writeResult('micro-append', { rooms, rowBytes, warmMs, measureMs, loads }, figures);
