// Between the actors of this node and those of the other nodes of the provider: which message goes where, who elsewhere hears what happens here, and
// what becomes of both when a link ends or a shard moves. Pure, like the actors: links, clock and store are its host's.
// Guarantees: a letter reaches its actor, or comes back as a refusal, within `waitMs` and the life of a link; messages of one sender to one actor keep
// their order while the actor stays where it is; a session that may have missed something hears so (`unheard`). It decides nothing about who owns
// what: that a shard is `here` is the keeper's word, which the store gave it; what it believes of others may be wrong, and costs a detour.
import { Rejection } from '#proto/gen/codes.ts';
import { type Address, parseAddress, sessionAddress } from '../kernel/address.ts';
import type { Refusal } from '../kernel/bounce.ts';
import type { Audience, Effect } from '../kernel/effects.ts';
import { wakes } from '../kernel/message-kinds.ts';
import type { Message, RoomSummary } from '../kernel/messages.ts';
import type { WorldEffect } from '../kernel/world.ts';
import { shardOf } from '../log/shards.ts';
import { Asked, askerOf } from './asked.ts';
import { Hearing } from './hearing.ts';
import { defaultHeldLimits, Held } from './held.ts';
import { Listeners } from './listeners.ts';
import type { Letter, Packet } from './packets.ts';
import { type Place, Placement } from './placement.ts';
import { seatOf } from './seats.ts';

/** What one node does for its switchboard. */
export interface SwitchboardPorts {
  /** To a node with a link; in order. */
  readonly send: (seat: number, packet: Packet) => void;
  /** Into the mailbox of an actor of this node. */
  readonly tell: (to: Address, message: Message, bytes: number) => void;
  /** As if the actor were full or lost: the sender gets the negative answer. */
  readonly refuse: (to: Address, message: Message, refusal: Refusal) => void;
  /** Carries out an effect for the sessions of this node. */
  readonly perform: (effect: WorldEffect) => void;
  /** Looks for the summary of a room of this node, asleep or awake: answered by the effect `summarised`. */
  readonly summarise: (room: string, user: string, token: number) => void;
  /** A room's part of a list that is gathered here. */
  readonly summarised: (room: string, token: number, summary: RoomSummary | null) => void;
  /** An order to take a device out of an account was carried out. */
  readonly revoked: (user: string, device: number) => void;
  /** Sessions of this node. */
  readonly sessionsOf: (user: string, device: number | undefined) => Iterable<number>;
  /** Is a session of this node live in this audience, or does one watch it? */
  readonly hears: (key: string) => boolean;
  /** Sessions of this node are not live in these audiences any more: each is told `unheard`. */
  readonly unhear: (isLost: (key: string) => boolean) => void;
  /** Milliseconds, of a clock that never goes back. */
  readonly now: () => number;
}

/** Milliseconds until a refused request may be tried again. */
const retryAfterMs = 500;
const unavailable: Refusal = { code: Rejection.REJECTION_UNAVAILABLE, retryAfterMs };
const busy: Refusal = { code: Rejection.REJECTION_BUSY, retryAfterMs };

type JoinPacket = Extract<Packet, { kind: 'join' | 'watch' }>;

/** What is known of a link. */
interface Peer {
  readonly asked: Asked;
  /** Packets `join` and `watch` that went and came. */
  joinsSent: number;
  joinsCame: number;
}

export class Switchboard {
  readonly placement = new Placement();
  readonly #seat: number;
  readonly #ports: SwitchboardPorts;
  readonly #listeners = new Listeners();
  readonly #hearing = new Hearing();
  readonly #held: Held;
  /** By seat, the nodes with a link. */
  readonly #peers = new Map<number, Peer>();

  constructor(seat: number, ports: SwitchboardPorts, held = new Held(defaultHeldLimits)) {
    this.#seat = seat;
    this.#ports = ports;
    this.#held = held;
  }

  /** Letters held, asks open and audiences heard, for whoever looks after memory. */
  get counts(): { readonly held: number; readonly asked: number; readonly heard: number; readonly listeners: number } {
    let asked = 0;
    for (const peer of this.#peers.values()) asked += peer.asked.size;
    return { held: this.#held.size, asked, heard: this.#hearing.size, listeners: this.#listeners.size };
  }

  /** Seats of the nodes with a link. */
  get peers(): number[] {
    return [...this.#peers.keys()];
  }

  // ---- from the actors of this node -----------------------------------------------------------------------------------------

  /** Takes a message whose actor is not here; false = it is, deliver it. */
  forward(to: Address, message: Message, bytes: number): boolean {
    return this.#forward({ to, message, bytes }, this.#ports.now());
  }

  #forward(letter: Letter, sinceMs: number): boolean {
    const { to, message } = letter;
    const { kind, id } = parseAddress(to);
    if (kind === 'session') {
      const seat = seatOf(Number(id));
      if (seat === this.#seat) return false;
      // A session of a node that is gone is gone.
      this.#send(seat, { kind: 'tell', ...letter });
      return true;
    }
    const shard = shardOf(to);
    const place = this.placement.of(shard);
    if (place === 'here') return false;
    const home = this.#homeOf(message);
    // It waited here when the actor moved: only where it was asked is its answer known.
    if (home !== null && home !== this.#seat) this.#send(home, { kind: 'returned', ...letter });
    else if (typeof place === 'number') {
      if (home !== null) this.#peers.get(place)?.asked.note(letter, sinceMs);
      this.#ports.send(place, { kind: 'tell', ...letter });
    } else if (wakes(message)) {
      // An answer finds nobody who asked: the asker was lost with its place.
      this.#hold(shard, letter, sinceMs);
    }
    return true;
  }

  /** Carries an effect out where it concerns other nodes; true = it concerns none of this node's sessions. */
  perform(effect: WorldEffect, from: Address): boolean {
    switch (effect.kind) {
      case 'deliver': {
        const { audience, frame, mark, shed = false } = effect;
        this.#spread(keyOf(audience), { kind: 'deliver', audience, frame, mark, shed });
        return false;
      }
      case 'join':
        return this.#remotely(effect.session, keyOf(effect.audience), effect);
      case 'watch':
        return this.#watched(effect);
      case 'evict':
        this.#spread(effect.room, effect);
        return false;
      case 'disconnect':
        return this.#elsewhere(effect.session, effect);
      case 'disconnectDevice': {
        const { user, device, code, except } = effect;
        this.#spread(user, { kind: 'disconnectDevice', user, device, code, except });
        return false;
      }
      case 'revokeDevice':
        // Whichever node ordered it.
        for (const seat of this.#peers.keys()) {
          this.#ports.send(seat, { kind: 'revoked', user: effect.user, device: effect.device });
        }
        return false;
      case 'summarised': {
        const { token, summary } = effect;
        return this.#elsewhere(token, { kind: 'summarised', room: parseAddress(from).id, token, summary });
      }
      default:
        return false;
    }
  }

  /** The same for `tellSessions`, which the kernel carries out for this node's sessions. */
  tellSessions({ user, device, message }: Extract<Effect, { kind: 'tellSessions' }>): void {
    this.#spread(user, { kind: 'tellSessions', user, device, message });
  }

  /** The last session of this node that heard or watched an audience is gone. */
  emptied(key: string): void {
    const seat = this.#hearing.emptied(key);
    if (seat !== undefined) this.#leave(key, seat);
  }

  // ---- from the links -------------------------------------------------------------------------------------------------------

  /** A link to a node is there. */
  up(seat: number): void {
    this.#peers.set(seat, { asked: new Asked(), joinsSent: 0, joinsCame: 0 });
    this.#announceTo(seat);
  }

  /** The link ended: what was under way may be lost either way. */
  down(seat: number): void {
    const peer = this.#peers.get(seat);
    if (peer === undefined) return;
    this.#peers.delete(seat);
    this.#listeners.drop(seat);
    for (const shard of this.placement.shardsOf(seat)) this.placement.set(shard, 'nobody');
    const lost = this.#hearing.lost((_, of) => of === seat);
    this.#ports.unhear((key) => lost.has(key));
    for (const { to, message } of peer.asked.drain()) this.#ports.refuse(to, message, unavailable);
  }

  received(seat: number, packet: Packet): void {
    const peer = this.#peers.get(seat);
    if (peer === undefined) return;
    // A disconnect need not be the answer to a hello.
    if (peer.asked.settle(packet) === 'stray' && packet.kind !== 'disconnect') return;
    const { perform, tell, sessionsOf } = this.#ports;
    switch (packet.kind) {
      case 'tell':
        return this.#deliver(seat, packet);
      case 'returned':
        return this.#returned(seat, peer, packet);
      case 'join':
        peer.joinsCame++;
        return this.#joined(seat, packet);
      case 'watch':
        peer.joinsCame++;
        // From the user's node to the room's, or from the room's to the session's.
        if (isOwn(this.#placeOf(packet.room))) {
          if (!this.#remotely(packet.session, packet.room, packet)) perform(packet);
        } else if (seatOf(packet.session) === this.#seat) this.#joined(seat, packet);
        // The user's node was wrong about the room: the session asks by itself.
        else this.#sendJoin(seatOf(packet.session), packet);
        return;
      case 'evict':
        for (const session of sessionsOf(packet.user, undefined)) {
          tell(sessionAddress(session), { kind: 'evicted', room: packet.room }, 0);
        }
        return perform(packet);
      case 'tellSessions':
        for (const session of sessionsOf(packet.user, packet.device)) tell(sessionAddress(session), packet.message, 0);
        return;
      case 'disconnectDevice': {
        const { except, ...effect } = packet;
        return perform(except === undefined ? effect : { ...effect, except });
      }
      case 'deliver': {
        const { mark, ...effect } = packet;
        return perform(mark === undefined ? effect : { ...effect, mark });
      }
      case 'disconnect':
        return perform(packet);
      case 'left':
        return this.#listeners.left(keyOf(packet.audience), seat, packet.joins);
      case 'summarised':
        return this.#ports.summarised(packet.room, packet.token, packet.summary);
      case 'revoked':
        return this.#ports.revoked(packet.user, packet.device);
      case 'leaving':
        // Whoever decides who owns what has heard it.
        return;
      case 'owns':
        return this.#owns(seat, new Set(packet.shards));
    }
  }

  // ---- from whoever decides who owns what -----------------------------------------------------------------------------------

  /** This node has these shards, stops their actors (`giving`), or has given them away (`nobody`, until their new owner says so). */
  place(shards: readonly number[], place: 'here' | 'giving' | 'nobody'): void {
    // They stay after all. Their actors may have stopped in the middle of something, so whoever heard them asks anew.
    const stopped = place === 'here' ? shards.filter((shard) => this.placement.of(shard) === 'giving') : [];
    if (stopped.length > 0) this.place(stopped, 'nobody');
    this.#move(shards, place);
    if (place === 'giving') return;
    for (const seat of this.#peers.keys()) this.#announceTo(seat);
  }

  /** The store says that a shard is with this node, to which there is a link. */
  found(shard: number, seat: number): void {
    if (this.#peers.has(seat) && this.placement.of(shard) === 'nobody') this.#move([shard], seat);
  }

  /** Gives back what has waited too long. To be called about every 250 ms. */
  tick(): void {
    for (const { to, message } of this.#held.overdue(this.#ports.now())) this.#ports.refuse(to, message, unavailable);
  }

  // ---- inside ---------------------------------------------------------------------------------------------------------------

  /** From another node, for an actor that should be here. */
  #deliver(seat: number, { to, message, bytes }: Letter): void {
    const { kind, id } = parseAddress(to);
    if (kind !== 'session' && this.placement.of(shardOf(to)) !== 'here') {
      if (wakes(message)) this.#ports.send(seat, { kind: 'returned', to, message, bytes });
      return;
    }
    if (message.kind === 'summarise') this.#ports.summarise(id, message.user, message.token);
    else this.#ports.tell(to, message, bytes);
  }

  /** The session may be gone meanwhile: then nobody is left again. */
  #joined(seat: number, packet: JoinPacket): void {
    const key = packet.kind === 'join' ? keyOf(packet.audience) : packet.room;
    if (this.#placeOf(key) !== seat) {
      // It has moved since, so nothing more would be heard from there.
      this.#leave(key, seat);
      return this.#unhear(packet.session, packet);
    }
    this.#hearing.joined(key, seat);
    this.#ports.perform(packet);
    if (!this.#ports.hears(key)) this.emptied(key);
  }

  /** A room is to tell a session of its next move: of this node, or of another one, which is told by the room's. True = nothing is to be done here. */
  #watched(effect: Extract<WorldEffect, { kind: 'watch' }>): boolean {
    const { session, room } = effect;
    const place = this.#placeOf(room);
    if (isOwn(place)) return this.#remotely(session, room, effect);
    if (typeof place === 'number') this.#sendJoin(place, effect);
    else if (seatOf(session) === this.#seat) this.#unhear(session, effect);
    else this.#sendJoin(seatOf(session), effect);
    return true;
  }

  /** A session of this node was to hear something that can't be heard that way: it asks by itself. */
  #unhear(session: number, packet: JoinPacket): void {
    const lost =
      packet.kind === 'watch'
        ? { rooms: [], watched: [packet.room], own: false }
        : 'room' in packet.audience
          ? { rooms: [packet.audience.room], watched: [], own: false }
          : { rooms: [], watched: [], own: true };
    this.#ports.tell(sessionAddress(session), { kind: 'unheard', ...lost }, 0);
  }

  /** Its node does not have the actor any more. Who has it is heard soon. */
  #returned(seat: number, peer: Peer, { to, message, bytes }: Letter): void {
    const shard = shardOf(to);
    if (this.placement.of(shard) === seat) this.#move([shard], 'nobody');
    const letter = { to, message, bytes };
    const sinceMs = peer.asked.takeBack(letter, this.#ports.now());
    if (sinceMs !== null) this.#sendOn(letter, sinceMs);
  }

  /** Here or elsewhere. */
  #sendOn(letter: Letter, sinceMs: number): void {
    if (!this.#forward(letter, sinceMs)) this.#ports.tell(letter.to, letter.message, letter.bytes);
  }

  #owns(seat: number, shards: ReadonlySet<number>): void {
    this.#move(
      this.placement.shardsOf(seat).filter((shard) => !shards.has(shard)),
      'nobody',
    );
    // What this node has it has by the store; who else thinks so was told by an older word.
    this.#move(
      [...shards].filter((shard) => !isOwn(this.placement.of(shard))),
      seat,
    );
  }

  #move(shards: readonly number[], place: Place): void {
    const left = new Set<number>();
    for (const shard of shards) {
      const before = this.placement.set(shard, place);
      // While its actors stop they still speak.
      if (before !== place && before !== 'nobody' && place !== 'giving') left.add(shard);
    }
    if (left.size > 0) {
      const hasLeft = (address: Address) => !address.startsWith('session/') && left.has(shardOf(address));
      const isTheirs = (key: string) => hasLeft(addressOf(key));
      for (const { asked } of this.#peers.values()) asked.forget(hasLeft);
      this.#listeners.forget(isTheirs);
      // Whoever had it may think that it still has, or never thought so.
      for (const [key, seat] of this.#hearing.lost(isTheirs)) this.#leave(key, seat);
      this.#ports.unhear(isTheirs);
    }
    if (place === 'nobody' || place === 'giving') return;
    for (const shard of shards) for (const { letter, sinceMs } of this.#held.take(shard)) this.#sendOn(letter, sinceMs);
  }

  #hold(shard: number, letter: Letter, sinceMs: number): void {
    if (!this.#held.keep(shard, letter, sinceMs)) this.#ports.refuse(letter.to, letter.message, busy);
  }

  #leave(key: string, seat: number): void {
    const joins = this.#peers.get(seat)?.joinsCame;
    if (joins !== undefined) this.#ports.send(seat, { kind: 'left', audience: audienceOf(key), joins });
  }

  #remotely(session: number, key: string, packet: JoinPacket): boolean {
    const seat = seatOf(session);
    if (seat === this.#seat) return false;
    const peer = this.#peers.get(seat);
    if (peer === undefined) return true;
    this.#listeners.joined(key, seat, peer.joinsSent + 1);
    this.#sendJoin(seat, packet);
    return true;
  }

  /** Every packet of these kinds is counted at both ends, whatever becomes of it: `left` speaks of their number. */
  #sendJoin(seat: number, packet: JoinPacket): void {
    const peer = this.#peers.get(seat);
    if (peer === undefined) return;
    peer.joinsSent++;
    this.#ports.send(seat, packet);
  }

  #elsewhere(number: number, packet: Packet): boolean {
    const seat = seatOf(number);
    if (seat === this.#seat) return false;
    this.#send(seat, packet);
    return true;
  }

  #spread(key: string, packet: Packet): void {
    for (const seat of this.#listeners.of(key)) this.#ports.send(seat, packet);
  }

  /** The node where the asker of a message is; this one where nobody asks, null where nobody knows. */
  #homeOf(message: Message): number | null {
    const asker = askerOf(message);
    if (asker === null) return this.#seat;
    if ('number' in asker) return seatOf(asker.number);
    const { kind, id } = parseAddress(asker.address);
    if (kind === 'session') return seatOf(Number(id));
    const place = this.placement.of(shardOf(asker.address));
    if (isOwn(place)) return this.#seat;
    return typeof place === 'number' ? place : null;
  }

  #placeOf(key: string): Place {
    return this.placement.of(shardOf(addressOf(key)));
  }

  #send(seat: number, packet: Packet): void {
    if (this.#peers.has(seat)) this.#ports.send(seat, packet);
  }

  #announceTo(seat: number): void {
    this.#ports.send(seat, { kind: 'owns', shards: this.placement.shardsOf('here') });
  }
}

/** Are its actors on this node? */
function isOwn(place: Place): boolean {
  return place === 'here' || place === 'giving';
}

/** Ids of rooms and users never look alike. */
function keyOf(audience: Audience): string {
  return 'room' in audience ? audience.room : audience.user;
}

function audienceOf(key: string): Audience {
  return key.startsWith('!') ? { room: key } : { user: key };
}

function addressOf(key: string): Address {
  return (key.startsWith('!') ? `room/${key}` : `user/${key}`) as Address;
}
