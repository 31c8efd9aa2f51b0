// The store as a node sees it: far away, slow, and not always to be believed. Every request takes its time there and back; some never happen, some
// happen without an answer, some happen long after their asker gave up or died. Beneath lies the memory store, which does what the ports promise.
import { reservedPrefix } from '#actors/log/covered.ts';
import { MemoryStore } from '#actors/log/memory-store.ts';
import type { RowRange, RowWrite, StoredRow } from '#actors/ports/log-store.ts';
import type { StoredState } from '#actors/ports/state-store.ts';
import type { Faults } from './faults.ts';
import type { Random } from './random.ts';
import type { Schedule } from './schedule.ts';

/** Who asks. What a dead process has under way may still happen. */
export interface Asker {
  readonly dead: boolean;
}

/** Whose request it is, and about which log, where it is about one. */
export interface Subject {
  readonly asker: Asker;
  readonly log?: string;
}

/** What becomes of a request at the store. */
interface Fate<T> {
  readonly happens: () => T;
  readonly lost: () => void;
}

/** Milliseconds after which nothing more is heard. */
const patienceMs = 400;
/** How late a request may still happen, milliseconds. */
const latenessMsMax = 6_000;

export class SimStore {
  /** The truth, for checks. */
  readonly memory: MemoryStore;
  faults: Faults;
  readonly readsAreDurable: boolean;
  readonly #schedule: Schedule;
  readonly #random: Random;
  /** Row writes that are not, or not yet, where every read must see them. */
  readonly #torn = new Set<RowWrite>();
  readonly #readers = new Set<(log: string) => void>();
  /** Logs that can't be reached, and until when. */
  readonly #outages = new Map<string, number>();

  constructor(schedule: Schedule, random: Random, faults: Faults) {
    this.memory = new MemoryStore(() => schedule.now);
    this.faults = faults;
    this.readsAreDurable = faults.readsAreDurable;
    this.#schedule = schedule;
    this.#random = random;
  }

  /** Nothing about this log is reached for so long: its replicas are down. */
  outage(log: string, ms: number): void {
    this.#outages.set(log, this.#schedule.now + ms);
  }

  /** Calls when some log's state is about to be read, until it is told to stop. */
  watch(hear: (log: string) => void): () => void {
    this.#readers.add(hear);
    return () => void this.#readers.delete(hear);
  }

  /** Whether it can't be reached for a second time in a row. */
  staysAway(): boolean {
    return this.#random.chance(0.5);
  }

  /** Nothing is out of reach any more. */
  recover(): void {
    this.#outages.clear();
  }

  /** Does something on the store; `answered` with null = nothing was heard. */
  ask<T>(
    subject: Subject,
    work: (memory: MemoryStore) => T,
    answered: (answer: { readonly value: T } | null) => void,
  ): void {
    this.#carry(subject, { happens: () => ({ value: work(this.memory) }), lost: () => {} }, answered);
  }

  writeRows(asker: Asker, write: RowWrite, answered: (answer: { readonly value: true } | null) => void): void {
    if (!this.readsAreDurable) this.#torn.add(write);
    const happens = () => {
      this.#torn.delete(write);
      this.memory.writeRows([write]);
      return { value: true } as const;
    };
    // A write of several rows that fails may have left some of them.
    const lost = () => {
      const rows = write.rows.filter(() => this.#random.chance(0.3));
      if (rows.length > 0) this.memory.writeRows([{ ...write, rows }]);
    };
    this.#carry({ asker, log: write.log }, { happens, lost }, answered);
  }

  readRows(
    asker: Asker,
    range: RowRange & { readonly log: string; readonly segment: number },
    answered: (answer: { readonly value: readonly StoredRow[] } | null) => void,
  ): void {
    const { log, segment } = range;
    const read = () => {
      const rows = this.memory.readRows(log, segment, range);
      const seen = this.#seenTorn(log, segment, range, rows);
      return seen.length === 0 ? rows : cut([...rows, ...seen], range);
    };
    this.ask({ asker, log }, read, answered);
  }

  /**
   * In pages, where a store reads so, each at its own time: what is written meanwhile may be seen in a later one and not in those before. Rows that were
   * written together are seen together within a page; what the log wrote by itself is a page of its own.
   */
  readState(
    asker: Asker,
    log: string,
    answered: (answer: { readonly value: readonly StoredState[] } | null) => void,
    before: readonly StoredState[] = [],
  ): void {
    const last = before.at(-1)?.key ?? '';
    if (last === '') for (const hear of this.#readers) hear(log);
    let isLast = this.readsAreDurable;
    const page = (memory: MemoryStore) => {
      const rows = memory.readState(log).sort((a, b) => (a.key < b.key ? -1 : 1));
      if (isLast) return rows;
      const left = rows.filter(({ key }) => key > last);
      const own = left.filter(({ key }) => key < reservedPrefix).slice(0, this.faults.statePageRows);
      isLast = own.length === 0;
      return isLast ? left : own;
    };
    this.ask({ asker, log }, page, (answer) => {
      const all = answer && [...before, ...answer.value];
      if (all === null || isLast) answered(all && { value: all });
      else this.readState(asker, log, answered, all);
    });
  }

  #seenTorn(log: string, segment: number, { from, through }: RowRange, rows: readonly StoredRow[]): StoredRow[] {
    const seen: StoredRow[] = [];
    for (const write of this.#torn) {
      if (write.log !== log || write.segment !== segment || !this.#random.chance(0.5)) continue;
      for (const row of write.rows) {
        const known = rows.some(({ seq }) => seq === row.seq) || seen.some(({ seq }) => seq === row.seq);
        if (!known && row.seq >= from && row.seq <= through) seen.push(row);
      }
    }
    return seen;
  }

  #carry<T>({ asker, log = '' }: Subject, request: Fate<T>, answered: (answer: T | null) => void): void {
    const { storeDelayMs, storeLost, storeSilent, storeLate } = this.faults;
    const there = this.#random.delay(storeDelayMs, patienceMs / 2);
    const back = this.#random.delay(storeDelayMs, patienceMs / 2);
    const fate = this.#random.fraction();
    const giveUp = () => this.#schedule.after(patienceMs, () => answered(null));
    if (fate < storeLost || (this.#outages.get(log) ?? 0) > this.#schedule.now) {
      this.#schedule.after(there, request.lost);
      giveUp();
    } else if (fate < storeLost + storeSilent) {
      this.#schedule.after(there, request.happens);
      giveUp();
    } else if (fate < storeLost + storeSilent + storeLate) {
      this.#schedule.after(patienceMs + this.#random.delay(latenessMsMax / 3, latenessMsMax), request.happens);
      giveUp();
    } else {
      this.#schedule.after(there, () =>
        this.#arrive(asker, request, (answer) => this.#schedule.after(back, () => answered(answer))),
      );
    }
  }

  /** What a process had under way when it died happens, happens late, or does not happen. */
  #arrive<T>(asker: Asker, request: Fate<T>, happened: (answer: T) => void): void {
    if (!asker.dead) happened(request.happens());
    else if (this.#random.chance(0.3)) request.happens();
    else if (this.#random.chance(0.5)) {
      this.#schedule.after(this.#random.delay(latenessMsMax / 3, latenessMsMax), request.happens);
    } else request.lost();
  }
}

/** The rows that a read of this range gives out of all that it could. */
function cut(rows: readonly StoredRow[], { limit, bytesMax, backwards }: RowRange): StoredRow[] {
  const wanted = [...rows].sort((a, b) => (backwards ? b.seq - a.seq : a.seq - b.seq));
  const found: StoredRow[] = [];
  let bytes = 0;
  for (const row of wanted) {
    bytes += row.bytes.length;
    if (found.length === limit || (found.length > 0 && bytes > bytesMax)) break;
    found.push(row);
  }
  return backwards ? found.reverse() : found;
}
