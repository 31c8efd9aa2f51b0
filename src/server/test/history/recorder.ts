// Writes a history down while it happens. It keeps what it is given and copies nothing: lists that many receivers share stay shared. It is bounded, and
// a full one throws, because a history that lacks events proves nothing.
import { closeSync, openSync, writeSync } from 'node:fs';
import type { History, HistoryEvent, Seen } from './events.ts';

export interface RecorderOptions {
  /** Events, default 1,000,000 (some 150 MB); the next one is a RangeError. */
  readonly eventsMax?: number;
  /** Milliseconds that never go back. Default: those of this process. */
  readonly clock?: () => number;
}

export class Recorder {
  readonly #events: Seen[] = [];
  readonly #eventsMax: number;
  readonly #clock: () => number;
  readonly #began: number;
  #connections = 0;
  #over = false;
  #awaited: { readonly from: number; readonly resolve: () => void }[] = [];

  constructor({ eventsMax = 1_000_000, clock = () => performance.now() }: RecorderOptions = {}) {
    this.#eventsMax = eventsMax;
    this.#clock = clock;
    this.#began = clock();
  }

  /** What was noted so far; grows with what is noted next. */
  get history(): History {
    return this.#events;
  }

  /** The history is whole: what happens afterwards, such as the end of all connections, is not part of it. */
  end(): void {
    this.#over = true;
    this.#tell(Number.POSITIVE_INFINITY);
  }

  /** Resolves when so many more events were noted, or the history is whole. */
  after(events: number): Promise<void> {
    if (this.#over) return Promise.resolve();
    return new Promise((resolve) => this.#awaited.push({ from: this.#events.length + events, resolve }));
  }

  /** Something happened just now. Throws RangeError when full. */
  note(event: HistoryEvent): void {
    if (this.#over) return;
    if (this.#events.length >= this.#eventsMax) throw new RangeError(`a history of ${this.#eventsMax} events is full`);
    // The event is made by the caller for this one purpose: it is given its time in place, for there are many.
    this.#events.push(Object.assign(event, { at: this.#clock() - this.#began }));
    if (this.#awaited.length > 0) this.#tell(this.#events.length);
  }

  /** A device has a connection to a node; its number. */
  opened(device: string, node: string): number {
    this.#connections += 1;
    this.note({ kind: 'opened', device, connection: this.#connections, node });
    return this.#connections;
  }

  /** A fault begins or ends now. */
  mark(name: string): void {
    this.note({ kind: 'mark', name });
  }

  #tell(events: number): void {
    const over = this.#awaited.filter(({ from }) => from <= events);
    if (over.length === 0) return;
    this.#awaited = this.#awaited.filter(({ from }) => from > events);
    for (const { resolve } of over) resolve();
  }
}

/** Writes a history as JSON lines, one an event, for a report or to be checked again. */
export function writeHistory(history: History, path: string): void {
  const file = openSync(path, 'w');
  try {
    for (let at = 0; at < history.length; at += linesAtOnce) {
      const lines = history.slice(at, at + linesAtOnce).map((event) => `${JSON.stringify(event)}\n`);
      writeSync(file, lines.join(''));
    }
  } finally {
    closeSync(file);
  }
}

const linesAtOnce = 5_000;

/** The history in such lines. */
export function readHistory(lines: string): History {
  return lines
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Seen);
}
