// One process of the node: the real kernel with the real session, user and room actors, their logs on the simulated store, and links for sockets.
// It may die at any moment, and it may stand still: then nothing happens in it, and what came meanwhile happens when it goes on.
import { defaultHeldLimits, Held } from '#actors/cluster/held.ts';
import type { Keeper } from '#actors/cluster/keeper.ts';
import type { Packet } from '#actors/cluster/packets.ts';
import { firstSession } from '#actors/cluster/seats.ts';
import { Switchboard, type SwitchboardPorts } from '#actors/cluster/switchboard.ts';
import type { Actor } from '#actors/kernel/actor.ts';
import { type Address, parseAddress, roomAddress } from '#actors/kernel/address.ts';
import { Audiences } from '#actors/kernel/audience.ts';
import { type Effect, rejected } from '#actors/kernel/effects.ts';
import { defaultLimits, type KernelLimits } from '#actors/kernel/limits.ts';
import { laneOf } from '#actors/kernel/message-kinds.ts';
import type { Message, RoomMessage, UserMessage } from '#actors/kernel/messages.ts';
import { Summaries } from '#actors/kernel/summaries.ts';
import { System } from '#actors/kernel/system.ts';
import type { World, WorldEffect } from '#actors/kernel/world.ts';
import type { LogLimits } from '#actors/log/limits.ts';
import type { LogAnswer } from '#actors/log/messages.ts';
import type { Generation } from '#actors/ports/log-store.ts';
import { defaultRoomLimits, type RoomLimits } from '#actors/room/limits.ts';
import { Room } from '#actors/room/room.ts';
import { DeviceBuckets } from '#actors/session/bucket.ts';
import { defaultRates, defaultSessionLimits } from '#actors/session/limits.ts';
import { Session } from '#actors/session/session.ts';
import { UserActor } from '#actors/user/user.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { noBytes } from '#proto/rules/bytes/bytes.ts';
import { goodGrant, provider } from './cast.ts';
import { type InMemory, overfull } from './check/memory.ts';
import { foreignLog } from './check/ownership.ts';
import { Connections } from './connections.ts';
import { dueLogs } from './due-logs.ts';
import { keepEveryMs, keepShards } from './keeping.ts';
import { LogDriver, type LogHome } from './log-driver.ts';
import type { Mutation } from './mutation.ts';
import { inOrder } from './order.ts';
import type { Peers } from './peers.ts';
import { simPrimitives } from './primitives.ts';
import type { Schedule } from './schedule.ts';
import type { SimStore } from './store.ts';

export interface NodeOptions {
  readonly schedule: Schedule;
  readonly store: SimStore;
  readonly generation: Generation;
  readonly skewMs: number;
  readonly limits: {
    readonly kernel: Partial<KernelLimits>;
    readonly room: Partial<RoomLimits>;
    readonly log: Partial<LogLimits>;
  };
  readonly mutation: Mutation;
  /** User id of the Info bot. Default: there is none. */
  readonly infoBot?: string;
  /** Who is behind a token. */
  readonly identityOf: (token: string) => { user: string; device: number } | null;
  readonly trace: (line: string) => void;
  /** A bug: an actor threw or broke the contract of its log. */
  readonly bug: (what: string) => void;
  readonly died: (node: SimNode) => void;
  /** One of several nodes: its seat, and the way to the others. */
  readonly town?: { readonly seat: number; readonly peers: Peers };
}

/** For giving everything away at the end. */
const leaveMs = 10_000;

/** Milliseconds from hearing that it is fenced to being gone. */
const lastBreathMs = 200;
const sweepEveryMs = 10_000;

export class SimNode implements World, LogHome {
  readonly generation: Generation;
  readonly system: System;
  readonly connections: Connections;
  dead = false;
  /** It is about to stop, and takes nothing more. */
  isLeaving = false;
  #keeper: Keeper | null = null;
  readonly #options: NodeOptions;
  /** 0 on the only node. */
  readonly seat: number;
  /** See World; on one of several nodes. */
  readonly forward?: NonNullable<World['forward']>;
  readonly tellElsewhere?: (effect: Extract<Effect, { kind: 'tellSessions' }>) => void;
  readonly #board: Switchboard | null;
  readonly #logs: LogDriver;
  readonly #summaries: Summaries;
  #still = false;
  /** Something of a packet was told to an actor. */
  #isTold = false;
  #waiting: (() => void)[] = [];
  #runPlanned = false;
  #timerDue = Number.POSITIVE_INFINITY;

  constructor(options: NodeOptions) {
    const { store, mutation, limits, generation } = options;
    this.#options = options;
    this.generation = generation;
    this.seat = options.town?.seat ?? 0;
    const board = options.town === undefined ? null : this.#makeBoard(options.town.seat, options.town.peers);
    this.#board = board;
    const audiences = board === null ? new Audiences() : new Audiences((key) => board.emptied(key));
    this.connections = new Connections(this, audiences);
    if (board !== null) {
      this.forward = (to, message, bytes, isOlder) => board.forward(to, message, bytes, isOlder);
      this.tellElsewhere = (effect) => board.tellSessions(effect);
    }
    this.#logs = new LogDriver(this, store, { limits: limits.log, ...mutation, keeps: board !== null });
    const shared = { buckets: new DeviceBuckets(() => defaultRates), limits: defaultSessionLimits };
    const isBot = (user: string) => user === options.infoBot;
    const room = {
      provider,
      primitives: simPrimitives,
      limits: { ...defaultRoomLimits, ...limits.room },
      providerOf: () => undefined,
      incarnation: 1,
      isBot,
    };
    const settings = {
      primitives: simPrimitives,
      heartbeatSeconds: 30,
      isBot,
      limitInvitations: false,
      infoBot: options.infoBot ?? '',
    };
    const same = <T>(actor: T) => actor;
    this.system = new System({
      create: {
        session: (id) => (mutation.session ?? same)(new Session(id, shared)),
        user: (id, incarnation) => this.#ordered(id, (mutation.user ?? same)(new UserActor(id, incarnation, settings))),
        room: (id) => this.#ordered(id, (mutation.room ?? same)(new Room(id, room))),
      },
      world: this,
      seat: this.seat,
      clock: () => this.now(),
      wake: () => this.#plan(),
      limits: limits.kernel,
    });
    this.#summaries = new Summaries({
      // Nobody reads sleeping rooms here: all are asked.
      peek: (_, found) => found(null),
      firstToken: firstSession(this.seat),
      tell: (to, message) => this.system.tell(to, message),
      tellFrom: (to, incarnation, message) => this.system.tellFrom(to, incarnation, message),
      later: (delayMs, run) => {
        let isOff = false;
        this.later(delayMs, () => {
          if (!isOff) run();
        });
        return () => {
          isOff = true;
        };
      },
    });
    const sweep = () => {
      this.sweep(this.now());
      this.later(sweepEveryMs, sweep);
    };
    this.later(sweepEveryMs, sweep);
    if (options.town === undefined || board === null) return;
    const { peers } = options.town;
    peers.enter(this);
    const others = () => peers.othersOf(this);
    this.#keeper = keepShards({ home: this, store, logs: this.#logs, board, others, alter: mutation.keeper });
  }

  identityOf(token: string): { user: string; device: number } | null {
    return this.#options.identityOf(token);
  }

  now(): number {
    return this.#options.schedule.now + this.#options.skewMs;
  }

  /** Wakes every log with a segment that is to be sealed by then, or that state does not cover: rule 12. */
  sweep(throughMs: number): void {
    const due = this.inside((found: { readonly value: readonly string[] } | null) => {
      for (const log of found?.value ?? []) if (!this.#logs.tick(log)) this.#wake(log as Address);
    });
    const own = (shard: number) => this.#board === null || this.#board.placement.of(shard) === 'here';
    this.#options.store.ask({ asker: this }, (memory) => dueLogs(memory, throughMs, own), due);
  }

  /** From another node. */
  heard(seat: number, given: Packet): void {
    const { packet: alter, believesStrays } = this.#options.mutation;
    const packet = alter?.(given) ?? given;
    this.#isTold = false;
    this.#board?.received(seat, packet);
    if (believesStrays && !this.#isTold && packet.kind === 'tell' && laneOf(packet.message) === 'control')
      this.system.tellHere(packet.to, packet.message);
  }

  linkUp(seat: number): void {
    this.#board?.up(seat);
  }

  linkDown(seat: number): void {
    this.#board?.down(seat);
  }

  get isStill(): boolean {
    return this.#still;
  }

  /** An actor here has this log. */
  hasLog(name: string): boolean {
    return this.#logs.has(name);
  }

  /** Gives away all shards, and goes when it has none left or nobody takes them in time. */
  leave(): void {
    const keeper = this.#keeper;
    if (keeper === null || this.isLeaving) return;
    this.isLeaving = true;
    keeper.leave();
    const look = (left: number) => {
      if (left === 0 || keeper.held === 0) this.die();
      else this.later(keepEveryMs, () => look(left - 1));
    };
    this.later(keepEveryMs, () => look(leaveMs / keepEveryMs));
  }

  /** The process is gone, with all that it held. */
  die(): void {
    if (this.dead) return;
    this.dead = true;
    this.#waiting = [];
    this.#options.town?.peers.leave(this);
    this.connections.die();
    this.#options.died(this);
  }

  /** Nothing happens in the process, until `goOn`. */
  standStill(): void {
    this.#still = true;
  }

  goOn(): void {
    this.#still = false;
    for (const run of this.#waiting.splice(0)) run();
    if (!this.dead) this.#plan();
  }

  later(delayMs: number, run: () => void): void {
    this.#options.schedule.after(delayMs, this.inside(run));
  }

  inside<Args extends readonly unknown[]>(run: (...args: Args) => void): (...args: Args) => void {
    return (...args) => {
      if (this.dead) return;
      if (this.#still) this.#waiting.push(() => this.inside(run)(...args));
      else run(...args);
    };
  }

  answer(actor: string, incarnation: number, answer: LogAnswer): void {
    if (answer.kind === 'failed') this.#options.trace(`${this.#name} log of ${actor} failed: ${answer.code}`);
    this.system.tellFrom(actor as Address, incarnation, { kind: 'log', answer });
  }

  fenced(): void {
    this.#options.trace(`${this.#name} hears that it is fenced`);
    this.later(lastBreathMs, () => this.die());
  }

  broken(reason: string): void {
    this.#options.bug(`a log was used wrongly: ${reason}`);
  }

  perform(given: WorldEffect, from: Address, incarnation: number): void {
    const effect = this.#options.mutation.effect === undefined ? given : this.#options.mutation.effect(given, from);
    if (effect !== null && this.#board?.perform(effect, from) !== true) this.#performHere(effect, from, incarnation);
  }

  #performHere(effect: WorldEffect, from: Address, incarnation: number): void {
    switch (effect.kind) {
      case 'log':
        return this.#logs.command(from, incarnation, effect.command);
      case 'checkGrant':
        return this.system.tellFrom(from, incarnation, {
          kind: 'grantChecked',
          token: effect.token,
          counts: effect.grant.token === goodGrant,
        });
      case 'serve': {
        // No story needs a backup.
        const body = rejected(Rejection.REJECTION_UNSUPPORTED);
        return this.system.tellFrom(from, incarnation, { kind: 'answer', request: effect.request, body });
      }
      case 'closeAccount':
        return this.system.tellFrom(from, incarnation, { kind: 'accountClosed' });
      case 'revokeDevice':
        return this.#options.trace(`${effect.user}/${effect.device} is logged out`);
      case 'summaries':
        return this.#summaries.begin({ user: from, incarnation, token: effect.token, rooms: effect.rooms });
      case 'summarised':
        return this.#summaries.take(effect.token, parseAddress(from).id, effect.summary);
      default:
        return this.connections.perform(effect, from, incarnation);
    }
  }

  ended(from: Address, incarnation: number, error: unknown): void {
    if (error !== undefined)
      this.#options.bug(`${from} threw: ${error instanceof Error ? error.stack : String(error)}`);
    if (!from.startsWith('session/')) this.#logs.forget(from, incarnation);
  }

  sessionsOf(user: string, device?: number): Iterable<number> {
    return this.connections.audiences.sessionsOf(user, device);
  }

  /** What it holds. */
  get inMemory(): InMemory {
    const activeHardMax = this.#options.limits.kernel.activeHardMax ?? defaultLimits.activeHardMax;
    const counts = { logs: this.#logs.size, gatherings: this.#summaries.size, board: this.#board?.counts ?? {} };
    return { system: this.system, activeHardMax, audiences: this.connections.audiences, ...counts };
  }

  get #name(): string {
    return this.seat === 0
      ? `process ${this.generation.gen}`
      : `${this.generation.node} process ${this.generation.gen}`;
  }

  #makeBoard(seat: number, peers: Peers): Switchboard {
    const tell = (to: Address, message: Message, bytes: number) => {
      this.#isTold = true;
      this.system.tellHere(to, message, bytes);
    };
    const held = this.#options.mutation.held?.() ?? new Held(defaultHeldLimits);
    const ports: SwitchboardPorts = {
      send: (to, packet) => peers.send(this, to, packet),
      tell,
      refuse: (to, message, refusal) => this.system.refuse(to, message, refusal),
      perform: (effect) => this.#performHere(effect, '' as Address, 0),
      summarise: (room, user, token) => this.system.tellHere(roomAddress(room), { kind: 'summarise', user, token }),
      summarised: (room, token, summary) => this.#summaries.take(token, room, summary),
      revoked: () => {},
      sessionsOf: (user, device) => this.connections.audiences.sessionsOf(user, device),
      hears: (key) => this.connections.audiences.hears(key),
      unhear: (isLost) => this.connections.unhear(isLost),
      now: () => this.now(),
    };
    return new Switchboard(seat, ports, held);
  }

  /** An actor whose messages are looked at, where it is one of several nodes. */
  #ordered<Told extends RoomMessage | UserMessage>(id: string, actor: Actor<Told>): Actor<Told> {
    const { town, bug } = this.#options;
    return town === undefined
      ? actor
      : inOrder(actor, (message) => town.peers.order.handled(this.seat, id, message), bug);
  }

  /** Something that only opens the actor. */
  #wake(address: Address): void {
    const { kind, id } = parseAddress(address);
    if (kind === 'room') this.system.tell(address, { kind: 'summarise', user: '', token: 0 });
    else this.system.tell(address, { kind: 'manifestMoved', user: id, head: { version: 0, hash: noBytes } });
  }

  #plan(): void {
    if (this.#runPlanned) return;
    this.#runPlanned = true;
    this.later(0, () => this.#run());
  }

  #run(): void {
    const { store, generation } = this.#options;
    this.#runPlanned = false;
    const more = this.system.run();
    if (this.#board !== null && this.system.counters.get('session.answerUnasked') > 0)
      this.#options.bug('a session got an answer that it did not wait for');
    const beyond =
      overfull(this.inMemory) ?? (this.#board === null ? null : foreignLog(this.#logs.names, store.memory, generation));
    if (beyond !== null) this.#options.bug(beyond);
    if (more) return this.#plan();
    const due = this.system.nextDue();
    if (due >= this.#timerDue || due === Number.POSITIVE_INFINITY) return;
    this.#timerDue = due;
    this.later(Math.max(0, due - this.now()), () => {
      if (this.#timerDue === due) this.#timerDue = Number.POSITIVE_INFINITY;
      this.#plan();
    });
  }
}
