// Whom the user blocks, and when they did before. The past stays known, so that what was written meanwhile is not shown later. What is kept follows from
// the entries alone. How many may be blocked is decided where someone is blocked.
import type { BlockRow } from '#proto/gen/account.ts';
import type { Block } from '#proto/gen/client.ts';
import { userLimits } from '../limits.ts';

/** The blocks of one user. */
export class Blocks {
  readonly #rows = new Map<string, BlockRow>();
  /** The 1:1 rooms with those who are blocked now. */
  readonly #hidden = new Set<string>();

  restore(user: string, row: BlockRow): void {
    this.#rows.set(user, row);
    if (isNow(row)) this.#hidden.add(row.room);
  }

  get(user: string): BlockRow | undefined {
    return this.#rows.get(user);
  }

  /** Users who are blocked now. */
  get count(): number {
    return this.#hidden.size;
  }

  isBlocked(user: string): boolean {
    return isNow(this.#rows.get(user));
  }

  /** Is it the 1:1 room with someone who is blocked? */
  hides(room: string): boolean {
    return this.#hidden.has(room);
  }

  /** The 1:1 rooms with those who are blocked. */
  hidden(): string[] {
    return [...this.#hidden].sort();
  }

  /** Begins or ends a block; returns the users whose rows changed. */
  set(user: string, { room, blocked }: { readonly room: string; readonly blocked: boolean }, atMs: number): string[] {
    const before = this.#rows.get(user);
    if (isNow(before) === blocked) return [];
    const spans = before?.spans ?? [];
    const next = blocked
      ? [...spans, { sinceMs: atMs, untilMs: 0 }]
      : spans.map((span) => (span.untilMs === 0 ? { ...span, untilMs: Math.max(atMs, span.sinceMs + 1) } : span));
    this.#rows.set(user, { room, spans: next.slice(-userLimits.blockSpansMax) });
    if (blocked) this.#hidden.add(room);
    else this.#hidden.delete(room);
    const forgotten = this.#forgotten();
    for (const each of forgotten) this.#rows.delete(each);
    return [user, ...forgotten];
  }

  /** Forgets all; returns the users whose rows go. */
  clear(): string[] {
    const users = [...this.#rows.keys()];
    this.#rows.clear();
    this.#hidden.clear();
    return users;
  }

  /** By user id, those after the given one. */
  list(after: string): Block[] {
    return [...this.#rows]
      .filter(([user]) => user > after)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([user, { spans }]) => ({ user, spans }));
  }

  // Those whose block ended longest ago, over the number of such.
  #forgotten(): string[] {
    const past = [...this.#rows].filter(([, row]) => !isNow(row));
    past.sort(([a, left], [b, right]) => endOf(left) - endOf(right) || (a < b ? -1 : 1));
    return past.slice(0, Math.max(0, past.length - userLimits.pastBlocksMax)).map(([user]) => user);
  }
}

function isNow(row: BlockRow | undefined): boolean {
  return row?.spans.at(-1)?.untilMs === 0;
}

function endOf(row: BlockRow): number {
  return row.spans.at(-1)?.untilMs ?? 0;
}
