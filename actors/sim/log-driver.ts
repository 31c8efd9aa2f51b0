// Runs the logs of one simulated process on the store: the part that `src/server/storage` plays on a real node, over virtual time. Shards are
// taken when a log in them is first opened. Adds no safety of its own and takes none away.
import { FenceReader } from '#actors/log/fence-reader.ts';
import type { LogLimits } from '#actors/log/limits.ts';
import { Log } from '#actors/log/log.ts';
import type { LogAnswer, LogCommand } from '#actors/log/messages.ts';
import { type OwnershipReply, type OwnershipSteps, takeShard } from '#actors/log/ownership.ts';
import { rowsWritten, type StoreReply, type StoreRequest, stateWritten, unknownReply } from '#actors/log/requests.ts';
import type { Rule } from '#actors/log/rules.ts';
import { shardOf } from '#actors/log/shards.ts';
import { Stubs } from '#actors/log/stubs.ts';
import type { Generation } from '#actors/ports/log-store.ts';
import type { Asker, SimStore } from './store.ts';

/** The process that the logs run in. */
export interface LogHome extends Asker {
  readonly generation: Generation;
  /** Milliseconds, by its own clock. */
  now(): number;
  /** Does it later; not while the process stands still, and never once it is dead. */
  later(delayMs: number, run: () => void): void;
  /** The same for something that comes from outside. */
  inside<Args extends readonly unknown[]>(run: (...args: Args) => void): (...args: Args) => void;
  answer(actor: string, incarnation: number, answer: LogAnswer): void;
  /** The generation is fenced: the process should go. */
  fenced(): void;
  /** An actor broke the contract of its log: a bug. */
  broken(reason: string): void;
}

export interface LogDriverOptions {
  readonly limits: Partial<LogLimits>;
  /** A rule left out on purpose. */
  readonly omit?: Rule | undefined;
  /** Alters what a log asks of the store, or answers it by itself; null = as it is. For planted mistakes. */
  readonly lie?:
    | ((log: string, request: StoreRequest, reply: (answer: StoreReply) => void) => StoreRequest | null)
    | undefined;
  /** A keeper takes and gives the shards: whoever asks has its own. */
  readonly keeps?: boolean;
  /** Alters what the store answers. For planted mistakes. */
  readonly twist?: ((log: string, request: StoreRequest, reply: StoreReply) => StoreReply) | undefined;
}

interface OpenLog {
  readonly name: string;
  readonly incarnation: number;
  readonly log: Log;
}

const retryMs = 50;

export class LogDriver {
  readonly #home: LogHome;
  readonly #store: SimStore;
  readonly #options: LogDriverOptions;
  readonly #open = new Map<string, OpenLog>();
  readonly #stubs = new Stubs();
  readonly #fences: FenceReader<(reply: StoreReply) => void>;
  /** Shards that this process owned when it looked. */
  readonly #owned = new Set<number>();
  /** What waits for a shard. */
  readonly #taking = new Map<number, (() => void)[]>();

  constructor(home: LogHome, store: SimStore, options: LogDriverOptions) {
    this.#home = home;
    this.#store = store;
    this.#options = options;
    this.#fences = new FenceReader(options.omit);
  }

  /** Logs in the hands of an actor. */
  get size(): number {
    return this.#open.size;
  }

  has(name: string): boolean {
    return this.#open.has(name);
  }

  get names(): Iterable<string> {
    return this.#open.keys();
  }

  /** An actor's command on its own log. Those of an incarnation that has ended change nothing. */
  command(actor: string, incarnation: number, command: LogCommand): void {
    if (command.kind === 'open') this.#start(actor, incarnation);
    const open = this.#open.get(actor);
    if (open?.incarnation !== incarnation) return;
    const shard = shardOf(actor);
    const run = () => {
      if (this.#open.get(actor) === open) open.log.command(command, this.#home.now());
    };
    if (this.#options.keeps === true || this.#owned.has(shard)) run();
    else this.#take(shard, run);
  }

  /** Time has passed: seals what is due. False = no actor has this log. */
  tick(name: string): boolean {
    const open = this.#open.get(name);
    open?.log.tick(this.#home.now());
    return open !== undefined;
  }

  /** These shards come to this process: rule 14 of the fence. */
  forgetStubs(shards: ReadonlySet<number>): void {
    this.#stubs.forget(shards);
  }

  /** This incarnation is gone: rule 8 of the fence. */
  forget(actor: string, incarnation: number): void {
    const open = this.#open.get(actor);
    if (open?.incarnation !== incarnation) return;
    open.log.drop();
    this.#open.delete(actor);
  }

  #start(name: string, incarnation: number): void {
    this.#open.get(name)?.log.drop();
    const { limits, omit } = this.#options;
    const { generation } = this.#home;
    const stub = this.#stubs.take(name);
    const log = new Log(
      name,
      {
        request: (id, request, attempt) => this.#request(open, id, request, attempt),
        answer: (answer) => this.#answer(open, answer),
        broken: (reason) => this.#home.broken(reason),
      },
      { generation, readsAreDurable: this.#store.readsAreDurable, stub, limits, omit },
    );
    const open: OpenLog = { name, incarnation, log };
    this.#open.set(name, open);
  }

  #answer(open: OpenLog, answer: LogAnswer): void {
    if (answer.kind === 'closed' || answer.kind === 'failed') {
      if (this.#open.get(open.name) === open) this.#open.delete(open.name);
      this.#stubs.keep(open.name, open.log.stub);
    }
    this.#home.answer(open.name, open.incarnation, answer);
  }

  #request(open: OpenLog, id: number, request: StoreRequest, attempt: number): void {
    const reply = (answer: StoreReply) => {
      const told = this.#options.twist?.(open.name, request, answer) ?? answer;
      open.log.reply(id, told, this.#home.now());
    };
    const run = () => {
      if (open.log.ended) return;
      const { lie } = this.#options;
      // Never within the call: a log is not told anything before its request returned.
      const asked =
        lie === undefined ? request : lie(open.name, request, (answer) => this.#home.later(0, () => reply(answer)));
      if (asked !== null) this.#carryOut(open.name, asked, this.#home.inside(reply));
    };
    if (attempt === 1) run();
    else this.#home.later(retryMs * 2 ** (attempt - 2), run);
  }

  #carryOut(log: string, request: StoreRequest, reply: (reply: StoreReply) => void): void {
    const store = this.#store;
    const home = this.#home;
    switch (request.op) {
      case 'cover':
        this.#fences.wait(reply);
        home.later(0, () => this.#readFence());
        break;
      case 'writeRows':
        store.writeRows(home, request.write, (written) => reply(written === null ? unknownReply : rowsWritten));
        break;
      case 'readRows':
        store.readRows(home, { log, segment: request.segment, ...request.range }, (rows) =>
          reply(rows === null ? unknownReply : { op: 'readRows', rows: rows.value }),
        );
        break;
      case 'readMeta':
        store.ask(
          { asker: home, log },
          (memory) => memory.readMeta(log),
          (meta) => reply(meta === null ? unknownReply : { op: 'readMeta', meta: meta.value }),
        );
        break;
      case 'casMeta':
        store.ask(
          { asker: home, log },
          (memory) => memory.casMeta(log, request.meta),
          (applied) => reply(applied === null ? unknownReply : { op: 'casMeta', applied: applied.value }),
        );
        break;
      case 'readState':
        store.readState(home, log, (rows) =>
          reply(rows === null ? unknownReply : { op: 'readState', rows: rows.value }),
        );
        break;
      case 'writeState':
        store.ask(
          { asker: home, log },
          (memory) => memory.writeState([{ log, rows: request.rows }]),
          (written) => reply(written === null ? unknownReply : stateWritten),
        );
        break;
    }
  }

  #readFence(): void {
    if (!this.#fences.due) return;
    this.#fences.start();
    const { generation } = this.#home;
    const read = this.#home.inside((fence: { readonly value: 'alive' | 'fenced' } | null) => {
      const waiters = this.#fences.finish(fence?.value ?? 'unknown');
      if (fence === null) {
        this.#home.later(retryMs, () => this.#readFence());
        return;
      }
      if (fence.value === 'fenced') this.#home.fenced();
      for (const waiter of waiters) waiter({ op: 'cover', fence: fence.value });
      this.#readFence();
    });
    this.#store.ask({ asker: this.#home }, (memory) => memory.readFence(generation), read);
  }

  /** Owns a shard first. A later process of this node that owns it is not dead: then nothing is opened here any more. */
  #take(shard: number, run: () => void): void {
    const waiting = this.#taking.get(shard);
    if (waiting !== undefined) {
      waiting.push(run);
      return;
    }
    this.#taking.set(shard, [run]);
    const { generation } = this.#home;
    this.walk(this.#taken(shard, generation), () => {
      this.#owned.add(shard);
      const waited = this.#taking.get(shard) ?? [];
      this.#taking.delete(shard);
      for (const each of waited) each();
    });
  }

  *#taken(shard: number, to: Generation): OwnershipSteps<void> {
    for (;;) {
      const read = yield { op: 'readShard', shard };
      const from = read.op === 'readShard' ? read.owner : null;
      if (from !== null && from.gen === to.gen) return;
      if (from !== null && from.gen > to.gen) return this.#home.fenced();
      const owner = yield* takeShard({ shard, from, to }, this.#options.omit);
      if (owner?.gen === to.gen) return;
    }
  }

  /** Asks whether this process is still alive, though nothing waits for it. */
  check(): void {
    this.#fences.wait(() => {});
    this.#readFence();
  }

  /** Carries out steps of ownership, as long as it takes; or gives up with undefined where the store does not answer, as on a server. */
  walk<T>(steps: OwnershipSteps<T>, done: (end: T) => void): void;
  walk<T>(steps: OwnershipSteps<T>, done: (end: T | undefined) => void, options: { readonly givesUp: true }): void;
  walk<T>(steps: OwnershipSteps<T>, done: (end: T) => void, options?: { readonly givesUp: true }): void {
    this.#walk(steps, { done, givesUp: options === undefined ? null : () => done(undefined as T) }, { op: 'fence' });
  }

  #walk<T>(
    steps: OwnershipSteps<T>,
    end: { readonly done: (end: T) => void; readonly givesUp: (() => void) | null },
    reply: OwnershipReply,
  ): void {
    const step = steps.next(reply);
    if (step.done) return end.done(step.value);
    const request = step.value;
    const retry = () => this.#home.later(retryMs, () => ask());
    const next = this.#home.inside((answer: OwnershipReply | null) => {
      // What comes after a change that was not answered is often not answered either.
      if (end.givesUp !== null && answer?.op === 'casShard' && answer.applied === null && this.#store.staysAway())
        end.givesUp();
      else if (answer !== null) this.#walk(steps, end, answer);
      else if (end.givesUp === null) retry();
      else end.givesUp();
    });
    const ask = () => {
      switch (request.op) {
        case 'fence':
          this.#store.ask(
            { asker: this.#home },
            (memory) => memory.fence(request.generation),
            (answer) => next(answer && { op: 'fence' }),
          );
          break;
        case 'readShard':
          this.#store.ask(
            { asker: this.#home },
            (memory) => memory.readShard(request.shard),
            (answer) => next(answer && { op: 'readShard', owner: answer.value }),
          );
          break;
        case 'casShard': {
          const { shard, expected, owner } = request;
          this.#store.ask(
            { asker: this.#home },
            (memory) => memory.casShard(shard, expected, owner),
            (answer) => next({ op: 'casShard', applied: answer === null ? null : answer.value }),
          );
          break;
        }
      }
    };
    ask();
  }
}
