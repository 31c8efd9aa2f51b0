// One device in one room: what it may read, what it was given, and how far it has shown.
import type { LogIndex } from '../final-log.ts';
import type { Wrong } from '../violations.ts';

/** More missing seqs are not named. */
const namedMax = 10;
const nobodyHad = () => false;

interface Stretch {
  readonly from: number;
  readonly through: number;
  readonly had: (seq: number) => boolean;
}

/** What it may read, and how much of it it must have had. */
interface Range {
  readonly from: number;
  through: number;
  owed: number;
}

export class Seat {
  readonly device: string;
  readonly room: string;
  readonly given = new Set<number>();
  readonly #log: LogIndex | undefined;
  readonly #wrong: Wrong;
  /** What it may read, both ends included, ascending. */
  readonly #ranges: Range[] = [];
  /** All that it may read up to here is shown. */
  #shown = 0;

  constructor(device: string, room: string, { log, wrong }: { log: LogIndex | undefined; wrong: Wrong }) {
    this.device = device;
    this.room = room;
    this.#log = log;
    this.#wrong = wrong;
  }

  mayReadFrom(seq: number): void {
    this.#ranges.push({ from: seq, through: Number.POSITIVE_INFINITY, owed: Number.POSITIVE_INFINITY });
  }

  /** It left. Nobody owes it what came between `owed` and its going. */
  mayReadThrough({ through, owed }: { readonly through: number; readonly owed: number }): void {
    const last = this.#ranges.at(-1);
    if (last !== undefined) Object.assign(last, { through, owed });
  }

  /** The newest seq at or below this one that it may read; 0 = none. */
  readableThrough(seq: number): number {
    const range = this.#ranges.findLast(({ from }) => from <= seq);
    return range === undefined ? 0 : Math.min(seq, range.through);
  }

  /** Seqs of a stretch that it may read and that are not `had`. */
  missing(from: number, through: number, had: (seq: number) => boolean): number[] {
    return this.#missing({ from, through, had }, (range) => range.through);
  }

  #missing({ from, through, had }: Stretch, endOf: (range: Range) => number): number[] {
    const missing: number[] = [];
    const floor = this.#log?.floor ?? 1;
    for (const range of this.#ranges) {
      const end = Math.min(through, endOf(range));
      for (let seq = Math.max(from, range.from, floor); seq <= end && missing.length < namedMax; seq++)
        if (!had(seq)) missing.push(seq);
    }
    return missing;
  }

  shows({ from, through }: { readonly from: number; readonly through: number }): void {
    if (!this.#ranges.some((range) => range.from <= from && through <= range.through)) {
      this.#say('shown-unreadable', `shows ${from} to ${through}`);
      return;
    }
    const jumped = this.#owed(from - 1);
    if (jumped.length > 0) this.#say('shown-hole', `shows ${from} without ${jumped.join(' ')}`);
    if (from <= this.#shown) this.#say('shown-twice', `shows ${from} to ${through} after ${this.#shown}`);
    const undelivered = this.missing(from, through, (seq) => this.given.has(seq));
    if (undelivered.length > 0) this.#say('shown-undelivered', `shows ${undelivered.join(' ')}`);
    this.#shown = Math.max(this.#shown, through);
  }

  /** Everything is over: it has all. */
  end(): void {
    const head = this.#log?.head ?? 0;
    const missing = this.#owed(head);
    if (missing.length > 0) this.#say('device-behind', `shows up to ${this.#shown} of ${head}`);
  }

  /** Whatever was on its way while it came or went: all that it was given it may read. */
  endGiven(): void {
    const mayRead = (seq: number) => this.#ranges.some(({ from, through }) => from <= seq && seq <= through);
    const wrong = [...this.given].filter((seq) => !mayRead(seq)).slice(0, namedMax);
    if (wrong.length > 0) this.#say('given-unreadable', `was given ${wrong.join(' ')}`);
  }

  /** What it must have shown up to here, and has not. */
  #owed(through: number): number[] {
    return this.#missing({ from: this.#shown + 1, through, had: nobodyHad }, ({ owed }) => owed);
  }

  #say(code: Parameters<Wrong>[0]['code'], what: string): void {
    this.#wrong({ code, where: this.room, what: `${this.device} ${what}` });
  }
}
