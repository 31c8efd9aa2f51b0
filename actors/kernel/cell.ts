// What the kernel keeps for one live address: the actor, its mailbox, what it owes, and where it stands in the kernel's lists.
import type { Actor } from './actor.ts';
import { type ActorKind, type Address, parseAddress } from './address.ts';
import { Asks } from './asks.ts';
import type { MailboxLimits } from './limits.ts';
import { Mailbox } from './mailbox.ts';
import type { Message } from './messages.ts';
import type { Recent } from './recency.ts';

/** One live address. Sessions keep no asks: what they owe, they owe to a socket. */
export class Cell implements Recent {
  readonly address: Address;
  readonly kind: ActorKind;
  readonly id: string;
  readonly mailbox: Mailbox;
  readonly asks: Asks | null;
  /** null before its first message and between two incarnations. */
  actor: Actor<Message> | null = null;
  /** Number of the actor in memory, never used twice in a process; of the last one while `actor` is null. */
  incarnation = 0;
  /** Told to stop: it gets control messages only, its work waits for the next incarnation. */
  stopping = false;
  /** In the queue of those with something to do. */
  ready = false;
  nextReady: Cell | null = null;
  lastWorkMs = 0;
  older: this | null = null;
  newer: this | null = null;

  constructor(address: Address, limits: Readonly<Record<ActorKind, MailboxLimits>>) {
    const { kind, id } = parseAddress(address);
    this.address = address;
    this.kind = kind;
    this.id = id;
    this.mailbox = new Mailbox(limits[kind]);
    this.asks = kind === 'session' ? null : new Asks();
  }

  /** Something it may handle now is waiting. */
  get waiting(): boolean {
    return this.stopping ? this.mailbox.controlWaiting : !this.mailbox.empty;
  }
}

/** First in, first out, each cell at most once: fair turns. */
export class ReadyQueue {
  #first: Cell | null = null;
  #last: Cell | null = null;

  get empty(): boolean {
    return this.#first === null;
  }

  /** Adds a cell unless it is in already. */
  push(cell: Cell): void {
    if (cell.ready) return;
    cell.ready = true;
    if (this.#last === null) this.#first = cell;
    else this.#last.nextReady = cell;
    this.#last = cell;
  }

  /** Takes the next cell, null = none. */
  shift(): Cell | null {
    const cell = this.#first;
    if (cell === null) return null;
    this.#first = cell.nextReady;
    if (this.#first === null) this.#last = null;
    cell.nextReady = null;
    cell.ready = false;
    return cell;
  }
}
