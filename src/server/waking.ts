// When a sweep may wake an actor again. A log that keeps failing is still there at every sweep, and opening it is what fails: so it is woken a minute
// later, then after twice as long each time, up to an hour, until it makes something durable. Without jitter: sweeps are minutes apart anyway.

/** The waits. */
export const wakingLimits = {
  /** From the first wake to the second, milliseconds; doubles with each further one. */
  retryMs: 60_000,
  /** Between two wakes at most, milliseconds. */
  retryMaxMs: 3_600_000,
};

interface Woken {
  /** No earlier than this again. */
  readonly nextMs: number;
  readonly waitMs: number;
  /** The sweep that last asked for it. */
  sweep: number;
}

/** Logs that were woken and have done nothing since; about 150 bytes each, and no more of them than a sweep leaves. */
export class Waking {
  readonly #limits: typeof wakingLimits;
  readonly #woken = new Map<string, Woken>();
  #sweep = 0;

  constructor(limits: Partial<typeof wakingLimits> = {}) {
    this.#limits = { ...wakingLimits, ...limits };
  }

  /** Logs that are waited for. */
  get size(): number {
    return this.#woken.size;
  }

  /** A sweep asks: may this log be woken now? If so, the next wait begins. */
  mayWake(log: string, now: number): boolean {
    const { retryMs, retryMaxMs } = this.#limits;
    const before = this.#woken.get(log);
    if (before !== undefined && now < before.nextMs) {
      before.sweep = this.#sweep;
      return false;
    }
    const waitMs = before === undefined ? retryMs : Math.min(before.waitMs * 2, retryMaxMs);
    this.#woken.set(log, { nextMs: now + waitMs, waitMs, sweep: this.#sweep });
    return true;
  }

  /** This log made something durable, or was closed: it is well. */
  worked(log: string): void {
    if (this.#woken.size > 0) this.#woken.delete(log);
  }

  /** A sweep is over: what it did not ask for has settled. */
  swept(): void {
    for (const [log, { sweep }] of this.#woken) if (sweep !== this.#sweep) this.#woken.delete(log);
    this.#sweep++;
  }
}
