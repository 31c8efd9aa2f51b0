// A process of the schedule: a generation with its fence reader and the actor of one log. Its actor takes messages, acks them once covered, and tells a
// repeat from a new message by what it recovered: the smallest actor that could lose or double something.
import type { Fence, Generation, StoredRow } from '../../ports/log-store.ts';
import { isOlder, type StoredState } from '../../ports/state-store.ts';
import { coveredKey } from '../covered.ts';
import { FenceReader } from '../fence-reader.ts';
import { Log } from '../log.ts';
import type { LogAnswer, StateChange } from '../messages.ts';
import { rowsWritten, type StoreReply, type StoreRequest, stateWritten, unknownReply } from '../requests.ts';
import type { Rule } from '../rules.ts';
import { shardOf } from '../shards.ts';
import { Stubs } from '../stubs.ts';
import type { Replicas } from './replicas.ts';

/** The one log of the schedule. */
export const logName = 'room/!a';
/** How often an actor that is to stop lets other things go first before it is dropped. */
const patienceTurns = 15;
const ownShard = new Set([shardOf(logName)]);

export interface NodeOptions {
  readonly replicas: Replicas;
  readonly generation: Generation;
  readonly rowsMax: number;
  readonly omit: Rule | undefined;
  readonly acked: (seq: number, message: number) => void;
}

/** One incarnation of the actor on this node. */
interface Incarnation {
  readonly log: Log;
  readonly known: Map<number, number>;
  readonly sent: Map<number, number>;
  waiting: number[];
  nextSeq: number;
  covered: number;
  open: boolean;
  closing: boolean;
}

export class Node {
  readonly generation: Generation;
  /** Believes that it owns the shard. */
  owns = false;
  crashed = false;
  readonly #options: NodeOptions;
  readonly #fences = new FenceReader<(reply: StoreReply) => void>();
  #reading = false;
  #actor: Incarnation | null = null;
  readonly #stubs = new Stubs();
  /** Waits for the actor to be gone. */
  #released: (() => void) | null = null;
  #saves = 0;

  constructor(options: NodeOptions) {
    this.#options = options;
    this.generation = options.generation;
  }

  /** A message arrives: the actor is started if need be. */
  arrive(message: number): void {
    this.#actor ??= this.#start();
    if (this.#actor.open) this.#take(this.#actor, message);
    else this.#actor.waiting.push(message);
  }

  /** The actor throws: a new one takes its place at once. */
  crashActor(): void {
    if (this.#actor === null) return;
    // Rule 8. Left out, the old one goes on working beside the new one.
    if (this.#options.omit !== 8) this.#actor.log.drop();
    this.#actor = this.#start();
  }

  /** The store says that the shard is this node's. */
  gets(): void {
    // Rule 14. Left out, it goes on by what it left, whoever had the shard since.
    if (this.#options.omit !== 14) this.#stubs.forget(ownShard);
    this.owns = true;
  }

  /** The actor stops, in order if it can; `stopped` is called once it has. Rule 9 asks for it before the shard is given away. */
  release(stopped: () => void): void {
    this.owns = false;
    if (this.#options.omit === 9) return stopped();
    this.close();
    if (this.#actor?.closing !== true) return this.#abandon(stopped);
    this.#released = () => this.#abandon(stopped);
    this.#wait(patienceTurns, () => this.#ended());
  }

  #wait(turns: number, run: () => void): void {
    this.#later(() => (turns === 0 ? run() : this.#wait(turns - 1, run)));
  }

  #ended(): void {
    const released = this.#released;
    this.#released = null;
    released?.();
  }

  #abandon(stopped: () => void): void {
    this.#actor?.log.drop();
    this.#actor = null;
    stopped();
  }

  /** Passivates the actor, if it is idle. */
  close(): void {
    const actor = this.#actor;
    if (actor === null || !actor.open || actor.covered !== actor.nextSeq - 1) return;
    actor.open = false;
    actor.closing = true;
    actor.log.command({ kind: 'close', changes: this.#changes(actor) }, 0);
  }

  save(): void {
    const actor = this.#actor;
    if (actor?.open) actor.log.command({ kind: 'save', token: 1, changes: this.#changes(actor) }, 0);
  }

  #start(): Incarnation {
    const { generation, rowsMax, omit } = this.#options;
    const host = {
      request: (id: number, request: StoreRequest) => this.#carryOut(request, (reply) => log.reply(id, reply, 0)),
      answer: (answer: LogAnswer) => this.#answered(actor, answer),
      broken: (reason: string) => {
        // With a rule left out the actor may be told nonsense, and act on it.
        if (omit === undefined) throw new Error(reason);
      },
    };
    const stub = this.#stubs.take(logName);
    const limits = { segmentRowsMax: rowsMax, pageRows: 2 };
    const log = new Log(logName, host, { generation, readsAreDurable: false, stub, limits, omit });
    const maps = { known: new Map<number, number>(), sent: new Map<number, number>() };
    const actor: Incarnation = { log, ...maps, waiting: [], nextSeq: 1, covered: 0, open: false, closing: false };
    log.command({ kind: 'open', create: true }, 0);
    return actor;
  }

  #take(actor: Incarnation, message: number): void {
    const seq = actor.known.get(message);
    if (seq !== undefined) return this.#options.acked(seq, message);
    if ([...actor.sent.values()].includes(message)) return;
    const fromSeq = actor.nextSeq++;
    actor.sent.set(fromSeq, message);
    const row = { bytes: Uint8Array.of(message), acceptedMs: 0, expiresMs: Number.MAX_SAFE_INTEGER };
    actor.log.command({ kind: 'append', fromSeq, rows: [row], restless: message % 2 === 0 }, 0);
  }

  #answered(actor: Incarnation, answer: LogAnswer): void {
    switch (answer.kind) {
      case 'opened':
        for (const { value } of answer.state) {
          for (const [message, seq] of value.entries()) if (seq > 0) actor.known.set(message, seq);
        }
        for (const { seq, bytes } of answer.rows) actor.known.set(bytes[0]!, seq);
        actor.nextSeq = answer.nextSeq;
        actor.covered = answer.nextSeq - 1;
        actor.open = true;
        // Not inside the log's own turn.
        this.#later(() => {
          for (const message of actor.waiting.splice(0)) if (actor.open) this.#take(actor, message);
        });
        break;
      case 'appended':
        for (const [seq, message] of actor.sent) {
          // Left out, rule 5 acks what stands behind a gap.
          if (seq > answer.throughSeq) continue;
          actor.sent.delete(seq);
          actor.known.set(message, seq);
          this.#options.acked(seq, message);
        }
        actor.covered = answer.throughSeq;
        break;
      case 'sealing':
        this.#later(() => {
          if (actor.open && !actor.log.ended) actor.log.command({ kind: 'sealed', changes: this.#changes(actor) }, 0);
        });
        break;
      case 'closed':
        if (this.#actor === actor) {
          this.#actor = null;
          this.#stubs.keep(logName, actor.log.stub);
          // Not inside the log's own turn.
          if (this.#released !== null) this.#later(() => this.#ended());
          else for (const message of actor.waiting) this.arrive(message);
        }
        break;
      case 'failed':
        actor.open = false;
        if (answer.code === 'FENCED') this.owns = false;
        if (this.#actor === actor) this.#actor = null;
        break;
    }
  }

  /** All messages known, as one row: the seq of message n at index n. */
  #changes(actor: Incarnation): StateChange[] {
    const value = new Uint8Array(16);
    for (const [message, seq] of actor.known) value[message] = seq;
    return [{ key: 'known', value, seq: actor.covered, sub: ++this.#saves }];
  }

  #later(run: () => void): void {
    this.#options.replicas.later(() => !this.crashed, run);
  }

  #carryOut(request: StoreRequest, reply: (reply: StoreReply) => void): void {
    const { replicas } = this.#options;
    const alive = () => !this.crashed;
    switch (request.op) {
      case 'cover':
        this.#fences.wait(reply);
        this.#readFence();
        break;
      case 'readMeta':
        replicas.later(alive, () => {
          const meta = replicas.registers.readMeta(logName);
          replicas.later(alive, () => reply({ op: 'readMeta', meta }));
        });
        break;
      case 'casMeta': {
        const apply = () => replicas.registers.casMeta(logName, request.meta);
        replicas.change(alive, apply, (applied) => reply(applied === null ? unknownReply : { op: 'casMeta', applied }));
        break;
      }
      case 'writeRows':
        replicas.write(
          alive,
          (store) => store.writeRows([request.write]),
          (done) => reply(done ? rowsWritten : unknownReply),
        );
        break;
      case 'writeState': {
        const apply = { log: logName, rows: request.rows };
        replicas.write(
          alive,
          (store) => store.writeState([apply]),
          (done) => reply(done ? stateWritten : unknownReply),
        );
        break;
      }
      case 'readRows': {
        const { segment, range } = request;
        replicas.read(
          alive,
          (store) => store.readRows(logName, segment, range),
          (both) => reply(both === null ? unknownReply : { op: 'readRows', rows: mergeRows(both, range.limit) }),
        );
        break;
      }
      case 'readState':
        readState(replicas, alive, (rows) => reply(rows === null ? unknownReply : { op: 'readState', rows }));
    }
  }

  #readFence(): void {
    if (this.#reading || !this.#fences.due) return;
    this.#reading = true;
    this.#later(() => {
      this.#fences.start();
      const query = (store: { readFence(generation: Generation): Fence }) => store.readFence(this.generation);
      this.#options.replicas.read(
        () => !this.crashed,
        query,
        (both) => {
          this.#reading = false;
          const fence = both === null ? 'unknown' : both.includes('fenced') ? 'fenced' : 'alive';
          for (const waiter of this.#fences.finish(fence)) waiter({ op: 'cover', fence: fence as Fence });
          this.#readFence();
        },
      );
    });
  }
}

/** One answer out of two: what either has, cut as if it were one store's. */
export function mergeRows(both: readonly StoredRow[][], limit: number): StoredRow[] {
  const merged = new Map<number, StoredRow>();
  for (const row of both.flat()) {
    const before = merged.get(row.seq);
    if (before === undefined || before.writeMicros < row.writeMicros) merged.set(row.seq, row);
  }
  return [...merged.values()].sort((a, b) => a.seq - b.seq).slice(0, limit);
}

/** A row a page, in the order of their keys: what is written meanwhile may be seen in one page and not in the one before. */
export function readState(
  replicas: Replicas,
  alive: () => boolean,
  answer: (rows: StoredState[] | null) => void,
  found: readonly StoredState[] = [],
  [key, ...rest]: readonly string[] = ['known', coveredKey],
): void {
  if (key === undefined) return answer([...found]);
  replicas.read(
    alive,
    (store) => store.readState(logName, [key]),
    (both) => {
      if (both === null) answer(null);
      else readState(replicas, alive, answer, [...found, ...mergeState(both)], rest);
    },
  );
}

function mergeState(both: readonly StoredState[][]): StoredState[] {
  const merged = new Map<string, StoredState>();
  for (const row of both.flat()) {
    const before = merged.get(row.key);
    if (before === undefined || isOlder(before, row)) merged.set(row.key, row);
  }
  return [...merged.values()];
}
