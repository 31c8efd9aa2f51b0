// The actors' world on a real node: sockets, login, logs and clocks behind the kernel's effects. It carries out and routes; it decides nothing.
// Guarantees: effects are carried out in order; a session's frames leave in the order pushed; a delivery is one native publish per room.

import type { Packet } from '#actors/cluster/packets.ts';
import { firstSession } from '#actors/cluster/seats.ts';
import { Switchboard } from '#actors/cluster/switchboard.ts';
import { type Address, parseAddress, roomAddress, sessionAddress, userAddress } from '#actors/kernel/address.ts';
import { Audiences } from '#actors/kernel/audience.ts';
import type { Audience, ClosingPurpose, Effect } from '#actors/kernel/effects.ts';
import type { KernelLimits } from '#actors/kernel/limits.ts';
import type { RoomSummary } from '#actors/kernel/messages.ts';
import { Summaries } from '#actors/kernel/summaries.ts';
import { type ActorFactories, System } from '#actors/kernel/system.ts';
import type { World, WorldEffect } from '#actors/kernel/world.ts';
import type { LogAnswer, LogCommand } from '#actors/log/messages.ts';
import { shardOf } from '#actors/log/shards.ts';
import { ServerFrame } from '#proto/gen/client.ts';
import { Disconnect } from '#proto/gen/codes.ts';
import { PostTimes } from './post-times.ts';
import { Revocations } from './revocations.ts';
import { type Serve, Serving, serveNothing } from './serving.ts';
import type { Log } from './telemetry/log.ts';

/** Rooms with more live sessions than this get no typing and presence: shed first. */
const shedAboveSessions = 256;

/** A device whose token could not be checked comes back after once to twice this, milliseconds. */
const tokenRetryMs = 1_000;

/** A socket as the runtime needs it; see transport. */
export interface Socket {
  readonly id: number;
  send(frame: Uint8Array): void;
  subscribe(topic: string): void;
  unsubscribe(topic: string): void;
  close(code: number, reason: string): void;
}

/** Who is behind an access token. */
export interface Identity {
  readonly userId: string;
  readonly deviceNumber: number;
  readonly deviceId: string;
  readonly deviceName: string;
}

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
  readonly audiences: Audiences;
  readonly posts = new PostTimes();
  /** Null on the only node. */
  readonly board: Switchboard | null;
  /** See World. */
  readonly forward?: NonNullable<World['forward']>;
  /** See World. */
  readonly tellElsewhere?: (effect: Extract<Effect, { kind: 'tellSessions' }>) => void;
  readonly #options: RuntimeOptions;
  readonly #sockets = new Map<number, Socket>();
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

  /** A socket opened: its session begins. */
  opened(socket: Socket): void {
    this.#sockets.set(socket.id, socket);
    this.system.tell(sessionAddress(socket.id), { kind: 'opened' });
  }

  /** Frames came. */
  received(socket: Socket, frames: readonly Uint8Array[], bytes: number): void {
    this.posts.received(socket.id, frames);
    this.system.tell(sessionAddress(socket.id), { kind: 'frames', frames }, bytes);
  }

  /** The socket is gone. */
  closed(socket: Socket): void {
    if (!this.#sockets.delete(socket.id)) return;
    this.audiences.close(socket.id);
    this.posts.closed(socket.id);
    this.system.tell(sessionAddress(socket.id), { kind: 'closed' });
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
    this.disconnectDevice(user, device, Disconnect.DISCONNECT_LOGGED_OUT);
    this.#revocations.owe(user, device);
  }

  /** Ends all live sessions of a device: its tokens were revoked elsewhere. */
  disconnectDevice(user: string, device: number, code: Disconnect, except?: number): void {
    for (const session of this.audiences.sessionsOf(user, device))
      if (session !== except) this.#disconnect(session, code, 0);
  }

  /** Are the actors of this shard here? */
  owns(shard: number): boolean {
    return this.board === null || this.board.placement.of(shard) === 'here';
  }

  /** Ends every session: what this node shows may be old. Each comes back within `withinMs`, wherever it is sent. */
  disconnectAll(withinMs: number): void {
    for (const session of [...this.#sockets.keys()]) {
      this.#disconnect(session, Disconnect.DISCONNECT_GOING_AWAY, 1 + Math.floor(Math.random() * withinMs));
    }
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
      case 'push':
        this.#sockets.get(effect.session)?.send(effect.frame);
        return this.posts.pushed(effect.session, effect.frame);
      case 'deliver':
        return this.#deliver(effect);
      case 'log':
        return this.#logs.command(from, incarnation, effect.command);
      case 'join':
        if (this.audiences.join(effect.session, effect.audience))
          this.#sockets.get(effect.session)?.subscribe(topicOf(effect.audience));
        return;
      case 'part':
        this.audiences.part(effect.session, effect.audience);
        return this.#sockets.get(effect.session)?.unsubscribe(topicOf(effect.audience));
      case 'watch':
        return this.audiences.watch(effect.session, effect.room);
      case 'evict':
        for (const session of this.audiences.evict(effect.user, effect.room))
          this.#sockets.get(session)?.unsubscribe(topicOf({ room: effect.room }));
        return;
      case 'quiet':
        return this.audiences.quiet(effect.session);
      case 'disconnect':
        return this.#disconnect(effect.session, effect.code, effect.retryAfterMs);
      case 'disconnectDevice':
        return this.disconnectDevice(effect.user, effect.device, effect.code, effect.except);
      case 'checkToken':
        return this.#checkToken(effect.session, effect.token, from, incarnation);
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
      unhear: (isLost) => this.#unhear(isLost),
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

  #unhear(isLost: (key: string) => boolean): void {
    for (const [session, { rooms, watched, own }] of this.audiences.unhear(isLost)) {
      const socket = this.#sockets.get(session);
      for (const room of rooms) socket?.unsubscribe(room);
      this.system.tell(sessionAddress(session), { kind: 'unheard', rooms, watched, own });
    }
  }

  #deliver({ audience, frame, mark, shed }: Extract<WorldEffect, { kind: 'deliver' }>): void {
    if (shed === true) {
      if ('room' in audience && this.audiences.live(audience.room).size > shedAboveSessions) return;
      for (const session of this.audiences.hearers(audience, true)) this.#sockets.get(session)?.send(frame);
      return;
    }
    this.#options.publish(topicOf(audience), frame);
    if (mark === undefined || !('room' in audience)) return;
    for (const session of this.audiences.mark(audience.room)) this.#sockets.get(session)?.send(mark);
  }

  #disconnect(session: number, code: Disconnect, retryAfterMs: number): void {
    const socket = this.#sockets.get(session);
    if (!socket) return;
    socket.send(ServerFrame.encode({ request: 0, body: { $case: 'closing', value: { code, retryAfterMs } } }).finish());
    socket.close(code, retryAfterMs > 0 ? `retryAfter=${retryAfterMs}` : '');
  }

  #checkToken(session: number, token: string, from: Address, incarnation: number): void {
    const answer = (identity: Identity | null) => {
      const socket = this.#sockets.get(session);
      if (identity && socket) this.audiences.enter(session, identity.userId, identity.deviceNumber);
      const proven = identity && {
        user: identity.userId,
        device: identity.deviceNumber,
        deviceId: identity.deviceId,
        deviceName: identity.deviceName,
      };
      this.system.tellFrom(from, incarnation, { kind: 'tokenChecked', identity: proven });
    };
    this.#options.checkToken(token).then(answer, (error) => {
      // The login's store failed: nothing is known of the token, and a device that hears it is no good would throw it away.
      this.#options.log.error('token check failed', error);
      this.#disconnect(session, Disconnect.DISCONNECT_BUSY, tokenRetryMs + Math.floor(Math.random() * tokenRetryMs));
    });
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

function topicOf(audience: Audience): string {
  return 'room' in audience ? audience.room : audience.user;
}
