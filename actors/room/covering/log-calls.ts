// Calls to the log that are under way: each goes out as a command with a token, and what is to happen with its answer waits here.
// An answer to a call that is not known is a bug and throws. If the actor goes, so do its calls; the kernel answers whoever waited.
import type { Effect } from '#actors/kernel/effects.ts';
import type { LogAnswer, LogCommand, LogRow, StateChange } from '../../log/messages.ts';

type Rows = LogAnswer & { kind: 'rows' };
/** What to do with an answer. */
export type Then<T> = (answer: T, now: number) => readonly Effect[];
type ReadRange = Omit<LogCommand & { kind: 'read' }, 'kind' | 'token'>;

/** The open calls of one room. */
export class LogCalls {
  readonly #open = new Map<number, Then<LogAnswer>>();
  #token = 0;

  /** How many are under way. */
  get size(): number {
    return this.#open.size;
  }

  /** Reads covered rows. */
  read(range: ReadRange, then: Then<Rows>): Effect {
    const token = this.#add('rows', (answer, now) => then(answer as Rows, now));
    return { kind: 'log', command: { kind: 'read', token, ...range } };
  }

  /** Saves state rows; `then` once they are durable. */
  save(changes: readonly StateChange[], then: (now: number) => readonly Effect[]): Effect {
    const token = this.#add('saved', (_, now) => then(now));
    return { kind: 'log', command: { kind: 'save', token, changes } };
  }

  /** Puts other bytes in the place of rows; `then` once that is durable. */
  rewrite(rows: readonly LogRow[], then: (now: number) => readonly Effect[]): Effect {
    const token = this.#add('rewritten', (_, now) => then(now));
    return { kind: 'log', command: { kind: 'rewrite', token, rows } };
  }

  /** The log answered. */
  settle(answer: LogAnswer & { readonly token: number }, now: number): readonly Effect[] {
    const then = this.#open.get(answer.token);
    if (then === undefined) throw new Error('an answer of the log that nobody asked for');
    this.#open.delete(answer.token);
    return then(answer, now);
  }

  #add(kind: LogAnswer['kind'], then: Then<LogAnswer>): number {
    this.#token++;
    this.#open.set(this.#token, (answer, now) => {
      if (answer.kind !== kind) throw new Error(`the log answered ${answer.kind} where ${kind} was due`);
      return then(answer, now);
    });
    return this.#token;
  }
}
