// Answers that actors of this node owe to actors of others, and to which node: an answer goes back where it was asked from, whatever this node believes
// of where its asker is by now. An actor that has moved since waits there no more.
import { askerOf, keyOfAnswer, keyOfAsk } from './asked.ts';
import type { Letter } from './packets.ts';

export class Owed {
  readonly #seats = new Map<string, number>();

  get size(): number {
    return this.#seats.size;
  }

  /** A node asks for one of its actors; whatever wants no answer, or wants it for a session, is ignored. */
  note(seat: number, letter: Letter): void {
    const key = this.#keyOf(letter);
    if (key !== null) this.#seats.set(key, seat);
  }

  /** The node that asked this; undefined = an actor of this one, or a session. */
  seatOf(letter: Letter): number | undefined {
    const key = this.#keyOf(letter);
    return key === null ? undefined : this.#seats.get(key);
  }

  /** It is given back unanswered. */
  forget(letter: Letter): void {
    const key = this.#keyOf(letter);
    if (key !== null) this.#seats.delete(key);
  }

  /** Takes out the node to which this answer goes; undefined = no other node asked, null = it is no answer. */
  settle(answer: Letter): number | undefined | null {
    const key = keyOfAnswer({ kind: 'tell', ...answer });
    if (key === null) return null;
    const seat = this.#seats.get(key);
    this.#seats.delete(key);
    return seat;
  }

  /** The link to a node ended: nobody there waits any more. */
  drop(seat: number): void {
    for (const [key, of] of this.#seats) if (of === seat) this.#seats.delete(key);
  }

  #keyOf({ to, message }: Letter): string | null {
    const asker = askerOf(message);
    const isActor = asker !== null && 'address' in asker && !asker.address.startsWith('session/');
    return isActor ? keyOfAsk(to, message) : null;
  }
}
