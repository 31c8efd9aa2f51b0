// Timers of all actors in one heap. It knows no clock: `due(now)` hands out what has come due, so real and virtual time work alike.
// Guarantees: one timer per owner and name (starting it again replaces it); fired in order of time, then of starting; never early.
import type { Address } from './address.ts';

/** A timer that has come due. */
export interface FiredTimer {
  readonly owner: Address;
  readonly name: string;
}

interface Timer extends FiredTimer {
  readonly dueMs: number;
  /** Order of starting: makes equal times fire in a defined order. */
  readonly order: number;
  /** Position in the heap. */
  at: number;
}

/** All timers of a system: O(log n) to start, cancel and fire. */
export class Timers {
  readonly #heap: Timer[] = [];
  readonly #owners = new Map<Address, Map<string, Timer>>();
  #order = 0;

  /** Timers running. */
  get size(): number {
    return this.#heap.length;
  }

  /** When the next one is due, milliseconds since the epoch; Infinity = none runs. */
  nextDue(): number {
    return this.#heap[0]?.dueMs ?? Number.POSITIVE_INFINITY;
  }

  /** Starts or replaces. A time in the past fires at the next `due`. */
  start(owner: Address, name: string, dueMs: number): void {
    this.cancel(owner, name);
    const timer: Timer = { owner, name, dueMs, order: this.#order++, at: this.#heap.length };
    this.#heap.push(timer);
    this.#rise(timer);
    let names = this.#owners.get(owner);
    if (names === undefined) {
      names = new Map();
      this.#owners.set(owner, names);
    }
    names.set(name, timer);
  }

  /** Cancels; nothing happens if there is none. */
  cancel(owner: Address, name: string): void {
    const names = this.#owners.get(owner);
    const timer = names?.get(name);
    if (names === undefined || timer === undefined) return;
    names.delete(name);
    if (names.size === 0) this.#owners.delete(owner);
    this.#remove(timer);
  }

  /** Cancels all of an owner. */
  cancelAll(owner: Address): void {
    const names = this.#owners.get(owner);
    if (names === undefined) return;
    this.#owners.delete(owner);
    for (const timer of names.values()) this.#remove(timer);
  }

  /** Takes out what is due at `now`, at most `max`, in order. */
  due(now: number, max = Number.POSITIVE_INFINITY): FiredTimer[] {
    const fired: FiredTimer[] = [];
    while (fired.length < max) {
      const first = this.#heap[0];
      if (first === undefined || first.dueMs > now) break;
      this.cancel(first.owner, first.name);
      fired.push(first);
    }
    return fired;
  }

  #remove(timer: Timer): void {
    const last = this.#heap.pop() as Timer;
    if (last === timer) return;
    last.at = timer.at;
    this.#heap[last.at] = last;
    this.#rise(last);
    this.#sink(last);
  }

  #rise(timer: Timer): void {
    while (timer.at > 0) {
      const parent = this.#heap[(timer.at - 1) >> 1] as Timer;
      if (!isBefore(timer, parent)) return;
      this.#swap(timer, parent);
    }
  }

  #sink(timer: Timer): void {
    for (;;) {
      const left = this.#heap[2 * timer.at + 1];
      const right = this.#heap[2 * timer.at + 2];
      const child = left !== undefined && right !== undefined && isBefore(right, left) ? right : left;
      if (child === undefined || !isBefore(child, timer)) return;
      this.#swap(child, timer);
    }
  }

  #swap(one: Timer, other: Timer): void {
    const { at } = one;
    one.at = other.at;
    other.at = at;
    this.#heap[one.at] = one;
    this.#heap[other.at] = other;
  }
}

function isBefore(one: Timer, other: Timer): boolean {
  return one.dueMs < other.dueMs || (one.dueMs === other.dueMs && one.order < other.order);
}
