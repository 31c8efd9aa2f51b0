// The runtime of all actors of a process: registry, mailboxes, turns, timers, supervision, passivation. Synchronous and without a clock: the host
// passes time in, calls `run` when there is something to do, and carries out what is not about actors alone (world.ts).
// Guarantees: an actor handles one message at a time; messages of one sender to one actor keep their order within a lane; whatever is refused
// is answered (bounce.ts); one live incarnation per address. It does not persist anything: what must outlive a crash is in the store.
import { Disconnect, Rejection } from '#proto/gen/codes.ts';
import type { Actor, Kept } from './actor.ts';
import { type Address, sessionAddress } from './address.ts';
import { bounce, type Refusal } from './bounce.ts';
import { Cell, ReadyQueue } from './cell.ts';
import { Counters } from './counters.ts';
import type { Effect } from './effects.ts';
import { defaultLimits, type KernelLimits } from './limits.ts';
import { laneOf, wakes, weigh } from './message-kinds.ts';
import type { AnswerBody, Message, RoomMessage, SessionMessage, UserMessage } from './messages.ts';
import { Passivation } from './passivation.ts';
import { Supervisor } from './supervisor.ts';
import { Timers } from './timers.ts';
import type { World } from './world.ts';

/** Makes an actor by its id: number of the connection, `@name:provider`, `!name:provider`. `incarnation` is for its `Tokens`. */
export interface ActorFactories {
  session(session: number, incarnation: number): Actor<SessionMessage>;
  user(user: string, incarnation: number): Actor<UserMessage>;
  room(room: string, incarnation: number): Actor<RoomMessage>;
}

export interface SystemOptions {
  readonly create: ActorFactories;
  readonly world: World;
  /** Milliseconds since the epoch: what actors are told, and what timers run by. */
  readonly clock: () => number;
  /** Milliseconds that never go back, for budgets. Default: a stopwatch that stands still, so that budgets count messages only. */
  readonly stopwatch?: () => number;
  /** Called when something is to be done and `run` is not running. */
  readonly wake?: () => void;
  readonly limits?: Partial<KernelLimits>;
  /** Of the process, see actors/cluster/seats.ts. Default 0. */
  readonly seat?: number;
}

/** Incarnations of one process before its numbers meet those of another one: no answer is under way for so long. */
const incarnationsPerSeat = 2 ** 20;
/** Seats whose incarnations have numbers of their own, so that `Tokens` stays below 2^53. */
const seatsApart = 2 ** 10;

/** What neither lane nor actor refuses is bounded by what the actor has under way. More than this is a leak; nothing is done about it. */
const controlsMax = 4_096;
const asksMax = 4_096;
/** Stands for the actor's stop in the timers of a cell; no actor sees it. */
const stopTimer = 'kernel/stop';

export class System {
  readonly counters = new Counters();
  readonly #create: ActorFactories;
  readonly #world: World;
  readonly #clock: () => number;
  readonly #stopwatch: () => number;
  readonly #wake: () => void;
  readonly #limits: KernelLimits;
  readonly #cells = new Map<Address, Cell>();
  readonly #ready = new ReadyQueue();
  readonly #timers = new Timers();
  readonly #supervisor: Supervisor;
  readonly #passivation: Passivation;
  #incarnations = 0;
  #running = false;

  constructor(options: SystemOptions) {
    this.#create = options.create;
    this.#world = options.world;
    this.#clock = options.clock;
    this.#stopwatch = options.stopwatch ?? (() => 0);
    this.#wake = options.wake ?? (() => {});
    this.#limits = { ...defaultLimits, ...options.limits };
    this.#incarnations = ((options.seat ?? 0) % seatsApart) * incarnationsPerSeat;
    this.#supervisor = new Supervisor(this.#limits);
    this.#passivation = new Passivation(this.#limits, (cell, now) => this.#passivate(cell, now));
  }

  /** User and room actors in memory. */
  get active(): number {
    return this.#passivation.size;
  }

  /** Addresses with a cell, sessions included. */
  get size(): number {
    return this.#cells.size;
  }

  /** What is kept for others, address by address: work that waits, answers that wait, asks without an answer, and what each actor says of itself. */
  *kept(): Generator<Kept & { readonly address: Address }> {
    for (const { address, kind, mailbox, asks, actor } of this.#cells.values()) {
      const { messagesMax, bytesMax } = this.#limits.mailbox[kind];
      yield { address, what: 'messages', count: mailbox.messages, max: messagesMax };
      yield { address, what: 'bytes', count: mailbox.bytes, max: bytesMax };
      yield { address, what: 'controls', count: mailbox.controls, max: controlsMax };
      yield { address, what: 'asks', count: asks?.open ?? 0, max: asksMax };
      for (const kept of actor?.kept?.() ?? []) yield { address, ...kept };
    }
  }

  /** Timers that run. */
  get timers(): number {
    return this.#timers.size;
  }

  /** Puts a message into a mailbox, or on its way to another node; bounces it where it can't be taken. `bytes`: its weight where the caller knows it. */
  tell(to: Address, message: Message, bytes?: number): void {
    if (this.#world.forward !== undefined && !this.#isFor(to, message)) {
      if (this.#world.forward(to, message, bytes ?? weigh(message))) return;
    }
    this.tellHere(to, message, bytes);
  }

  /** The same for an actor that is known to be on this node. */
  tellHere(to: Address, message: Message, bytes?: number): void {
    const cell = this.#cells.get(to) ?? this.#admit(to, message);
    if (cell === null) return;
    // An order, other than an answer, must find an actor that is not stopping: there it waits among the work.
    if (laneOf(message) === 'control' && !(cell.stopping && wakes(message))) {
      cell.mailbox.offerControl(message);
    } else if (!cell.mailbox.offer(message, bytes ?? weigh(message))) {
      this.#bounce(to, message, this.#busy);
      return;
    }
    this.#schedule(cell);
  }

  /** Answers a message as if its actor were full or lost. */
  refuse(to: Address, message: Message, refusal: Refusal): void {
    this.#bounce(to, message, refusal);
  }

  /** An answer of the world to one incarnation of an actor; dropped (and counted) if that incarnation is gone: rule 8 of the fence. */
  tellFrom(to: Address, incarnation: number, message: Message): void {
    const cell = this.#cells.get(to);
    if (cell === undefined || cell.actor === null || cell.incarnation !== incarnation) {
      this.counters.add('kernel.late');
      return;
    }
    cell.mailbox.offerControl(message);
    this.#schedule(cell);
  }

  /** Fires timers and lets actors work for at most `runMs`. True = more is waiting: call again soon; false = not before `nextDue()`. */
  run(runMs = this.#limits.runMs): boolean {
    const started = this.#stopwatch();
    const now = this.#clock();
    this.#running = true;
    try {
      this.#fire(now);
      this.#passivation.sweep(now);
      this.#supervisor.sweep(now);
      for (let cell = this.#ready.shift(); cell !== null; cell = this.#ready.shift()) {
        this.#turn(cell);
        if (this.#stopwatch() - started >= runMs) break;
      }
    } finally {
      this.#running = false;
    }
    return !this.#ready.empty || this.#timers.nextDue() <= now;
  }

  /** When `run` has something to do by itself, milliseconds since the epoch; Infinity = never. */
  nextDue(): number {
    return Math.min(this.#timers.nextDue(), this.#passivation.nextDue());
  }

  /**
   * For a stopping host: asks every idle actor to passivate, whatever its age. Returns how many user and room actors are still there; call
   * it again, between runs, until that is 0 or patience ends. What is not passivated is lost from memory only.
   */
  drain(): number {
    this.#passivation.all(this.#clock());
    return this.active;
  }

  /**
   * For a host that gives actors away: asks those that match to passivate. Returns those that are still there; call it again, between runs, until
   * none is or patience ends. What waits for them is told anew, so the host's `forward` must take it. One pass over all actors in memory.
   */
  release(isTheirs: (address: Address) => boolean): Address[] {
    const now = this.#clock();
    const left: Address[] = [];
    for (const cell of [...this.#cells.values()]) {
      if (cell.kind === 'session' || !isTheirs(cell.address)) continue;
      if (cell.actor === null) this.#moveOut(cell);
      else {
        if (!cell.stopping) this.#passivation.one(cell, now);
        left.push(cell.address);
      }
    }
    return left;
  }

  /** Drops those that match at once, as a crash would: what they owed is answered with UNAVAILABLE. */
  abandon(isTheirs: (address: Address) => boolean): void {
    for (const cell of [...this.#cells.values()]) {
      if (cell.kind === 'session' || !isTheirs(cell.address)) continue;
      this.counters.add('kernel.abandoned');
      if (cell.actor === null) this.#moveOut(cell);
      else this.#end(cell, undefined);
    }
  }

  get #busy(): Refusal {
    return { code: Rejection.REJECTION_BUSY, retryAfterMs: this.#limits.busyRetryMs };
  }

  /** A cell for an address that has none; null = the message must not or may not wake it, and was bounced. */
  #admit(to: Address, message: Message): Cell | null {
    if (!wakes(message)) {
      this.counters.add('kernel.late');
      return null;
    }
    const restMs = this.#supervisor.restMs(to, this.#clock());
    if (restMs > 0) {
      this.#bounce(to, message, { code: Rejection.REJECTION_UNAVAILABLE, retryAfterMs: restMs });
      return null;
    }
    const cell = new Cell(to, this.#limits.mailbox);
    if (cell.kind !== 'session') {
      if (this.active >= this.#limits.activeHardMax) {
        this.#bounce(to, message, this.#busy);
        return null;
      }
      this.#passivation.add(cell, this.#clock());
    }
    this.#cells.set(to, cell);
    return cell;
  }

  #schedule(cell: Cell): void {
    if (cell.ready || !cell.waiting) return;
    const idle = this.#ready.empty && !this.#running;
    this.#ready.push(cell);
    if (idle) this.#wake();
  }

  #fire(now: number): void {
    for (const { owner, name } of this.#timers.due(now, this.#limits.timersPerRun)) {
      const cell = this.#cells.get(owner);
      if (cell === undefined) continue;
      if (name === stopTimer) {
        this.counters.add('kernel.abandoned');
        this.#end(cell, undefined);
        continue;
      }
      cell.mailbox.offerControl({ kind: 'timer', name });
      this.#schedule(cell);
    }
  }

  #turn(cell: Cell): void {
    const now = this.#clock();
    const started = this.#stopwatch();
    for (let handled = 0; handled < this.#limits.turnMessagesMax; handled++) {
      const message = cell.stopping ? cell.mailbox.takeControl() : cell.mailbox.take();
      if (message === null) return;
      this.#handle(cell, message, now);
      if (this.#stopwatch() - started >= this.#limits.turnMs) break;
    }
    if (cell.waiting && this.#cells.get(cell.address) === cell) this.#ready.push(cell);
  }

  #handle(cell: Cell, message: Message, now: number): void {
    if (cell.asks !== null && laneOf(message) === 'work') {
      cell.asks.note(message);
      this.#passivation.worked(cell, now);
    }
    let effects: readonly Effect[];
    try {
      cell.actor ??= this.#activate(cell);
      effects = cell.actor.receive(message, now);
    } catch (error) {
      // A bug of this one actor. Its state may be half changed, so it goes; the store is the truth.
      this.#crash(cell, error, now);
      return;
    }
    for (const effect of effects) {
      cell.asks?.settle(effect);
      // Whatever follows a stop would be asked for by nobody.
      if (effect.kind === 'stop') {
        this.#end(cell, undefined);
        return;
      }
      this.#perform(effect, cell, now);
    }
  }

  #activate(cell: Cell): Actor<Message> {
    cell.incarnation = ++this.#incarnations;
    switch (cell.kind) {
      case 'session':
        return this.#create.session(Number(cell.id), cell.incarnation);
      case 'user':
        return this.#create.user(cell.id, cell.incarnation);
      case 'room':
        return this.#create.room(cell.id, cell.incarnation);
    }
  }

  #perform(effect: Exclude<Effect, { kind: 'stop' }>, cell: Cell, now: number): void {
    switch (effect.kind) {
      case 'send':
        this.tell(effect.to, effect.message, effect.bytes);
        break;
      case 'answer':
        this.#answer(effect.session, effect.request, effect.body);
        break;
      case 'tellSessions':
        for (const session of this.#world.sessionsOf(effect.user, effect.device)) {
          this.tell(sessionAddress(session), effect.message);
        }
        this.#world.tellElsewhere?.(effect);
        break;
      case 'evict':
        for (const session of this.#world.sessionsOf(effect.user)) {
          this.tell(sessionAddress(session), { kind: 'evicted', room: effect.room });
        }
        this.#world.perform(effect, cell.address, cell.incarnation);
        break;
      case 'startTimer':
        cell.mailbox.forgetTimer(effect.name);
        this.#timers.start(cell.address, effect.name, now + effect.delayMs);
        break;
      case 'cancelTimer':
        cell.mailbox.forgetTimer(effect.name);
        this.#timers.cancel(cell.address, effect.name);
        break;
      case 'count':
        this.counters.add(effect.counter, effect.by);
        break;
      default:
        this.#world.perform(effect, cell.address, cell.incarnation);
    }
  }

  #passivate(cell: Cell, now: number): boolean {
    if (!cell.mailbox.empty) return false;
    if (cell.actor === null) {
      // Its first message was too large for the mailbox, so it never began.
      this.#remove(cell);
      return true;
    }
    if (cell.asks?.open !== 0 || !cell.actor.idle()) return false;
    cell.mailbox.offerControl({ kind: 'timer', name: 'passivate' });
    cell.stopping = true;
    this.#timers.start(cell.address, stopTimer, now + this.#limits.stopMs);
    this.#schedule(cell);
    return true;
  }

  #crash(cell: Cell, error: unknown, now: number): void {
    this.counters.add(`kernel.crashed.${cell.kind}`);
    if (cell.kind === 'session') {
      // What it had half done is nobody's: the device connects again and resumes.
      const session = Number(cell.id);
      const code = Disconnect.DISCONNECT_INTERNAL;
      const retryAfterMs = this.#limits.crashRetryMs;
      this.#world.perform({ kind: 'disconnect', session, code, retryAfterMs }, cell.address, cell.incarnation);
      this.#end(cell, error);
      return;
    }
    const until = this.#supervisor.crashed(cell.address, now);
    if (until > 0) this.counters.add('kernel.quarantined');
    const retryAfterMs = until > 0 ? until - now : this.#limits.crashRetryMs;
    const waiting = [...(cell.asks?.drain() ?? []), ...cell.mailbox.drainWork()];
    this.#end(cell, error);
    this.#bounceAll(cell.address, waiting, retryAfterMs);
  }

  /** The incarnation is gone. Work that waits starts the next one; what the old one still owed, the kernel answers. */
  #end(cell: Cell, error: unknown): void {
    const owed = cell.asks?.drain() ?? [];
    const control = cell.mailbox.drainControl();
    if (cell.kind === 'session') cell.mailbox.drainWork();
    this.#timers.cancelAll(cell.address);
    this.#world.ended(cell.address, cell.incarnation, error);
    cell.actor = null;
    if (cell.mailbox.empty) {
      this.#remove(cell);
    } else if (this.#world.forward !== undefined && cell.kind !== 'session') {
      // Its next incarnation may be another node's.
      this.#moveOut(cell);
    } else {
      this.#passivation.restarts(cell, this.#clock());
      this.#schedule(cell);
    }
    this.#bounceAll(cell.address, owed, this.#limits.crashRetryMs);
    for (const message of control) if (wakes(message)) this.tell(cell.address, message);
  }

  /** Takes a cell without an actor away and tells what waits in it anew. */
  #moveOut(cell: Cell): void {
    const waiting = [...cell.mailbox.drainControl().filter(wakes), ...cell.mailbox.drainWork()];
    this.#remove(cell);
    for (const message of waiting) {
      if (this.#world.forward?.(cell.address, message, weigh(message), true) !== true)
        this.tellHere(cell.address, message);
    }
  }

  /** An answer to an actor that is in memory is for that one, wherever its work goes by now. */
  #isFor(to: Address, message: Message): boolean {
    return laneOf(message) === 'control' && this.#cells.has(to);
  }

  #remove(cell: Cell): void {
    if (cell.kind !== 'session') this.#passivation.remove(cell);
    this.#cells.delete(cell.address);
  }

  #bounceAll(to: Address, messages: readonly Message[], retryAfterMs: number): void {
    for (const message of messages) {
      this.#bounce(to, message, { code: Rejection.REJECTION_UNAVAILABLE, retryAfterMs });
    }
  }

  #bounce(to: Address, message: Message, refusal: Refusal): void {
    const effects = bounce(to, message, refusal);
    this.counters.add(effects.length === 0 ? 'kernel.dropped' : 'kernel.bounced');
    for (const effect of effects) {
      if (effect.kind === 'send') this.tell(effect.to, effect.message);
      else if (effect.kind === 'answer') this.#answer(effect.session, effect.request, effect.body);
      else this.#world.perform(effect, to, 0);
    }
  }

  #answer(session: number, request: number, body: AnswerBody): void {
    this.tell(sessionAddress(session), { kind: 'answer', request, body });
  }
}
