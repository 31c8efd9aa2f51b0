// One log in the hands of one actor: the protocol of opening, appending, covering, sealing and closing, as a synchronous machine. Commands of the
// actor and replies of the store go in; requests and answers come out through the host. Guarantees what messages.ts promises, whatever is
// delayed, lost or done twice, and whoever else holds the log for theirs. Does not wait, retry by a clock, or know what rows mean.
import type { Generation, LogMeta, StoredRow } from '../ports/log-store.ts';
import { wrongWith } from './covered.ts';
import { defaultLogLimits, type LogLimits } from './limits.ts';
import type { LogAnswer, LogCommand, StateChange } from './messages.ts';
import { createLog, type LogContext, type Opened, openLog, type Stub } from './opening.ts';
import { readRange, rewriteRows } from './reading.ts';
import { Redo } from './redo.ts';
import { mustBeAlive, type Steps, type StoreReply, type StoreRequest } from './requests.ts';
import type { Rule } from './rules.ts';
import { type Last, roll, save, saveCovered } from './sealing.ts';
import { type Append, Tail } from './tail.ts';
import { Tasks } from './tasks.ts';

/** Who carries out what a log asks for. Calls must not come back into the log before they return. */
export interface LogHost {
  /** Carry out; answer by `reply` under the same id. `attempt` counts from 1: wait longer before a later one. */
  request(id: number, request: StoreRequest, attempt: number): void;
  /** To the actor. */
  answer(answer: LogAnswer): void;
  /** The actor broke the contract: the text is for the operator, without ids. `failed` follows. */
  broken(reason: string): void;
}

export interface LogOptions {
  readonly generation: Generation;
  /** Of the store. */
  readonly readsAreDurable: boolean;
  /** Left by the last clean close in this generation. */
  readonly stub?: Stub | null;
  readonly limits?: Partial<LogLimits>;
  /** For tests only. */
  readonly omit?: Rule | undefined;
}

type Save = Extract<LogCommand, { kind: 'save' }>;
/** In place of the number of a request: one at a time. */
const remembering = 0;
/** `open`: rows go out. `sealing`: the actor was asked for its state. `busy`: being made, sealed or closed; rows wait. */
type Phase = 'new' | 'opening' | 'open' | 'sealing' | 'busy' | 'ended';

export class Log {
  readonly #host: LogHost;
  readonly #context: LogContext;
  readonly #tail: Tail;
  readonly #tasks: Tasks;
  #phase: Phase = 'new';
  #now = 0;
  /** Saves that are under way. */
  #saves = 0;
  #stub: Stub | null;
  #meta: LogMeta | null = null;
  /** Seq that the actor's next append must have; ahead of what went out while rows are held. */
  #nextSeq = 1;
  #floor = 1;
  #held: (Append | Save)[] = [];
  /** The actor's last word before a seal, until saves that went before it are through. */
  #sealed: Last | null = null;
  #closing: Last | null = null;

  constructor(log: string, host: LogHost, options: LogOptions) {
    const { generation, readsAreDurable, omit } = options;
    const limits = options.limits === undefined ? defaultLogLimits : { ...defaultLogLimits, ...options.limits };
    this.#host = host;
    this.#context = { log, generation, readsAreDurable, limits, omit, redo: new Redo(), now: () => this.#now };
    this.#tail = new Tail(this.#context);
    this.#tasks = new Tasks({
      attemptsMax: limits.attemptsMax,
      request: (id, request, attempt) => host.request(id, request, attempt),
      lost: (code) => this.#fail(code),
    });
    this.#stub = options.stub ?? null;
  }

  /** After `closed`: what the next opening in this generation needs to go on in the same segment. null = it opens a new one. */
  get stub(): Stub | null {
    return this.#phase === 'ended' ? this.#stub : null;
  }

  /** No more answers come: closed, failed or dropped. */
  get ended(): boolean {
    return this.#phase === 'ended';
  }

  /** The store remembers that the actor must be woken. */
  get restless(): boolean {
    return this.#tail.restless;
  }

  command(command: LogCommand, now: number): void {
    if (this.#phase === 'ended') return;
    this.#now = now;
    if ((this.#phase === 'new') !== (command.kind === 'open')) return this.#break('a log is opened once, first');
    if (this.#phase === 'opening' && command.kind !== 'close') return this.#break('a log was used before it was open');
    switch (command.kind) {
      case 'open':
        this.#open(command.create);
        break;
      case 'append':
        this.#append(command);
        break;
      case 'save':
        this.#save(command);
        break;
      case 'read':
        this.#read(command);
        break;
      case 'rewrite':
        this.#rewrite(command);
        break;
      case 'confirm':
        this.#tasks.run(mustBeAlive(), () => this.#host.answer({ kind: 'confirmed', token: command.token }));
        break;
      case 'sealed':
        // The question and a close may have crossed; what the close brings is newer.
        if (this.#closing !== null) return;
        if (this.#phase !== 'sealing') return this.#break('sealed without being asked');
        if (this.#checked(command.changes)) this.#sealed = command;
        break;
      case 'close':
        if (this.#held.length > 0 || !this.#tail.quiet) return this.#break('closed while rows are under way');
        if (!this.#checked(command.changes)) return;
        this.#closing = command;
        if (this.#phase === 'sealing') this.#phase = 'open';
        break;
    }
    this.#settle();
  }

  /** What a request came to. Replies to a log that has ended, or that were answered before, change nothing. */
  reply(id: number, reply: StoreReply, now: number): void {
    this.#now = now;
    if (this.#tasks.reply(id, reply)) this.#settle();
  }

  /** Time has passed: an old segment is sealed now. */
  tick(now: number): void {
    if (this.#phase === 'new' || this.#phase === 'ended') return;
    this.#now = now;
    this.#settle();
  }

  /** Rule 8: this log can ack no more. The driver calls it before another log of the same name is made. */
  drop(): void {
    this.#end(null);
  }

  #open(create: boolean): void {
    const stub = this.#stub;
    this.#stub = null;
    this.#phase = 'opening';
    this.#tasks.run(openLog(this.#context, create, stub), (opened) => this.#opened(opened));
  }

  #opened(opened: Opened): void {
    const { meta, state, rows, nextSeq, floor } = opened;
    this.#phase = 'open';
    this.#meta = meta;
    this.#nextSeq = nextSeq;
    this.#floor = floor;
    this.#tail.opened(opened);
    const answered = { state: state.map(({ key, value }) => ({ key, value })), rows: rows.map(toLogRow) };
    this.#host.answer({ kind: 'opened', exists: meta !== null, ...answered, nextSeq, floor });
  }

  #append(append: Append): void {
    if (append.fromSeq !== this.#nextSeq || append.rows.length === 0 || this.#closing !== null) {
      return this.#break('append out of order');
    }
    this.#nextSeq += append.rows.length;
    if (this.#held.length > 0 || !this.#writable()) this.#held.push(append);
    else this.#issue(append);
  }

  /** Rows may go out: the segment is there and takes more. */
  #writable(): boolean {
    return this.#phase === 'open' && this.#meta !== null && !this.#tail.rollDue;
  }

  #issue(append: Append): void {
    const write = this.#tail.write(append);
    // Beside the rows that make it restless, and before them in the order of acks.
    if (append.restless && !this.#tail.restless) this.#remember(append.fromSeq - 1);
    const id = this.#tasks.request({ op: 'writeRows', write }, () => this.#complete(id));
    this.#tail.issued(id);
  }

  #remember(through: number): void {
    this.#tail.issued(remembering, through);
    this.#tasks.run(saveCovered(this.#context, this.#tail.unrest()), () => this.#complete(remembering));
  }

  #complete(id: number): void {
    const through = this.#tail.completed(id);
    if (through === 0) return;
    // Rule 4: complete first, then a fence read that starts after this, then the ack.
    if (this.#context.omit === 4) return this.#ack(through);
    this.#tasks.request({ op: 'cover' }, (reply) => {
      if (reply.op === 'cover' && reply.fence === 'alive') this.#ack(through);
      else this.#fail('FENCED');
    });
  }

  #ack(through: number): void {
    if (this.#tail.cover(through)) this.#host.answer({ kind: 'appended', throughSeq: through });
  }

  #save(save: Save): void {
    if (!this.#checked(save.changes)) return;
    if (this.#meta === null) {
      this.#held.push(save);
      return;
    }
    this.#saves++;
    this.#tasks.run(this.#saving(save.changes), () => {
      this.#saves--;
      this.#host.answer({ kind: 'saved', token: save.token });
    });
  }

  *#saving(changes: readonly StateChange[]): Steps<void> {
    yield* save(this.#context, changes, this.#tail.segment);
    // What is answered must be seen by whoever fences this generation next: the same gate as for rows.
    yield* mustBeAlive();
  }

  #read(command: Extract<LogCommand, { kind: 'read' }>): void {
    const { token, limit, bytesMax, backwards } = command;
    const from = Math.max(command.fromSeq, this.#floor);
    const through = Math.min(command.throughSeq, this.#tail.coveredThrough);
    if (this.#meta === null || from > through) {
      this.#host.answer({ kind: 'rows', token, rows: [], floor: this.#floor, next: 0 });
      return;
    }
    this.#tasks.run(readRange(this.#meta, { from, through, limit, bytesMax, backwards }), ({ rows, next }) => {
      // The oldest rows expired since the floor was last looked at.
      const first = rows[0]?.seq ?? through + 1;
      if (from === this.#floor && (!backwards || next === 0)) this.#floor = Math.max(this.#floor, first);
      this.#host.answer({ kind: 'rows', token, rows: rows.map(toLogRow), floor: this.#floor, next });
    });
  }

  #rewrite({ token, rows }: Extract<LogCommand, { kind: 'rewrite' }>): void {
    if (rows.some(({ seq }) => seq > this.#tail.coveredThrough))
      return this.#break('a row that is not covered is rewritten');
    if (this.#meta === null) return this.#host.answer({ kind: 'rewritten', token });
    const steps = rewriteRows(this.#context, this.#meta, rows);
    this.#tasks.run(steps, () => this.#host.answer({ kind: 'rewritten', token }));
  }

  /** Does what waited for something else to end. Only these things can wait: a log to be made, a roll, a close, held rows and saves. */
  #settle(): void {
    if (this.#phase === 'sealing' && this.#sealed !== null && this.#saves === 0) this.#roll(this.#sealed);
    if (this.#phase !== 'open') return;
    if (this.#meta === null) {
      if (this.#held.length > 0 || (this.#closing?.changes.length ?? 0) > 0) this.#create();
      else if (this.#closing !== null) this.#close({ changes: [] });
    } else if (this.#closing !== null) {
      if (this.#saves === 0) this.#close(this.#closing);
    } else if (!this.#tail.rollDue) {
      this.#release();
    } else if (this.#tail.quiet) {
      this.#phase = 'sealing';
      this.#host.answer({ kind: 'sealing' });
    }
  }

  #release(): void {
    while (this.#held.length > 0 && this.#writable()) {
      const held = this.#held.shift()!;
      if (held.kind === 'append') this.#issue(held);
      else this.#save(held);
    }
  }

  #create(): void {
    this.#phase = 'busy';
    this.#tasks.run(createLog(this.#context), (meta) => {
      this.#begin(meta);
    });
  }

  #roll(last: Last): void {
    this.#phase = 'busy';
    this.#sealed = null;
    // State is complete before the segment is sealed: what is sealed need never be applied again.
    this.#tasks.run(roll(this.#context, this.#meta!, this.#tail.rests(last)), ({ meta, floor }) => {
      this.#floor = floor;
      this.#begin(meta);
    });
  }

  #begin(meta: LogMeta): void {
    this.#meta = meta;
    this.#tail.begins(meta);
    this.#phase = 'open';
  }

  #close(last: Last): void {
    this.#phase = 'busy';
    this.#tasks.run(saveCovered(this.#context, this.#tail.rests(last)), () => {
      const version = this.#meta?.version;
      this.#end(version === undefined ? null : this.#tail.stub(version, this.#floor));
      this.#host.answer({ kind: 'closed' });
    });
  }

  #checked(changes: readonly StateChange[]): boolean {
    const wrong = wrongWith(changes, this.#tail.coveredThrough);
    if (wrong !== null) this.#break(wrong);
    return wrong === null;
  }

  #break(reason: string): void {
    this.#host.broken(reason);
    this.#fail('UNAVAILABLE');
  }

  #fail(code: 'FENCED' | 'UNAVAILABLE'): void {
    if (this.#phase === 'ended') return;
    this.#end(null);
    this.#host.answer({ kind: 'failed', code });
  }

  #end(stub: Stub | null): void {
    this.#phase = 'ended';
    this.#stub = stub;
    this.#tasks.clear();
    this.#held = [];
  }
}

function toLogRow({ seq, bytes }: StoredRow): { seq: number; bytes: Uint8Array } {
  return { seq, bytes };
}
