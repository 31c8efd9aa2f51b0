// A process of the schedule: a generation with its fence reader and the actor of one log. Its actor takes messages, acks them once covered, and tells a
// repeat from a new message by what it recovered: the smallest actor that could lose or double something.
import type { Fence, Generation } from '../../ports/log-store.ts';
import { FenceReader } from '../fence-reader.ts';
import { Log } from '../log.ts';
import type { LogAnswer, StateChange } from '../messages.ts';
import type { StoreReply, StoreRequest } from '../requests.ts';
import type { Rule } from '../rules.ts';
import { shardOf } from '../shards.ts';
import { Stubs } from '../stubs.ts';
import { lifeMs, type Replicas } from './replicas.ts';
import { carryOut, logName } from './requests.ts';

/** How often an actor that is to stop lets other things go first before it is dropped. */
const patienceTurns = 15;
const ownShard = new Set([shardOf(logName)]);

export interface NodeOptions {
  readonly replicas: Replicas;
  readonly generation: Generation;
  readonly rowsMax: number;
  readonly omit: Rule | undefined;
  /** State is of two rows that must fit, not of one. */
  readonly marks: boolean;
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
  /** It takes the shard from someone; nothing else is done about the shard meanwhile. */
  takes = false;
  crashed = false;
  readonly #options: NodeOptions;
  readonly #fences = new FenceReader<(reply: StoreReply) => void>();
  #reading = false;
  #actor: Incarnation | null = null;
  readonly #stubs = new Stubs();
  /** Waits for the actor to be gone. */
  #released: (() => void) | null = null;
  #saves = 0;
  /** A save is under way: actors have one at a time. */
  #saving: Incarnation | null = null;

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
    actor.log.command({ kind: 'close', changes: this.#changes(actor) }, this.#now);
  }

  save(): void {
    const actor = this.#actor;
    if (!actor?.open || (this.#options.marks && this.#saving === actor)) return;
    this.#saving = actor;
    actor.log.command({ kind: 'save', token: 1, changes: this.#changes(actor) }, this.#now);
  }

  /** Something of its log is due: it is opened, or looks at its clock. */
  wake(): void {
    if (this.#actor === null) this.#actor = this.#start();
    else this.#actor.log.tick(this.#now);
  }

  get #now(): number {
    return this.#options.replicas.now;
  }

  #start(): Incarnation {
    const { generation, rowsMax, omit } = this.#options;
    const host = {
      request: (id: number, request: StoreRequest) =>
        this.#carryOut(request, (reply) => log.reply(id, reply, this.#now)),
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
    log.command({ kind: 'open', create: true }, this.#now);
    return actor;
  }

  #take(actor: Incarnation, message: number): void {
    const seq = actor.known.get(message);
    if (seq !== undefined) return this.#options.acked(seq, message);
    if ([...actor.sent.values()].includes(message)) return;
    const fromSeq = actor.nextSeq++;
    actor.sent.set(fromSeq, message);
    const row = { bytes: Uint8Array.of(message), acceptedMs: this.#now, expiresMs: this.#now + lifeMs };
    actor.log.command({ kind: 'append', fromSeq, rows: [row], restless: message % 2 === 0 }, this.#now);
  }

  #answered(actor: Incarnation, answer: LogAnswer): void {
    switch (answer.kind) {
      case 'opened':
        this.#recall(actor, answer);
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
      case 'saved':
        this.#saving = null;
        break;
      case 'sealing':
        this.#later(() => {
          if (actor.open && !actor.log.ended)
            actor.log.command({ kind: 'sealed', changes: this.#changes(actor) }, this.#now);
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

  /** What state rows say, and the rows of the log that these do not hold. */
  #recall(actor: Incarnation, { state, rows }: LogAnswer & { kind: 'opened' }): void {
    const byKey = new Map(state.map(({ key, value }) => [key, value]));
    for (const [message, seq] of byKey.get('known')?.entries() ?? []) if (seq > 0) actor.known.set(message, seq);
    const mark = byKey.get('mark')?.[0] ?? 0;
    for (const { seq, bytes } of rows) if (seq > mark) actor.known.set(bytes[0]!, seq);
  }

  /** All messages known, the seq of message n at index n, and in a row of its own through which seq. */
  #changes(actor: Incarnation): StateChange[] {
    const value = new Uint8Array(16);
    for (const [message, seq] of actor.known) value[message] = seq;
    const stamp = { seq: actor.covered, sub: ++this.#saves };
    const known = { key: 'known', value, ...stamp };
    return this.#options.marks ? [known, { key: 'mark', value: Uint8Array.of(actor.covered), ...stamp }] : [known];
  }

  #later(run: () => void): void {
    this.#options.replicas.later(() => !this.crashed, run);
  }

  #carryOut(request: StoreRequest, reply: (reply: StoreReply) => void): void {
    const { replicas, marks } = this.#options;
    if (request.op !== 'cover') return carryOut({ replicas, marks, alive: () => !this.crashed }, request, reply);
    this.#fences.wait(reply);
    this.#readFence();
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
