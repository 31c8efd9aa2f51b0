// Work of a bot by name, such as a room to look at or a newcomer to invite: a few at once, each name never twice at once, and again with growing pauses where
// the server or the network did not let it. Nothing is kept here: after a crash the bot finds what is left to do in its store.
import { ClientError } from '#client/errors.ts';

/** How it is done. */
export interface WorkOptions {
  readonly run: (name: string) => Promise<void>;
  /** What failed for another reason than the network or the server's "not now". It is tried again as well. */
  readonly failed: (error: unknown) => void;
  /** How many at once; default 8. */
  readonly atOnce?: number;
  /** Milliseconds until the first repeat; doubles each time, up to the longest. Default 1,000 and 60,000. */
  readonly firstMs?: number;
  readonly longestMs?: number;
}

const passing: ReadonlySet<ClientError['code']> = new Set([
  ...(['OFFLINE', 'TIMEOUT', 'DISCONNECTED', 'UNKNOWN', 'NOT_CONFIRMED'] as const),
]);
/** Rejections from here on are not for another time (proto/codes.proto). */
const forGood = 40;

/** The queue. */
export class Work {
  readonly #options: WorkOptions;
  readonly #waiting = new Set<string>();
  readonly #running = new Set<string>();
  readonly #tries = new Map<string, number>();
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>();
  #closed = false;

  constructor(options: WorkOptions) {
    this.#options = options;
  }

  /** To be done now; once more where it is being done already. */
  add(name: string): void {
    if (this.#closed) return;
    this.#waiting.add(name);
    this.#pump();
  }

  /** Takes nothing more up. */
  close(): void {
    this.#closed = true;
    this.#waiting.clear();
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  #pump(): void {
    const { atOnce = 8 } = this.#options;
    for (const name of this.#waiting) {
      if (this.#running.size >= atOnce) return;
      if (this.#running.has(name)) continue;
      this.#waiting.delete(name);
      clearTimeout(this.#timers.get(name));
      this.#timers.delete(name);
      this.#running.add(name);
      void this.#do(name);
    }
  }

  async #do(name: string): Promise<void> {
    try {
      await this.#options.run(name);
      this.#tries.delete(name);
    } catch (error) {
      if (!passes(error)) this.#options.failed(error);
      this.#later(name, error instanceof ClientError ? error.retryAfterMs : 0);
    }
    this.#running.delete(name);
    this.#pump();
  }

  #later(name: string, atLeastMs: number): void {
    if (this.#closed) return;
    const { firstMs = 1_000, longestMs = 60_000 } = this.#options;
    const tries = this.#tries.get(name) ?? 0;
    this.#tries.set(name, tries + 1);
    const ms = Math.max(atLeastMs, Math.min(longestMs, firstMs * 2 ** Math.min(tries, 20)));
    this.#timers.set(
      name,
      setTimeout(() => this.add(name), ms),
    );
  }
}

/** It was the network, or the server said that it is not now. */
function passes(error: unknown): boolean {
  if (!(error instanceof ClientError)) return false;
  return error.code === 'REJECTED' ? (error.rejection ?? forGood) < forGood : passing.has(error.code);
}
