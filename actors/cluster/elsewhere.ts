// Who on other nodes hears what happens here, and what sessions here hear from there. Guarantee: a session that may have missed something, because a
// link ended or a shard moved, is told so (`unheard`), and asks anew.
import { type Address, sessionAddress } from '../kernel/address.ts';
import type { Audience } from '../kernel/effects.ts';
import type { Message } from '../kernel/messages.ts';
import type { WorldEffect } from '../kernel/world.ts';
import { shardOf } from '../log/shards.ts';
import { Hearing } from './hearing.ts';
import { Listeners } from './listeners.ts';
import type { Packet } from './packets.ts';
import { isOwn, type Place, type Placement } from './placement.ts';
import { seatOf } from './seats.ts';

/** What it asks of its node. */
export interface ElsewherePorts {
  readonly send: (seat: number, packet: Packet) => void;
  readonly tell: (to: Address, message: Message, bytes: number) => void;
  /** Carries out an effect for the sessions of this node. */
  readonly perform: (effect: WorldEffect) => void;
  /** Is a session of this node live in this audience, or does one watch it? */
  readonly hears: (key: string) => boolean;
  /** Sessions of this node are not live in these audiences any more: each is told `unheard`. */
  readonly unhear: (isLost: (key: string) => boolean) => void;
}

type JoinPacket = Extract<Packet, { kind: 'join' | 'watch' }>;
type WatchPacket = Extract<Packet, { kind: 'watch' }>;

/** Packets `join` and `watch` that went over a link and came. */
interface Joins {
  sent: number;
  came: number;
}

export class Elsewhere {
  readonly #seat: number;
  readonly #placement: Placement;
  readonly #ports: ElsewherePorts;
  readonly #listeners = new Listeners();
  readonly #hearing = new Hearing();
  /** By seat, of the nodes with a link. */
  readonly #joins = new Map<number, Joins>();

  constructor(seat: number, placement: Placement, ports: ElsewherePorts) {
    this.#seat = seat;
    this.#placement = placement;
    this.#ports = ports;
  }

  get counts(): { readonly heard: number; readonly listeners: number } {
    return { heard: this.#hearing.size, listeners: this.#listeners.size };
  }

  // ---- from the actors of this node -----------------------------------------------------------------------------------------

  /** One packet to each node that hears it. */
  spread(key: string, packet: Packet): void {
    for (const seat of this.#listeners.of(key)) this.#ports.send(seat, packet);
  }

  /** A session is to hear an audience of this node; true = it is another node's, which is told. */
  join(session: number, key: string, packet: JoinPacket): boolean {
    const seat = seatOf(session);
    if (seat === this.#seat) return false;
    const joins = this.#joins.get(seat);
    if (joins === undefined) return true;
    this.#listeners.joined(key, seat, joins.sent + 1);
    this.#sendJoin(seat, packet);
    return true;
  }

  /** A room is to tell a session of its next move: of this node, or of another one, which is told by the room's. True = nothing is to be done here. */
  watch(packet: WatchPacket): boolean {
    const { session, room } = packet;
    const place = this.#placeOf(room);
    if (isOwn(place)) return this.join(session, room, packet);
    if (typeof place === 'number') this.#sendJoin(place, packet);
    else if (seatOf(session) === this.#seat) this.#unhear(session, packet);
    else this.#sendJoin(seatOf(session), packet);
    return true;
  }

  /** The last session of this node that heard or watched an audience is gone. */
  emptied(key: string): void {
    const seat = this.#hearing.emptied(key);
    if (seat !== undefined) this.#leave(key, seat);
  }

  // ---- from the links -------------------------------------------------------------------------------------------------------

  up(seat: number): void {
    this.#joins.set(seat, { sent: 0, came: 0 });
  }

  down(seat: number): void {
    this.#joins.delete(seat);
    this.#listeners.drop(seat);
    const lost = this.#hearing.lost((_, of) => of === seat);
    this.#ports.unhear((key) => lost.has(key));
  }

  /** A session of this node is live in an audience of that one. */
  joined(seat: number, packet: JoinPacket): void {
    this.#count(seat);
    this.#joined(seat, packet);
  }

  /** From the user's node to the room's, or from the room's to the session's. */
  watched(seat: number, packet: WatchPacket): void {
    this.#count(seat);
    const home = seatOf(packet.session);
    if (isOwn(this.#placeOf(packet.room))) {
      // The user's node has a link to the session's perhaps, where the room has none.
      if (home !== this.#seat && !this.#joins.has(home)) this.#sendJoin(seat, packet);
      else if (!this.join(packet.session, packet.room, packet)) this.#ports.perform(packet);
    } else if (home === this.#seat) this.#joined(seat, packet);
    // The session asks by itself.
    else this.#sendJoin(home, packet);
  }

  /** A node has no session left that hears an audience of this one. */
  leftBy(seat: number, audience: Audience, joins: number): void {
    this.#listeners.left(keyOf(audience), seat, joins);
  }

  // ---- when shards move -----------------------------------------------------------------------------------------------------

  /** These have left a node: this one or another. Nothing is heard from there any more. */
  left(shards: ReadonlyMap<number, number>): void {
    const isTheirs = (key: string) => shards.has(shardOf(addressOf(key)));
    this.#listeners.forget(isTheirs);
    // Whoever had it may think that it still has, or never thought so.
    for (const [key, seat] of this.#hearing.lost(isTheirs)) this.#leave(key, seat);
    this.#ports.unhear(isTheirs);
  }

  // ---- inside ---------------------------------------------------------------------------------------------------------------

  /** Every packet of these kinds is counted at both ends, whatever becomes of it: `left` speaks of their number. */
  #count(seat: number): void {
    const joins = this.#joins.get(seat);
    if (joins !== undefined) joins.came++;
  }

  #sendJoin(seat: number, packet: JoinPacket): void {
    const joins = this.#joins.get(seat);
    if (joins === undefined) return;
    joins.sent++;
    this.#ports.send(seat, packet);
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

  #leave(key: string, seat: number): void {
    const joins = this.#joins.get(seat)?.came;
    if (joins !== undefined) this.#ports.send(seat, { kind: 'left', audience: audienceOf(key), joins });
  }

  #placeOf(key: string): Place {
    return this.#placement.of(shardOf(addressOf(key)));
  }
}

/** Ids of rooms and users never look alike. */
export function keyOf(audience: Audience): string {
  return 'room' in audience ? audience.room : audience.user;
}

function audienceOf(key: string): Audience {
  return key.startsWith('!') ? { room: key } : { user: key };
}

function addressOf(key: string): Address {
  return (key.startsWith('!') ? `room/${key}` : `user/${key}`) as Address;
}
