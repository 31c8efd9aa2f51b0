// Letters between actors of this node and those of others: which way one goes, which wait, which come back. Guarantees: a letter reaches its actor or
// comes back as a refusal, within `waitMs` at each end and the life of a link; what one sender asks one actor is met in the order of asking, or refused,
// also where the actor moves meanwhile. What nobody asked for (typing, marks) may be lost or overtaken while a shard moves.
import { Rejection } from '#proto/gen/codes.ts';
import { type Address, parseAddress } from '../kernel/address.ts';
import type { Refusal } from '../kernel/bounce.ts';
import { wakes } from '../kernel/message-kinds.ts';
import type { Message } from '../kernel/messages.ts';
import { shardOf } from '../log/shards.ts';
import { Asked, askerOf } from './asked.ts';
import type { Held } from './held.ts';
import { Owed } from './owed.ts';
import type { Letter, Packet } from './packets.ts';
import type { Placement } from './placement.ts';
import { seatOf } from './seats.ts';
import { GivingBack, Settling } from './settling.ts';

/** What letters ask of their node. */
export interface LetterPorts {
  /** To a node with a link; in order. */
  readonly send: (seat: number, packet: Packet) => void;
  /** Into the mailbox of an actor of this node. */
  readonly tell: (to: Address, message: Message, bytes: number) => void;
  /** As if the actor were full or lost: the sender gets the negative answer. */
  readonly refuse: (to: Address, message: Message, refusal: Refusal) => void;
  /** Looks for the summary of a room of this node, asleep or awake: answered by the effect `summarised`. */
  readonly summarise: (room: string, user: string, token: number) => void;
  /** Milliseconds, of a clock that never goes back. */
  readonly now: () => number;
}

/** Milliseconds until a refused request may be tried again. */
const retryAfterMs = 500;
const unavailable: Refusal = { code: Rejection.REJECTION_UNAVAILABLE, retryAfterMs };
const busy: Refusal = { code: Rejection.REJECTION_BUSY, retryAfterMs };

export class Letters {
  readonly #seat: number;
  readonly #placement: Placement;
  readonly #ports: LetterPorts;
  readonly #held: Held;
  readonly #settling = new Settling();
  readonly #givingBack = new GivingBack();
  /** By seat, of the nodes with a link. */
  readonly #asked = new Map<number, Asked>();
  readonly #owed = new Owed();

  constructor(seat: number, placement: Placement, ports: LetterPorts, held: Held) {
    this.#seat = seat;
    this.#placement = placement;
    this.#ports = ports;
    this.#held = held;
  }

  get counts(): { readonly held: number; readonly asked: number; readonly owed: number; readonly settling: number } {
    let asked = 0;
    for (const each of this.#asked.values()) asked += each.size;
    return {
      held: this.#held.size,
      asked,
      owed: this.#owed.size,
      settling: this.#settling.size + this.#givingBack.size,
    };
  }

  // ---- from the actors of this node -----------------------------------------------------------------------------------------

  /** Takes a letter whose actor is not here; false = it is, deliver it. `isOlder`: it goes before what waits here. */
  forward(letter: Letter, sinceMs = this.#ports.now(), isOlder = false): boolean {
    const { to } = letter;
    const { kind, id } = parseAddress(to);
    if (kind === 'session') {
      const seat = seatOf(Number(id));
      if (seat === this.#seat) return false;
      // A session of a node that is gone is gone.
      if (this.#asked.has(seat)) this.#ports.send(seat, { kind: 'tell', ...letter });
      return true;
    }
    const shard = shardOf(to);
    const place = this.#placement.of(shard);
    const asking = this.#owed.settle(letter);
    if (asking !== null) {
      // Whoever asked here and moved away since waits no more.
      if (asking === undefined) return place !== 'here';
      if (this.#asked.has(asking)) this.#ports.send(asking, { kind: 'tell', ...letter });
      return true;
    }
    const isSettling = this.#settling.has(shard);
    if (place === 'here' && !isSettling) return false;
    const home = this.#homeOf(letter);
    const isOthers = home !== this.#seat;
    if (place === 'here' && isOthers) return false;
    // Whether they stop for good is not known yet.
    if (place === 'giving') this.#hold(shard, letter, sinceMs, isOlder);
    // It waited here when the actor moved: only where it was asked is its answer known.
    else if (isOthers) this.#giveBack(home, letter);
    else if (typeof place !== 'number' || isSettling) this.#hold(shard, letter, sinceMs, isOlder);
    else {
      this.#asked.get(place)?.note(letter, sinceMs);
      this.#ports.send(place, { kind: 'tell', ...letter });
    }
    return true;
  }

  /** Gives back what has waited too long. */
  tick(): void {
    for (const { to, message } of this.#held.overdue(this.#ports.now())) this.#ports.refuse(to, message, unavailable);
  }

  // ---- from the links -------------------------------------------------------------------------------------------------------

  up(seat: number): void {
    this.#asked.set(seat, new Asked());
  }

  /** The link ended, and the node has no shard any more. */
  down(seat: number): void {
    const asked = this.#asked.get(seat);
    this.#asked.delete(seat);
    this.#givingBack.drop(seat);
    this.#owed.drop((waiter) => waiter.seat === seat);
    const settled = this.#settling.drop(seat);
    for (const { to, message } of asked?.drain() ?? []) this.#ports.refuse(to, message, unavailable);
    this.sendOn(settled);
  }

  /** False = an answer to nothing that was asked of that node. */
  isExpected(seat: number, packet: Packet): boolean {
    return this.#asked.get(seat)?.settle(packet) !== 'stray';
  }

  /** For an actor that should be here. */
  delivered(seat: number, { to, message, bytes }: Letter): void {
    const { kind, id } = parseAddress(to);
    const letter = { to, message, bytes };
    const shard = kind === 'session' ? null : shardOf(to);
    const place = shard === null ? 'here' : this.#placement.of(shard);
    if (shard !== null && wakes(message) && this.#givingBack.has(seat, shard)) return this.#giveBack(seat, letter);
    this.#owed.note(seat, letter);
    // An answer is for the actor that stops.
    if (place === 'here' || (place === 'giving' && !wakes(message))) {
      if (message.kind === 'summarise') this.#ports.summarise(id, message.user, message.token);
      else this.#ports.tell(to, message, bytes);
    } else if (place === 'giving' && shard !== null) this.#hold(shard, letter, this.#ports.now(), false);
    else this.#giveBack(seat, letter);
  }

  /** From a node that does not have its actor, as the placement knows by now. */
  returned(seat: number, letter: Letter): void {
    const shard = shardOf(letter.to);
    // It gives back whatever it gets until it is asked.
    if (!this.#settling.isAsked(shard, seat)) this.#ports.send(seat, { kind: 'sync', shard });
    const sinceMs = this.#asked.get(seat)?.takeBack(letter, this.#ports.now()) ?? null;
    if (sinceMs === null) return;
    if (this.#settling.has(shard)) this.#hold(shard, letter, sinceMs, true);
    // Later ones may have gone to the shard's new node already: actors that were dropped, not stopped, give back late.
    else this.#ports.refuse(letter.to, letter.message, unavailable);
  }

  /** Is it waited for what comes back from where this shard was? */
  isSettling(shard: number): boolean {
    return this.#settling.has(shard);
  }

  synced(seat: number, shard: number): void {
    if (this.#settling.end(shard, seat)) this.sendOn([shard]);
  }

  /** A node asks when it will have got back all it wrote to a shard. */
  asksToSync(seat: number, shard: number): void {
    this.#givingBack.asked(seat, shard);
    this.answerSyncs();
  }

  // ---- when shards move -----------------------------------------------------------------------------------------------------

  /** These have left a node: this one or another. */
  left(shards: ReadonlyMap<number, number>): void {
    const isAsker = (asker: Address) => !asker.startsWith('session/') && shards.has(shardOf(asker));
    for (const asked of this.#asked.values()) asked.forget(isAsker);
    // Where they are now they did not ask.
    this.#owed.drop(({ asker, seat }) => shards.get(shardOf(asker)) === seat);
    for (const [shard, seat] of shards) {
      if (!this.#asked.has(seat) || !this.#settling.begin(shard, seat)) continue;
      this.#ports.send(seat, { kind: 'sync', shard });
    }
  }

  /** What waited for these shards goes where they are. Their actors have stopped here where that is nowhere yet: what others asked goes back to them. */
  sendOn(shards: readonly number[]): void {
    for (const shard of shards) {
      if (this.#settling.has(shard)) continue;
      for (const { letter, sinceMs } of this.#held.take(shard)) {
        if (!this.forward(letter, sinceMs)) this.#ports.tell(letter.to, letter.message, letter.bytes);
      }
    }
  }

  /** To whom no letter goes back any more. */
  answerSyncs(): void {
    for (const { seat, shard } of this.#givingBack.take((each) => this.#placement.of(each) !== 'giving')) {
      this.#ports.send(seat, { kind: 'synced', shard });
    }
  }

  // ---- inside ---------------------------------------------------------------------------------------------------------------

  #hold(shard: number, letter: Letter, sinceMs: number, isOlder: boolean): void {
    // An answer to an actor that stops here finds nobody after it.
    if (!wakes(letter.message) && this.#placement.of(shard) === 'giving') return;
    if (!this.#held.keep(shard, letter, sinceMs, isOlder)) this.#ports.refuse(letter.to, letter.message, busy);
  }

  #giveBack(seat: number, letter: Letter): void {
    if (!wakes(letter.message) || !this.#asked.has(seat)) return;
    this.#owed.forget(letter);
    this.#givingBack.begin(seat, shardOf(letter.to));
    this.#ports.send(seat, { kind: 'returned', ...letter });
  }

  /** The node that asked; this one where nobody did. */
  #homeOf(letter: Letter): number {
    const asker = askerOf(letter.message);
    if (asker === null) return this.#seat;
    if ('number' in asker) return seatOf(asker.number);
    const { kind, id } = parseAddress(asker.address);
    return kind === 'session' ? seatOf(Number(id)) : (this.#owed.seatOf(letter) ?? this.#seat);
  }
}
