// Decides which user and room actors leave memory: those without work for a while, and above `activeMax` the least recently used. Memory is only a
// cache of the store, so this may be wrong about the future at no cost but a reopening. Sessions are not its business: they end with their socket.
import type { ActorKind } from './address.ts';
import type { Cell } from './cell.ts';
import type { KernelLimits } from './limits.ts';
import { Recency } from './recency.ts';

type Limits = Pick<KernelLimits, 'idleMs' | 'activeMax' | 'sweepMs' | 'sweepMax'>;

/** `passivate` tells a cell to stop (`cell.stopping`) or takes it out of memory; false = it is not idle. */
export class Passivation {
  readonly #limits: Limits;
  readonly #passivate: (cell: Cell, now: number) => boolean;
  readonly #users = new Recency<Cell>();
  readonly #rooms = new Recency<Cell>();
  #size = 0;
  #stopping = 0;
  /** No look before that time, so that looks which find little do not follow each other at once. */
  #notBefore = 0;

  constructor(limits: Limits, passivate: (cell: Cell, now: number) => boolean) {
    this.#limits = limits;
    this.#passivate = passivate;
  }

  /** Cells it knows, those that are stopping included. */
  get size(): number {
    return this.#size;
  }

  /** When it wants to look again, milliseconds since the epoch; Infinity = never, nobody is there. */
  nextDue(): number {
    const room = this.#rooms.oldest;
    const user = this.#users.oldest;
    let due = Number.POSITIVE_INFINITY;
    if (room !== null) due = room.lastWorkMs + this.#limits.idleMs.room;
    if (user !== null) due = Math.min(due, user.lastWorkMs + this.#limits.idleMs.user);
    if (this.#excess > 0 && due < Number.POSITIVE_INFINITY) due = 0;
    return Math.max(due, this.#notBefore);
  }

  /** A new cell, user or room. */
  add(cell: Cell, now: number): void {
    this.#size++;
    this.#list(cell.kind).touch(cell, now);
  }

  /** The cell had work. */
  worked(cell: Cell, now: number): void {
    this.#list(cell.kind).touch(cell, now);
  }

  /** The cell's actor is gone, but work that waits keeps the cell. */
  restarts(cell: Cell, now: number): void {
    this.#stopped(cell);
    this.#list(cell.kind).touch(cell, now);
  }

  /** The cell is gone. */
  remove(cell: Cell): void {
    this.#stopped(cell);
    this.#list(cell.kind).remove(cell);
    this.#size--;
  }

  /** Passivates what is due at `now`, at most `sweepMax` cells. */
  sweep(now: number): void {
    if (now < this.nextDue()) return;
    let left = this.#limits.sweepMax;
    for (const kind of ['room', 'user'] as const) {
      const idleMs = this.#limits.idleMs[kind];
      for (let cell = this.#list(kind).oldest; cell !== null && left > 0; cell = this.#list(kind).oldest) {
        if (cell.lastWorkMs + idleMs > now) break;
        this.#ask(cell, now);
        left--;
      }
    }
    for (let cell = this.#oldest(); cell !== null && left > 0 && this.#excess > 0; cell = this.#oldest()) {
      // Asked in this look, or at work in this very millisecond: so is everyone else.
      if (cell.lastWorkMs >= now) break;
      this.#ask(cell, now);
      left--;
    }
    this.#notBefore = now + this.#limits.sweepMs;
  }

  /** Passivates every idle cell, however recent its work. */
  all(now: number): void {
    for (const list of [this.#rooms, this.#users]) {
      for (let cell = list.oldest; cell !== null; ) {
        const newer: Cell | null = cell.newer;
        if (this.#passivate(cell, now)) this.#leaves(cell);
        cell = newer;
      }
    }
  }

  /** Passivates this one, if it is idle. */
  one(cell: Cell, now: number): void {
    if (this.#passivate(cell, now)) this.#leaves(cell);
  }

  get #excess(): number {
    return this.#size - this.#stopping - this.#limits.activeMax;
  }

  #ask(cell: Cell, now: number): void {
    // One that is not idle gets another period: it will not be asked again at each look.
    if (this.#passivate(cell, now)) this.#leaves(cell);
    else this.#list(cell.kind).touch(cell, now);
  }

  #leaves(cell: Cell): void {
    this.#list(cell.kind).remove(cell);
    if (cell.stopping) this.#stopping++;
  }

  #stopped(cell: Cell): void {
    if (!cell.stopping) return;
    cell.stopping = false;
    this.#stopping--;
  }

  #oldest(): Cell | null {
    const room = this.#rooms.oldest;
    const user = this.#users.oldest;
    if (room === null || user === null) return room ?? user;
    return room.lastWorkMs <= user.lastWorkMs ? room : user;
  }

  #list(kind: ActorKind): Recency<Cell> {
    return kind === 'room' ? this.#rooms : this.#users;
  }
}
