// The log runner on Cassandra without anything around it: rooms that always have so many rows under way, for some seconds. Calls: open, run, close.
import type { LogAnswer, NewRow } from '#actors/log/messages.ts';
import type { CassandraStore } from '#server/storage/cassandra/store.ts';
import type { LogRunner } from '#server/storage/log-runner.ts';
import { serveCalls } from '../micro/lib/child.ts';
import { cpuMicros } from '../micro/lib/figures.ts';
import { quantiles } from './load.ts';

const lifeMs = 722 * 24 * 3_600_000;
let store: CassandraStore;
let runner: LogRunner;
let body: Uint8Array;
let rooms = new Map<string, Room>();
let inFlight = 0;
let times: number[] = [];
let opened = 0;

class Room {
  readonly #name: string;
  readonly #sent: number[] = [];
  #acked = 0;

  constructor(name: string) {
    this.#name = name;
  }

  get isIdle(): boolean {
    return this.#sent.length === 0;
  }

  answered(answer: LogAnswer): void {
    if (answer.kind === 'failed') throw new Error(`a log failed: ${answer.code}`);
    if (answer.kind === 'opened') opened += 1;
    if (answer.kind === 'sealing') runner.command(this.#name, 1, { kind: 'sealed', changes: [] });
    if (answer.kind !== 'appended') return;
    const now = performance.now();
    for (; this.#acked < answer.throughSeq; this.#acked++) times.push((now - (this.#sent.shift() as number)) * 1000);
    this.fill();
  }

  fill(): void {
    const now = Date.now();
    const row: NewRow = { bytes: body, acceptedMs: now, expiresMs: now + lifeMs };
    while (this.#sent.length < inFlight) {
      const fromSeq = this.#acked + this.#sent.length + 1;
      this.#sent.push(performance.now());
      runner.command(this.#name, 1, { kind: 'append', fromSeq, rows: [row] });
    }
  }
}

interface Place {
  /** Of the project whose runner and store are measured. */
  readonly checkout: string;
  readonly name: string;
  readonly contactPoints: string[];
  readonly port: number;
  readonly keyspace: string;
  readonly rooms: number;
  readonly rowBytes: number;
}

async function open({ checkout, name, contactPoints, port, keyspace, ...size }: Place): Promise<void> {
  const { CassandraStore: Cassandra } = await import(`${checkout}/src/server/storage/cassandra/store.ts`);
  const { LogRunner: Runner } = await import(`${checkout}/src/server/storage/log-runner.ts`);
  const place = { contactPoints, port, localDataCenter: 'datacenter1', keyspace, replicationFactor: 1 };
  store = await Cassandra.open({ ...place, now: Date.now });
  // Shards belong to one node; here several share the keyspace, each with logs of its own.
  runner = new Runner({ store, generation: await store.createGeneration(name), now: Date.now });
  body = crypto.getRandomValues(new Uint8Array(size.rowBytes));
  const names = Array.from({ length: size.rooms }, (_, n) => `room/!${name}${'a'.repeat(24)}${1000 + n}:localhost`);
  rooms = new Map(names.map((each) => [each, new Room(each)]));
  runner.serve((actor, _incarnation, answer) => rooms.get(actor)?.answered(answer));
  for (const each of names) runner.command(each, 1, { kind: 'open', create: true });
  await until(() => opened === size.rooms);
}

async function run(given: { inFlight: number; ms: number }) {
  ({ inFlight } = given);
  times = [];
  const began = performance.now();
  for (const room of rooms.values()) room.fill();
  await new Promise((resolve) => setTimeout(resolve, given.ms));
  inFlight = 0;
  await until(() => [...rooms.values()].every((room) => room.isIdle));
  const wallMicros = (performance.now() - began) * 1000;
  const [p50, p99] = quantiles(times);
  return { writes: times.length, wallMicros, p50, p99 };
}

async function until(done: () => boolean): Promise<void> {
  while (!done()) await new Promise((resolve) => setTimeout(resolve, 2));
}

async function close(): Promise<void> {
  await runner.stop();
  await store.close();
}

serveCalls({ open, run, close, cpu: () => cpuMicros() });
