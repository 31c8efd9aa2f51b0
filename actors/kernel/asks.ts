// What one actor was asked and has not answered yet, so that a crash can answer for it; and the numbers under which actors ask each other.
// Guarantees: every ask that is opened is closed by its answer or comes out of `drain`. It keeps no order among answers.
import { type Address, sessionAddress } from './address.ts';
import type { Effect } from './effects.ts';
import type { Message } from './messages.ts';

/**
 * Numbers for asks (`token`), distinct between the incarnations of an actor: a late answer to an earlier incarnation matches nothing.
 * 2^23 asks an incarnation, 2^30 incarnations a process.
 */
export class Tokens {
  #next: number;

  constructor(incarnation: number) {
    this.#next = incarnation * 2 ** 23;
  }

  next(): number {
    return this.#next++;
  }
}

interface Ask {
  readonly message: Message;
  /** Who waits for the answer (a session's number or an address), and under which number. */
  readonly asker: number | Address | string;
  readonly number: number;
}

/** A hello has no number of its own; a session says it once. */
const helloNumber = -1;

/** The open asks of one actor. Most are answered in order, so the first and the last are looked at first. */
export class Asks {
  #asks: (Ask | null)[] = [];
  #head = 0;
  #open = 0;

  /** Asks without an answer. */
  get open(): number {
    return this.#open;
  }

  /** Notes a message that wants an answer; any other is ignored. */
  note(message: Message): void {
    switch (message.kind) {
      case 'request':
      case 'submit':
      case 'fetch':
      case 'putReceipt':
      case 'readRoom':
        this.#add({ message, asker: message.from.session, number: message.from.request });
        break;
      case 'subscribe':
      case 'deposit':
      case 'claim':
      case 'readKeys':
      case 'authorise':
        this.#add({ message, asker: message.replyTo, number: message.token });
        break;
      case 'summarise':
        this.#add({ message, asker: message.user, number: message.token });
        break;
      case 'hello':
        this.#add({ message, asker: sessionAddress(message.session), number: helloNumber });
        break;
    }
  }

  /** Closes the ask that this effect answers, if it answers one. */
  settle(effect: Effect): void {
    if (this.#open === 0) return;
    switch (effect.kind) {
      case 'answer':
        this.#close(effect.session, effect.request);
        break;
      case 'summarised':
        this.#close(effect.user, effect.token);
        break;
      case 'disconnect':
        this.#close(sessionAddress(effect.session), helloNumber);
        break;
      case 'send':
        switch (effect.message.kind) {
          case 'subscribedPart':
          case 'deposited':
          case 'claimed':
          case 'keysRead':
          case 'authorised':
            this.#close(effect.to, effect.message.token);
            break;
          case 'welcomed':
            this.#close(effect.to, helloNumber);
            break;
        }
    }
  }

  /** Takes all open asks out, in the order they came. */
  drain(): Message[] {
    const open = this.#asks.slice(this.#head).flatMap((ask) => (ask === null ? [] : [ask.message]));
    this.#asks = [];
    this.#head = 0;
    this.#open = 0;
    return open;
  }

  #add(ask: Ask): void {
    this.#asks.push(ask);
    this.#open++;
  }

  #close(asker: Ask['asker'], number: number): void {
    const asks = this.#asks;
    if (matches(asks[this.#head], asker, number)) {
      asks[this.#head] = null;
    } else {
      let at = asks.length - 1;
      while (at > this.#head && !matches(asks[at], asker, number)) at--;
      if (at <= this.#head) return;
      asks[at] = null;
    }
    this.#open--;
    this.#trim();
  }

  /** Takes closed asks off both ends, and out of the middle once they outnumber the open ones. */
  #trim(): void {
    const asks = this.#asks;
    if (this.#open === 0) {
      asks.length = 0;
      this.#head = 0;
      return;
    }
    while (asks[this.#head] === null) this.#head++;
    while (asks[asks.length - 1] === null) asks.pop();
    if (asks.length > 2 * this.#open + 32) {
      this.#asks = asks.filter((ask, at) => at >= this.#head && ask !== null);
      this.#head = 0;
    }
  }
}

function matches(ask: Ask | null | undefined, asker: Ask['asker'], number: number): boolean {
  return ask != null && ask.number === number && ask.asker === asker;
}
