// Runs the logs of this process on a store: carries out what the pure code in actors/log asks for and passes the answers back. Guarantees: one log
// per name (rule 8), one fence reader for all (rule 4), few large calls for rows: what an actor appends while the store is busy reaches its log as one
// append, and all logs' rows go out together. Adds no safety of its own and takes none away.
import { FenceReader } from '#actors/log/fence-reader.ts';
import type { LogLimits } from '#actors/log/limits.ts';
import { Log, type LogHost } from '#actors/log/log.ts';
import type { LogAnswer, LogCommand, NewRow } from '#actors/log/messages.ts';
import type { Stub } from '#actors/log/opening.ts';
import { rowsWritten, type StoreReply, type StoreRequest, stateWritten, unknownReply } from '#actors/log/requests.ts';
import { Stubs } from '#actors/log/stubs.ts';
import type { Fence, Generation, LogStore, OwnershipStore } from '#actors/ports/log-store.ts';
import type { StateStore } from '#actors/ports/state-store.ts';
import { RowBatch } from './row-batch.ts';
import type { Store } from './store.ts';
import { beginTenure } from './tenure.ts';

/** What a runner needs of a store. */
export type RunnerStore = LogStore &
  StateStore &
  Pick<OwnershipStore, 'readFence'> &
  Pick<Store, 'writeCallsMax' | 'slowCallMs'>;

/** Hears what the logs of this process say: to one incarnation of an actor, in order. Must not throw. */
export type Listener = (actor: string, incarnation: number, answer: LogAnswer) => void;

export interface LogRunnerOptions {
  readonly store: RunnerStore;
  /** Under which this process runs; its shards are taken before a log is opened. */
  readonly generation: Generation;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** This generation was fenced: nothing can be acked any more, the process should go. Called once. */
  readonly fenced?: () => void;
  /** An actor broke the contract of its log; text without ids. */
  readonly broken?: (reason: string) => void;
  /** The store failed at something. It is repeated, or its log is given up; told at most once a second. */
  readonly failed?: (cause: unknown) => void;
  /** When rows that were gathered go out. Default: at the end of the loop turn. */
  readonly schedule?: (flush: () => void) => void;
  /** Runs something later. Default: a timer that does not keep the process. */
  readonly later?: (run: () => void, delayMs: number) => void;
  readonly limits?: Partial<LogLimits>;
  /** Logs remembered after a clean close, about 200 bytes each; the oldest goes, and opens a new segment next time. Default 100,000. */
  readonly stubsMax?: number;
}

/** Between two failures that are told, milliseconds. */
const tellMs = 1_000;
/** Before the second try of a request, milliseconds; doubles with each further one. */
const retryMs = 50;

/** Rows of one gathered append, at most: a segment may pass its bound by as many. */
const gatheredRowsMax = 256;

interface OpenLog {
  readonly name: string;
  readonly incarnation: number;
  readonly log: Log;
  /** Appended by the actor, not yet given to the log. */
  gathered: { readonly fromSeq: number; readonly rows: NewRow[]; restless: boolean } | null;
}

export class LogRunner {
  readonly #options: LogRunnerOptions;
  readonly #store: RunnerStore;
  readonly #now: () => number;
  readonly #open = new Map<string, OpenLog>();
  readonly #stubs: Stubs;
  readonly #fences = new FenceReader<(reply: StoreReply) => void>();
  readonly #rows: RowBatch;
  /** Logs that hold a gathered append. */
  #gathering: OpenLog[] = [];
  readonly #schedule: (flush: () => void) => void;
  readonly #later: (run: () => void, delayMs: number) => void;
  #listener: Listener = () => {};
  #scheduled = false;
  #fenceFailures = 0;
  #fenceReadMs = performance.now();
  #aliveMs = performance.now();
  #fenced = false;
  #stopped = false;
  #toldMs = Number.NEGATIVE_INFINITY;

  /** Begins a tenure of this node and runs logs under it. */
  static async start(
    options: Omit<LogRunnerOptions, 'generation'> & { store: Store; node: string },
  ): Promise<LogRunner> {
    return new LogRunner({ ...options, generation: await beginTenure(options.store, options.node) });
  }

  constructor(options: LogRunnerOptions) {
    this.#options = options;
    this.#store = options.store;
    this.#now = options.now;
    this.#stubs = new Stubs(options.stubsMax ?? 100_000);
    const writeRows: RunnerStore['writeRows'] = (writes, done) =>
      this.hearFailures(this.#store.writeRows(writes, done));
    const turns = { before: () => this.#releaseAll(), after: () => this.#readFence() };
    const { writeCallsMax: callsMax, slowCallMs: slowMs } = this.#store;
    this.#rows = new RowBatch({ writeRows }, { callsMax, slowMs, turns });
    this.#schedule = options.schedule ?? setImmediate;
    this.#later = options.later ?? ((run, delayMs) => void setTimeout(run, delayMs).unref());
  }

  /** Logs in the hands of an actor. */
  get size(): number {
    return this.#open.size;
  }

  /** The log of this name, if an actor has it. */
  get(log: string): Log | undefined {
    return this.#open.get(log)?.log;
  }

  /** What a clean close left. */
  stub(log: string): Stub | undefined {
    return this.#stubs.get(log);
  }

  /** Who hears the answers from now on. */
  serve(listener: Listener): this {
    this.#listener = listener;
    return this;
  }

  /** Carries out an actor's command on its own log. Commands of an incarnation that has ended change nothing. */
  command(actor: string, incarnation: number, command: LogCommand): void {
    if (this.#stopped) return this.#listener(actor, incarnation, { kind: 'failed', code: 'UNAVAILABLE' });
    const open = command.kind === 'open' ? this.#start(actor, incarnation) : this.#open.get(actor);
    if (open?.incarnation !== incarnation) return;
    if (command.kind === 'append') return this.#gather(open, command);
    this.#release(open);
    open.log.command(command, this.#now());
  }

  /** These shards come to this process, from another one or after they were to go to one: rule 14. */
  forgetStubs(shards: ReadonlySet<number>): void {
    this.#stubs.forget(shards);
  }

  /** This incarnation of the actor is gone: nothing of its log may be acked any more. */
  forget(actor: string, incarnation: number): void {
    const open = this.#open.get(actor);
    if (open?.incarnation !== incarnation) return;
    open.log.drop();
    this.#open.delete(actor);
  }

  /** False = this process can ack nothing: its generation is fenced, or its fence can't be read. */
  healthy(): boolean {
    return !this.#fenced && this.#fenceFailures === 0 && !this.#stopped;
  }

  /** When the newest read of the fence that said alive began, by `performance.now`; at first when the runner was made. */
  get aliveSinceMs(): number {
    return this.#aliveMs;
  }

  /** Reads the fence though nothing waits for it, so that a process that was taken over from hears of it. */
  checkFence(): void {
    if (!this.#fences.due) this.#fences.wait(() => {});
    this.#readFence();
  }

  /** Drops every log: nothing more is answered. What was under way may or may not be stored; nothing of it was acked. Rule 9: before a shard is given
   *  away. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const { log } of this.#open.values()) log.drop();
    this.#open.clear();
    await this.#rows.idle();
  }

  /** Starts writing what was gathered. Called at the end of each loop turn by itself; a host that knows its turn's end may call it sooner. */
  flush(): void {
    this.#scheduled = false;
    this.#rows.flush();
    this.#readFence();
  }

  /** Keeps an append until a call for rows can be made, or until the actor asks for something else, so that its commands keep their order. */
  #gather(open: OpenLog, { fromSeq, rows, restless = false }: Extract<LogCommand, { kind: 'append' }>): void {
    const { gathered } = open;
    const continues = gathered !== null && gathered.fromSeq + gathered.rows.length === fromSeq;
    if (continues && gathered.rows.length + rows.length <= gatheredRowsMax) {
      gathered.rows.push(...rows);
      gathered.restless ||= restless;
      return;
    }
    this.#release(open);
    open.gathered = { fromSeq, rows: [...rows], restless };
    this.#gathering.push(open);
    this.#wake();
  }

  #release(open: OpenLog): void {
    const { gathered } = open;
    if (gathered === null) return;
    open.gathered = null;
    open.log.command({ kind: 'append', ...gathered }, this.#now());
  }

  #releaseAll(): void {
    const gathering = this.#gathering;
    if (gathering.length === 0) return;
    this.#gathering = [];
    for (const open of gathering) this.#release(open);
  }

  #start(name: string, incarnation: number): OpenLog {
    // Rule 8: the old one can ack no more before the new one reads a row.
    this.#open.get(name)?.log.drop();
    const { generation, limits } = this.#options;
    const stub = this.#stubs.take(name);
    const host: LogHost = {
      request: (id, request, attempt) => this.#request(open, id, request, attempt),
      answer: (answer) => this.#answer(open, answer),
      broken: (reason) => this.#options.broken?.(reason),
    };
    const { readsAreDurable } = this.#store;
    const log = new Log(name, host, { generation, readsAreDurable, stub, ...(limits === undefined ? {} : { limits }) });
    const open: OpenLog = { name, incarnation, log, gathered: null };
    this.#open.set(name, open);
    return open;
  }

  #answer(open: OpenLog, answer: LogAnswer): void {
    if (answer.kind === 'closed' || answer.kind === 'failed') {
      if (this.#open.get(open.name) === open) this.#open.delete(open.name);
      this.#stubs.keep(open.name, open.log.stub);
    }
    this.#listener(open.name, open.incarnation, answer);
  }

  #request(open: OpenLog, id: number, request: StoreRequest, attempt: number): void {
    if (attempt === 1) this.#carryOut(open, id, request);
    else this.#later(() => this.#carryOut(open, id, request), retryMs * 2 ** (attempt - 2));
  }

  #carryOut(open: OpenLog, id: number, request: StoreRequest): void {
    if (open.log.ended) return;
    const reply = (answer: StoreReply) => open.log.reply(id, answer, this.#now());
    switch (request.op) {
      case 'cover':
        this.#fences.wait(reply);
        this.#wake();
        break;
      case 'writeRows':
        this.#rows.add(request.write, (written) => reply(written ? rowsWritten : unknownReply));
        this.#wake();
        break;
      default:
        // The operator was told: the log asks again.
        this.hearFailures(this.#ask(open.name, request)).then(reply, () => reply(unknownReply));
    }
  }

  /** The store failed at something, here or elsewhere in this process: the operator hears of it, at most once a second. */
  noteFailure(cause: unknown): void {
    const now = this.#now();
    if (now - this.#toldMs < tellMs) return;
    this.#toldMs = now;
    this.#options.failed?.(cause);
  }

  /** Passes on what the store answered; of failures the operator hears. */
  async hearFailures<T>(asked: Promise<T>): Promise<T> {
    try {
      return await asked;
    } catch (cause) {
      this.noteFailure(cause);
      throw cause;
    }
  }

  async #ask(log: string, request: Exclude<StoreRequest, { op: 'cover' | 'writeRows' }>): Promise<StoreReply> {
    switch (request.op) {
      case 'readMeta':
        return { op: 'readMeta', meta: await this.#store.readMeta(log) };
      case 'casMeta':
        return { op: 'casMeta', applied: await this.#store.casMeta(log, request.meta) };
      case 'readRows':
        return { op: 'readRows', rows: await this.#store.readRows(log, request.segment, request.range) };
      case 'readState':
        return { op: 'readState', rows: await this.#store.readState(log) };
      case 'writeState':
        await this.#store.writeState([{ log, rows: request.rows }]);
        return stateWritten;
    }
  }

  #wake(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#schedule(() => this.flush());
  }

  /** Starts a fence read if someone waits and none is under way. */
  #readFence(): void {
    if (!this.#fences.due) return;
    this.#fences.start();
    this.#fenceReadMs = performance.now();
    this.hearFailures(this.#store.readFence(this.#options.generation)).then(
      (fence) => this.#covered(fence),
      () => this.#covered('unknown'),
    );
  }

  #covered(answer: Fence | 'unknown'): void {
    const waiters = this.#fences.finish(answer);
    if (answer === 'unknown') {
      this.#fenceFailures++;
      this.#later(() => this.#readFence(), retryMs * Math.min(2 ** (this.#fenceFailures - 1), 64));
      return;
    }
    this.#fenceFailures = 0;
    if (answer === 'alive') this.#aliveMs = this.#fenceReadMs;
    if (answer === 'fenced' && !this.#fenced) {
      this.#fenced = true;
      this.#options.fenced?.();
    }
    const reply: StoreReply = { op: 'cover', fence: answer };
    for (const waiter of waiters) waiter(reply);
    this.#readFence();
  }
}
