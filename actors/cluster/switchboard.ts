// Between the actors of this node and those of the other nodes of the provider: what comes over links and what goes, and what becomes of it when a link
// ends or a shard moves. Pure, like the actors: links, clock and store are its host's. Letters are in letters.ts, with what they may rely on; who hears
// what is in elsewhere.ts. It decides nothing about who owns what: that a shard is `here` is the keeper's word, which the store gave it; what it believes
// of others may be wrong, and costs a detour.
import { type Address, parseAddress, sessionAddress } from '../kernel/address.ts';
import type { Effect } from '../kernel/effects.ts';
import type { Message, RoomSummary } from '../kernel/messages.ts';
import type { WorldEffect } from '../kernel/world.ts';
import { shardOf } from '../log/shards.ts';
import { Elsewhere, type ElsewherePorts, keyOf } from './elsewhere.ts';
import { defaultHeldLimits, Held } from './held.ts';
import { type LetterPorts, Letters } from './letters.ts';
import type { Packet } from './packets.ts';
import { isOwn, type Place, Placement } from './placement.ts';
import { seatOf } from './seats.ts';

/** What one node does for its switchboard. */
export interface SwitchboardPorts extends LetterPorts, ElsewherePorts {
  /** A room's part of a list that is gathered here. */
  readonly summarised: (room: string, token: number, summary: RoomSummary | null) => void;
  /** An order to take a device out of an account was carried out. */
  readonly revoked: (user: string, device: number) => void;
  /** Sessions of this node. */
  readonly sessionsOf: (user: string, device: number | undefined) => Iterable<number>;
}

export class Switchboard {
  readonly placement = new Placement();
  readonly #seat: number;
  readonly #ports: SwitchboardPorts;
  readonly #letters: Letters;
  readonly #elsewhere: Elsewhere;
  /** By seat, of the nodes with a link: when it last said which shards it has. */
  readonly #peers = new Map<number, number>();

  constructor(seat: number, ports: SwitchboardPorts, held = new Held(defaultHeldLimits)) {
    this.#seat = seat;
    this.#ports = ports;
    this.#letters = new Letters(seat, this.placement, ports, held);
    this.#elsewhere = new Elsewhere(seat, this.placement, ports);
  }

  /** Letters held, asks open, shards that settle and audiences heard, for whoever looks after memory. */
  get counts(): Letters['counts'] & Elsewhere['counts'] {
    return { ...this.#letters.counts, ...this.#elsewhere.counts };
  }

  /** Seats of the nodes with a link. */
  get peers(): number[] {
    return [...this.#peers.keys()];
  }

  // ---- from the actors of this node -----------------------------------------------------------------------------------------

  /** Takes a message whose actor is not here; false = it is, deliver it. `isOlder`: it waited for an actor that was here. */
  forward(to: Address, message: Message, bytes: number, isOlder = false): boolean {
    return this.#letters.forward({ to, message, bytes }, undefined, isOlder);
  }

  /** Carries an effect out where it concerns other nodes; true = it concerns none of this node's sessions. */
  perform(effect: WorldEffect, from: Address): boolean {
    switch (effect.kind) {
      case 'deliver': {
        const { audience, frame, mark, shed = false } = effect;
        this.#elsewhere.spread(keyOf(audience), { kind: 'deliver', audience, frame, mark, shed });
        return false;
      }
      case 'join':
        return this.#elsewhere.join(effect.session, keyOf(effect.audience), effect);
      case 'watch':
        return this.#elsewhere.watch(effect);
      case 'evict':
        this.#elsewhere.spread(effect.room, effect);
        return false;
      case 'disconnect':
        return this.#sendTo(effect.session, effect);
      case 'disconnectDevice': {
        const { user, device, code, except } = effect;
        this.#elsewhere.spread(user, { kind: 'disconnectDevice', user, device, code, except });
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
        return this.#sendTo(token, { kind: 'summarised', room: parseAddress(from).id, token, summary });
      }
      default:
        return false;
    }
  }

  /** The same for `tellSessions`, which the kernel carries out for this node's sessions. */
  tellSessions({ user, device, message }: Extract<Effect, { kind: 'tellSessions' }>): void {
    this.#elsewhere.spread(user, { kind: 'tellSessions', user, device, message });
  }

  /** The last session of this node that heard or watched an audience is gone. */
  emptied(key: string): void {
    this.#elsewhere.emptied(key);
  }

  // ---- from the links -------------------------------------------------------------------------------------------------------

  /** A link to a node is there. */
  up(seat: number): void {
    this.#peers.set(seat, Number.NEGATIVE_INFINITY);
    this.#letters.up(seat);
    this.#elsewhere.up(seat);
    this.#announceTo(seat);
  }

  /** The link ended: what was under way may be lost either way. */
  down(seat: number): void {
    if (!this.#peers.delete(seat)) return;
    for (const shard of this.placement.shardsOf(seat)) this.placement.set(shard, 'nobody');
    this.#elsewhere.down(seat);
    this.#letters.down(seat);
  }

  received(seat: number, packet: Packet): void {
    if (!this.#peers.has(seat)) return;
    // A disconnect need not be the answer to a hello.
    if (!this.#letters.isExpected(seat, packet) && packet.kind !== 'disconnect') return;
    const { perform, tell, sessionsOf } = this.#ports;
    switch (packet.kind) {
      case 'tell':
        return this.#letters.delivered(seat, packet);
      case 'returned': {
        const { to, message, bytes } = packet;
        this.#isNotAt(seat, to);
        return this.#letters.returned(seat, { to, message, bytes });
      }
      case 'sync':
        return this.#letters.asksToSync(seat, packet.shard);
      case 'synced':
        return this.#letters.synced(seat, packet.shard);
      case 'join':
        return this.#elsewhere.joined(seat, packet);
      case 'watch':
        return this.#elsewhere.watched(seat, packet);
      case 'left':
        return this.#elsewhere.leftBy(seat, packet.audience, packet.joins);
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
    if (stopped.length > 0) {
      this.#move(stopped, 'nobody');
      this.#announce();
    }
    this.#move(shards, place);
    if (place === 'giving') return;
    this.#letters.sendOn(shards);
    this.#letters.answerSyncs();
    this.#announce();
  }

  /** The store says that a shard is with this node, to which there is a link, and was asked at `askedMs`: what the node itself said since is newer. */
  found(shard: number, seat: number, askedMs: number): void {
    const saidMs = this.#peers.get(seat);
    if (saidMs === undefined || saidMs >= askedMs || this.placement.of(shard) !== 'nobody') return;
    this.#move([shard], seat);
    this.#letters.sendOn([shard]);
  }

  /** Gives back what has waited too long. To be called about every 250 ms. */
  tick(): void {
    this.#letters.tick();
  }

  // ---- inside ---------------------------------------------------------------------------------------------------------------

  /** It gave a letter back. Who has the actor is heard soon. */
  #isNotAt(seat: number, to: Address): void {
    const shard = shardOf(to);
    // Once it is asked what else comes back, what does is older than its word on what it has.
    if (this.placement.of(shard) === seat && !this.#letters.isSettling(shard)) this.#move([shard], 'nobody');
  }

  #owns(seat: number, shards: ReadonlySet<number>): void {
    this.#peers.set(seat, this.#ports.now());
    this.#move(
      this.placement.shardsOf(seat).filter((shard) => !shards.has(shard)),
      'nobody',
    );
    // What this node has it has by the store; who else thinks so was told by an older word.
    const theirs = [...shards].filter((shard) => !isOwn(this.placement.of(shard)));
    this.#move(theirs, seat);
    this.#letters.sendOn(theirs);
  }

  #move(shards: readonly number[], place: Place): void {
    const left = new Map<number, number>();
    for (const shard of shards) {
      const before = this.placement.set(shard, place);
      // While its actors stop they still speak.
      if (before !== place && before !== 'nobody' && place !== 'giving')
        left.set(shard, typeof before === 'number' ? before : this.#seat);
    }
    if (left.size === 0) return;
    this.#letters.left(left);
    this.#elsewhere.left(left);
  }

  /** True = it is another node's business, which is told where there is a link. */
  #sendTo(number: number, packet: Packet): boolean {
    const seat = seatOf(number);
    if (seat === this.#seat) return false;
    if (this.#peers.has(seat)) this.#ports.send(seat, packet);
    return true;
  }

  #announce(): void {
    for (const seat of this.#peers.keys()) this.#announceTo(seat);
  }

  #announceTo(seat: number): void {
    this.#ports.send(seat, { kind: 'owns', shards: this.placement.shardsOf('here') });
  }
}
