// Answers that actors of this node owe to actors of others, and to which node: an answer goes back where it was asked from, whatever this node believes
// of where its asker is by now. An actor that has moved since waits there no more.
import type { Address } from '../kernel/address.ts';
import { askerOf, keyOfAnswer, keyOfAsk } from './asked.ts';
import type { Letter } from './packets.ts';

/** Who waits, and at which node. */
interface Waiter {
  readonly asker: Address;
  readonly seat: number;
}

export class Owed {
  readonly #waiters = new Map<string, Waiter>();

  get size(): number {
    return this.#waiters.size;
  }

  /** A node asks for one of its actors; whatever wants no answer, or wants it for a session, is ignored. */
  note(seat: number, letter: Letter): void {
    const asker = askerOf(letter.message);
    if (asker === null || !('address' in asker) || asker.address.startsWith('session/')) return;
    const key = keyOfAsk(letter.to, letter.message);
    if (key !== null) this.#waiters.set(key, { asker: asker.address, seat });
  }

  /** The node that asked this; undefined = an actor of this one, or a session. */
  seatOf({ to, message }: Letter): number | undefined {
    return this.#waiters.get(keyOfAsk(to, message) ?? '')?.seat;
  }

  /** It is given back unanswered. */
  forget({ to, message }: Letter): void {
    this.#waiters.delete(keyOfAsk(to, message) ?? '');
  }

  /** Takes out the node to which this answer goes; undefined = no other node asked, null = it is no answer. */
  settle({ to, message }: Letter): number | undefined | null {
    const key = keyOfAnswer(to, message);
    if (key === null) return null;
    const waiter = this.#waiters.get(key);
    this.#waiters.delete(key);
    return waiter?.seat;
  }

  /** These wait no more: they moved away from there, or the link ended. */
  drop(isGone: (waiter: Waiter) => boolean): void {
    for (const [key, waiter] of this.#waiters) if (isGone(waiter)) this.#waiters.delete(key);
  }
}
