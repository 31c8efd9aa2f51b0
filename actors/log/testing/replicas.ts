// Three replicas and quorums of two, as the log meets them on a distributed store: a plain write lands on each replica at its own time or never, a
// plain read asks two of them one after the other, and what one read saw the next may miss. Only conditional changes are linearizable, and even
// those may be unheard of, or land after their sender gave up. Everything that can happen is an action, and the schedule picks the next.
import type { Generation } from '../../ports/log-store.ts';
import { coveredKey, decodeCovered } from '../covered.ts';
import { isSettled, noSegment } from '../due.ts';
import { MemoryStore } from '../memory-store.ts';
import { shardOf } from '../shards.ts';
import type { Random } from './random.ts';

interface Action {
  /** Runs only while this holds; landing on a replica needs nobody. */
  readonly alive: () => boolean;
  readonly run: () => void;
}

/** How long a row lives. */
export const lifeMs = 8 * 3_600_000;
/** Time passes in steps of so much. A segment is due after half a life. */
const passMs = lifeMs / 8;
const timeoutChance = 0.12;
/** That a write never lands on a certain replica. */
const lossChance = 0.1;
/** How often what is late lets something else go first. */
const lateTurnsMax = 20;
const always = () => true;

export class Replicas {
  /** Linearizable: metas and shard owners. */
  readonly registers: MemoryStore;
  /** Milliseconds, of every clock. */
  now = 1_000 * lifeMs;
  readonly #stores: readonly MemoryStore[];
  readonly #random: Random;
  #actions: Action[] = [];
  /** No more time-outs, and what was under way either lands first or never does. */
  #calm = false;

  constructor(random: Random) {
    this.#random = random;
    const now = () => this.now;
    this.registers = new MemoryStore(now);
    this.#stores = [new MemoryStore(now), new MemoryStore(now), new MemoryStore(now)];
  }

  createGeneration(node: string): Generation {
    for (const store of this.#stores) store.createGeneration(node);
    return this.registers.createGeneration(node);
  }

  /** Something that happens some time, if its process is still there then. */
  later(alive: () => boolean, run: () => void): void {
    this.#actions.push({ alive, run });
  }

  /** Time passes, though not over what is due; false = something is. Only while nothing is under way: no request takes hours. */
  pass(log: string): boolean {
    if (this.#stores.some((store) => this.#isDue(log, store))) return false;
    this.now += passMs;
    return true;
  }

  /** Something is due by what this replica knows, and not every reader would see that it is done. */
  #isDue(log: string, store: MemoryStore): boolean {
    const meta = this.registers.readMeta(log);
    return store.readDue(shardOf(log), this.now, 99).some((due) => {
      if (due.segment === noSegment) return false;
      const settled = this.#stores.filter((each) =>
        isSettled(due, meta, decodeCovered(each.readState(log, [coveredKey])[0])),
      );
      return settled.length < 2;
    });
  }

  /** Lets one thing happen. False = nothing is left. */
  step(): boolean {
    const index = this.#random.below(this.#actions.length);
    const action = this.#actions[index];
    if (action === undefined) return false;
    const last = this.#actions.pop()!;
    if (last !== action) this.#actions[index] = last;
    if (action.alive()) action.run();
    return true;
  }

  /** Every process has stopped: what they left under way lands now, or never. */
  settle(lands: boolean): void {
    this.#calm = true;
    while (lands && this.step());
    this.#actions = [];
  }

  /** `answer` is called once, with false after a time-out. */
  write(alive: () => boolean, apply: (store: MemoryStore) => void, answer: (done: boolean) => void): void {
    let landed = 0;
    const reached = this.#stores.filter(() => this.#calm || !this.#random.chance(lossChance));
    const once = this.#once(alive, answer, reached.length < 2);
    for (const store of reached) {
      this.later(always, () => {
        apply(store);
        landed++;
        if (landed === 2) this.later(alive, () => once(true));
      });
    }
  }

  read<T>(alive: () => boolean, query: (store: MemoryStore) => T, answer: (answers: [T, T] | null) => void): void {
    const left = this.#random.below(3);
    const first = this.#stores[left]!;
    const second = this.#stores[(left + 1 + this.#random.below(2)) % 3]!;
    const once = this.#once(alive, (done) => (done ? undefined : answer(null)));
    this.later(alive, () => {
      const one = query(first);
      this.later(alive, () => {
        const both: [T, T] = [one, query(second)];
        if (once(true)) answer(both);
      });
    });
  }

  /** A conditional change: null = unknown, and then it happens now, later or never. */
  change(alive: () => boolean, apply: () => boolean, answer: (applied: boolean | null) => void): void {
    const timesOut = !this.#calm && this.#random.chance(timeoutChance);
    if (!timesOut) {
      this.later(alive, () => {
        const applied = apply();
        this.later(alive, () => answer(applied));
      });
      return;
    }
    this.#late(() => void apply());
    this.later(alive, () => answer(null));
  }

  /** Lands some time, half of the time long after its sender gave up. */
  #late(run: () => void): void {
    const wait = (turns: number): void =>
      this.later(always, () => (turns === 0 || this.#calm ? run() : wait(turns - 1)));
    wait(this.#random.chance(0.5) ? this.#random.below(lateTurnsMax) : 0);
  }

  #once(alive: () => boolean, answer: (done: boolean) => void, surelyLate = false): (done: boolean) => boolean {
    let answered = false;
    const once = (done: boolean): boolean => {
      if (answered) return false;
      answered = true;
      answer(done);
      return true;
    };
    const timesOut = surelyLate || (!this.#calm && this.#random.chance(timeoutChance));
    if (timesOut) this.later(alive, () => void once(false));
    return once;
  }
}
