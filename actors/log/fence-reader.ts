// The fence reads of one generation, shared by all its logs. Guarantees: a waiter is answered only by a read that started after it began to
// wait (rule 4); one read at a time answers everyone who waited when it started. Does not read itself: its driver does, between `start` and
// `finish`.
import type { Fence } from '../ports/log-store.ts';
import type { Rule } from './rules.ts';

export class FenceReader<Waiter> {
  readonly #omit: Rule | undefined;
  #waiting: Waiter[] = [];
  #reading: Waiter[] | null = null;

  constructor(omit?: Rule) {
    this.#omit = omit;
  }

  /** The waiter is answered by the next read that starts. */
  wait(waiter: Waiter): void {
    // Left out, a read that is under way counts: it may have looked before the row was complete.
    if (this.#omit === 4 && this.#reading !== null) this.#reading.push(waiter);
    else this.#waiting.push(waiter);
  }

  /** Someone waits and no read is under way: start one. */
  get due(): boolean {
    return this.#reading === null && this.#waiting.length > 0;
  }

  /** A read starts now. */
  start(): void {
    if (this.#reading !== null) throw new Error('a fence read is under way');
    this.#reading = this.#waiting;
    this.#waiting = [];
  }

  /** The read that was started said this: for whom. `unknown`: nobody is answered, all wait for the next one. */
  finish(answer: Fence | 'unknown'): Waiter[] {
    const read = this.#reading ?? [];
    this.#reading = null;
    if (answer !== 'unknown') return read;
    this.#waiting = read.concat(this.#waiting);
    return [];
  }

  /** Everyone who waits, to be told that no answer comes. */
  abandon(): Waiter[] {
    const all = (this.#reading ?? []).concat(this.#waiting);
    this.#reading = null;
    this.#waiting = [];
    return all;
  }
}
