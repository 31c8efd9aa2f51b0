// What this node's actors have asked actors of one other node and have no answer to. Guarantees: every ask is settled by its answer or comes out of
// `drain` when the link ends, so that nobody waits for ever; an answer to nothing that was asked is known as such.
import { type Address, parseAddress } from '../kernel/address.ts';
import type { Message } from '../kernel/messages.ts';
import type { Letter, Packet } from './packets.ts';

export class Asked {
  readonly #asks = new Map<string, { readonly letter: Letter; readonly sinceMs: number }>();

  /** Asks without an answer. */
  get size(): number {
    return this.#asks.size;
  }

  /** Notes a letter that wants an answer, and since when it does; any other is ignored. */
  note(letter: Letter, sinceMs: number): void {
    const key = keyOfAsk(letter.to, letter.message);
    if (key !== null) this.#asks.set(key, { letter, sinceMs });
  }

  /** Closes the ask that this packet answers. `stray`: it answers something that was not asked, or not any more. */
  settle(packet: Packet): 'settled' | 'stray' | 'no answer' {
    const key = keyOfPacket(packet);
    if (key === null) return 'no answer';
    return this.#asks.delete(key) ? 'settled' : 'stray';
  }

  /** It came back: nothing of it happened. Since when it wants an answer, `nowMs` for what wants none; null = it was not asked, or not any more. */
  takeBack({ to, message }: Letter, nowMs: number): number | null {
    const key = keyOfAsk(to, message);
    if (key === null) return nowMs;
    const asked = this.#asks.get(key);
    this.#asks.delete(key);
    return asked?.sinceMs ?? null;
  }

  /** These askers have moved away: nobody waits here any more. */
  forget(isTheirs: (asker: Address) => boolean): void {
    for (const [key, { letter }] of this.#asks) {
      const asker = askerOf(letter.message);
      if (asker !== null && 'address' in asker && isTheirs(asker.address)) this.#asks.delete(key);
    }
  }

  /** Takes all open asks out, in the order they were asked. */
  drain(): Letter[] {
    const letters = [...this.#asks.values()].map(({ letter }) => letter);
    this.#asks.clear();
    return letters;
  }
}

/** Who waits for the answer to a message: a session, an actor's address, or the number of a list that is gathered. Null = nobody. */
export function askerOf(message: Message): { readonly number: number } | { readonly address: Address } | null {
  switch (message.kind) {
    case 'request':
    case 'submit':
    case 'fetch':
    case 'putReceipt':
    case 'readRoom':
      return { number: message.from.session };
    case 'hello':
      return { number: message.session };
    case 'summarise':
      return message.token === 0 ? null : { number: message.token };
    case 'subscribe':
    case 'deposit':
    case 'claim':
    case 'readKeys':
    case 'authorise':
      return { address: message.replyTo };
    default:
      return null;
  }
}

/** Names a question and its answer alike; null = it is none. */
export function keyOfAsk(to: Address, message: Message): string | null {
  switch (message.kind) {
    case 'request':
    case 'submit':
    case 'fetch':
    case 'putReceipt':
    case 'readRoom':
      return requestKey(message.from.session, message.from.request);
    // One of these asks many actors under one number.
    case 'subscribe':
    case 'deposit':
    case 'claim':
    case 'readKeys':
      return `${message.replyTo} ${message.token} ${parseAddress(to).id}`;
    case 'authorise':
      return `${message.replyTo} ${message.token}`;
    case 'summarise':
      // 0: it only wakes the room.
      return message.token === 0 ? null : summaryKey(message.token, parseAddress(to).id);
    case 'hello':
      return helloKey(message.session);
    default:
      return null;
  }
}

function keyOfPacket(packet: Packet): string | null {
  if (packet.kind === 'summarised') return summaryKey(packet.token, packet.room);
  if (packet.kind === 'disconnect') return helloKey(packet.session);
  return packet.kind === 'tell' ? keyOfAnswer(packet.to, packet.message) : null;
}

/** The same of an answer. */
export function keyOfAnswer(to: Address, message: Message): string | null {
  switch (message.kind) {
    case 'answer':
      return requestKey(Number(parseAddress(to).id), message.request);
    case 'subscribedPart':
      return `${to} ${message.token} ${message.room}`;
    case 'deposited':
    case 'claimed':
    case 'keysRead':
      return `${to} ${message.token} ${message.user}`;
    case 'authorised':
      return `${to} ${message.token}`;
    case 'welcomed':
      return helloKey(Number(parseAddress(to).id));
    default:
      return null;
  }
}

function requestKey(session: number, request: number): string {
  return `${session}/${request}`;
}

function helloKey(session: number): string {
  return `${session}/hello`;
}

function summaryKey(token: number, room: string): string {
  return `summary ${token} ${room}`;
}
