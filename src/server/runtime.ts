// The actors' world on a real node: sockets, login, logs and clocks behind the kernel's effects. It carries out and routes, in the order of the effects;
// it decides nothing. What is about sockets alone it leaves to sockets.ts.

import type { Packet } from '#actors/cluster/packets.ts';
import { firstSession } from '#actors/cluster/seats.ts';
import { Switchboard } from '#actors/cluster/switchboard.ts';
import { type Address, parseAddress, roomAddress, userAddress } from '#actors/kernel/address.ts';
import { Audiences } from '#actors/kernel/audience.ts';
import type { ClosingPurpose, Effect } from '#actors/kernel/effects.ts';
import type { KernelLimits } from '#actors/kernel/limits.ts';
import type { RoomSummary } from '#actors/kernel/messages.ts';
import { Summaries } from '#actors/kernel/summaries.ts';
import { type ActorFactories, System } from '#actors/kernel/system.ts';
import type { World, WorldEffect } from '#actors/kernel/world.ts';
import type { LogAnswer, LogCommand } from '#actors/log/messages.ts';
import { shardOf } from '#actors/log/shards.ts';
import { Disconnect } from '#proto/gen/codes.ts';
import { Revocations } from './revocations.ts';
import { type Serve, Serving, serveNothing } from './serving.ts';
import { type Identity, Sockets } from './sockets.ts';
import type { Log } from './telemetry/log.ts';

/** A grant as a device shows it, and what it is shown for. */
export type ShownGrant = Pick<
  Extract<Effect, { kind: 'checkGrant' }>,
  'user' | 'device' | 'purpose' | 'grant' | 'content'
>;

/** The logs of all actors; see storage/log-runner.ts. `answer` of RuntimeOptions hears what they say. */
export interface Logs {
  /** Takes a command of an actor's log. Never throws; whatever fails is answered by `failed`. */
  command(actor: string, incarnation: number, command: LogCommand): void;
  /** This incarnation is gone: nothing of it is written, acked or answered from here on. */
  forget(actor: string, incarnation: number): void;
  /** The summary of a room that no actor holds, where it can be known without waking the room; else null. */
  peek(actor: string): Promise<RoomSummary | null>;
}

/** What a runtime is made of. */
export interface RuntimeOptions {
  readonly create: ActorFactories;
  readonly publish: (topic: string, frame: Uint8Array) => void;
  readonly checkToken: (token: string) => Promise<Identity | null>;
  readonly revokeDevice: (user: string, device: number) => Promise<void>;
  /** Does this grant of a step-up count for what it is shown for? Absent: none does. */
  readonly checkGrant?: (shown: ShownGrant) => Promise<boolean>;
  /** Login, backup and directory let go of a closed account; safe to repeat. Rejects where one of them could not. */
  readonly closeAccount?: (user: string, purpose: ClosingPurpose) => Promise<void>;
  /** Answers what no actor does. Absent: UNSUPPORTED. */
  readonly serve?: Serve;
  readonly logs: (answer: (actor: string, incarnation: number, answer: LogAnswer) => void) => Logs;
  readonly limits?: Partial<KernelLimits>;
  readonly log: Log;
  /** One of several nodes. Absent: the only one. */
  readonly cluster?: ClusterPlace;
}

/** A node's place among others. */
export interface ClusterPlace {
  /** Of this process; see actors/cluster/seats.ts. Sockets are numbered from `firstSession(seat)` on. */
  readonly seat: number;
  /** To a node with a link, in order. */
  readonly send: (seat: number, packet: Packet) => void;
}

/** A running set of actors. */
export class Runtime implements World {
  readonly system: System;
  readonly sockets: Sockets;
  readonly audiences: Audiences;
  /** Null on the only node. */
  readonly board: Switchboard | null;
  /** See World. */
  readonly forward?: NonNullable<World['forward']>;
  /** See World. */
  readonly tellElsewhere?: (effect: Extract<Effect, { kind: 'tellSessions' }>) => void;
  readonly #options: RuntimeOptions;
  /** Users whose accounts login, backup and directory are letting go of. */
  readonly #closing = new Set<string>();
  readonly #logs: Logs;
  readonly #summaries: Summaries;
  readonly #serving: Serving;
  readonly #revocations = new Revocations((user, device) =>
    this.system.tell(userAddress(user), { kind: 'deviceRevoked', device }),
  );
  #scheduled = false;
  #timer: NodeJS.Timeout | undefined;
  #timerDue = Number.POSITIVE_INFINITY;

  constructor(options: RuntimeOptions) {
    this.#options = options;
    const { cluster } = options;
    const board = cluster === undefined ? null : this.#makeBoard(cluster);
    this.board = board;
    this.audiences = board === null ? new Audiences() : new Audiences((key) => board.emptied(key));
    const { publish, checkToken, log } = options;
    this.sockets = new Sockets({ system: () => this.system, audiences: this.audiences, publish, checkToken, log });
    if (board !== null) {
      this.forward = (to, message, bytes, isOlder) => board.forward(to, message, bytes, isOlder);
      this.tellElsewhere = (effect) => board.tellSessions(effect);
    }
    this.system = new System({
      seat: cluster?.seat ?? 0,
      create: options.create,
      world: this,
      clock: Date.now,
      stopwatch: () => performance.now(),
      wake: () => this.#schedule(),
      ...(options.limits ? { limits: options.limits } : {}),
    });
    this.#summaries = new Summaries({
      peek: (room, found) => this.#peek(room, found),
      firstToken: firstSession(cluster?.seat ?? 0),
      tell: (to, message) => this.system.tell(to, message),
      tellFrom: (to, incarnation, message) => this.system.tellFrom(to, incarnation, message),
      later: (delayMs, run) => {
        const timer = setTimeout(run, delayMs);
        return () => clearTimeout(timer);
      },
    });
    this.#serving = new Serving({
      serve: options.serve ?? serveNothing,
      failed: (error) => options.log.error('request failed', error),
    });
    this.#logs = options.logs((actor, incarnation, answer) => {
      this.system.tellFrom(actor as Address, incarnation, { kind: 'log', answer });
    });
  }

  /** Starts a user or room that sleeps, so that its log is opened: what opening mends is mended. Nothing is asked of it. */
  wake(address: Address): void {
    const { kind, id } = parseAddress(address);
    if (kind === 'room') this.system.tell(address, { kind: 'summarise', user: '', token: 0 });
    else if (kind === 'user')
      this.system.tell(address, { kind: 'manifestMoved', user: id, head: { version: 0, hash: new Uint8Array() } });
  }

  /** Login ended a device's tokens: its session goes, and so does its place in the account, however often the user's log fails meanwhile. */
  deviceRevoked(user: string, device: number): void {
    this.sockets.disconnectDevice(user, device, Disconnect.DISCONNECT_LOGGED_OUT);
    this.#revocations.owe(user, device);
  }

  /** Are the actors of this shard here? */
  owns(shard: number): boolean {
    return this.board === null || this.board.placement.of(shard) === 'here';
  }

  /** Lets every actor write what it holds and leave memory, and what is served end; resolves with how many did not within `ms`. */
  async drain(ms: number): Promise<number> {
    const until = Date.now() + ms;
    this.#revocations.end();
    let left = this.system.drain();
    while ((left > 0 || this.#serving.size > 0) && Date.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      left = this.system.drain();
      this.#schedule();
    }
    clearTimeout(this.#timer);
    return left;
  }

  /** See World. */
  perform(effect: WorldEffect, from: Address, incarnation: number): void {
    if (this.board?.perform(effect, from) !== true) this.#performHere(effect, from, incarnation);
  }

  #performHere(effect: WorldEffect, from: Address, incarnation: number): void {
    switch (effect.kind) {
      case 'log':
        return this.#logs.command(from, incarnation, effect.command);
      case 'checkGrant': {
        const { token } = effect;
        return this.#checkGrant(effect, (counts) =>
          this.system.tellFrom(from, incarnation, { kind: 'grantChecked', token, counts }),
        );
      }
      case 'serve': {
        const { request } = effect;
        return this.#serving.begin(effect, (body) =>
          this.system.tellFrom(from, incarnation, { kind: 'answer', request, body }),
        );
      }
      case 'closeAccount': {
        const { user, purpose } = effect;
        // Asked again while it is under way: a second one could end what its person logs in with after the first.
        if (this.#closing.has(user)) return;
        this.#closing.add(user);
        void (this.#options.closeAccount?.(user, purpose) ?? Promise.resolve())
          .finally(() => this.#closing.delete(user))
          .then(
            () => this.system.tellFrom(from, incarnation, { kind: 'accountClosed' }),
            (error) => this.#options.log.error('account closing failed', error),
          );
        return;
      }
      case 'revokeDevice':
        this.#revocations.confirmed(effect.user, effect.device);
        this.#options
          .revokeDevice(effect.user, effect.device)
          .catch((error) => this.#options.log.error('revoke failed', error));
        return;
      case 'summaries':
        return this.#summaries.begin({ user: from, incarnation, token: effect.token, rooms: effect.rooms });
      case 'summarised':
        return this.#summaries.take(effect.token, parseAddress(from).id, effect.summary);
      default:
        return this.sockets.perform(effect, from, incarnation);
    }
  }

  /** See World. */
  ended(from: Address, incarnation: number, error: unknown): void {
    if (error !== undefined) this.#options.log.error('actor crashed', error);
    if (!from.startsWith('session/')) this.#logs.forget(from, incarnation);
  }

  /** See World. */
  sessionsOf(user: string, device?: number): Iterable<number> {
    return this.audiences.sessionsOf(user, device);
  }

  #makeBoard({ seat, send }: ClusterPlace): Switchboard {
    return new Switchboard(seat, {
      send,
      tell: (to, message, bytes) => this.system.tellHere(to, message, bytes),
      refuse: (to, message, refusal) => this.system.refuse(to, message, refusal),
      perform: (effect) => this.#performHere(effect, nobody, 0),
      summarise: (room, user, token) => this.#summarise(room, user, token),
      summarised: (room, token, summary) => this.#summaries.take(token, room, summary),
      revoked: (user, device) => this.#revocations.confirmed(user, device),
      sessionsOf: (user, device) => this.audiences.sessionsOf(user, device),
      hears: (key) => this.audiences.hears(key),
      unhear: (isLost) => this.sockets.unhear(isLost),
      now: () => performance.now(),
    });
  }

  /** For another node's list. */
  #summarise(room: string, user: string, token: number): void {
    const address = roomAddress(room);
    this.#peek(room, (summary) => {
      // The room may have moved meanwhile, and must not be started here then (rule 9): so not `tellHere`.
      if (summary === null) this.system.tell(address, { kind: 'summarise', user, token });
      else this.perform({ kind: 'summarised', user, token, summary }, address, 0);
    });
  }

  /** A sleeping room's summary; null where the room must be asked, here or elsewhere. */
  #peek(room: string, found: (summary: RoomSummary | null) => void): void {
    const address = roomAddress(room);
    if (!this.owns(shardOf(address))) return found(null);
    // `peek` tells its failures.
    void this.#logs.peek(address).then(found, () => found(null));
  }

  #checkGrant(shown: ShownGrant, answer: (counts: boolean | null) => void): void {
    const check = this.#options.checkGrant ?? (async () => false);
    check(shown).then(answer, (error) => {
      this.#options.log.error('grant check failed', error);
      answer(null);
    });
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.#run());
  }

  #run(): void {
    this.#scheduled = false;
    const more = this.system.run();
    if (more) return this.#schedule();
    const due = this.system.nextDue();
    if (due === this.#timerDue && this.#timer) return;
    clearTimeout(this.#timer);
    this.#timerDue = due;
    this.#timer = undefined;
    if (due === Number.POSITIVE_INFINITY) return;
    const wait = Math.min(Math.max(0, due - Date.now()), 2 ** 31 - 1);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#schedule();
    }, wait);
  }
}

/** Stands for an actor of another node. */
const nobody = '' as Address;
