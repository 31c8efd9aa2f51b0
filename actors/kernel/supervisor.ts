// Counts the crashes of each address and says when it must rest. A crash is a bug: the actor's state is dropped and opens again from the store,
// but one that keeps crashing must not burn the node.
import type { Address } from './address.ts';
import type { KernelLimits } from './limits.ts';

interface Crashes {
  /** Times of the last crashes within the window, oldest first. */
  times: number[];
  /** Quarantined until then; 0 = not. */
  until: number;
}

/** Memory: one entry per address that crashed within the window or is quarantined. */
export class Supervisor {
  readonly #limits: Pick<KernelLimits, 'crashesMax' | 'crashWindowMs' | 'quarantineMs'>;
  readonly #crashes = new Map<Address, Crashes>();
  #nextSweep = 0;

  constructor(limits: Pick<KernelLimits, 'crashesMax' | 'crashWindowMs' | 'quarantineMs'>) {
    this.#limits = limits;
  }

  /** Addresses that are remembered. */
  get size(): number {
    return this.#crashes.size;
  }

  /** Notes a crash. Returns until when the address is quarantined, 0 = it may start again at once. */
  crashed(address: Address, now: number): number {
    const crashes = this.#crashes.get(address) ?? { times: [], until: 0 };
    this.#crashes.set(address, crashes);
    crashes.times = crashes.times.filter((time) => time > now - this.#limits.crashWindowMs);
    crashes.times.push(now);
    if (crashes.times.length < this.#limits.crashesMax) return 0;
    crashes.times = [];
    crashes.until = now + this.#limits.quarantineMs;
    return crashes.until;
  }

  /** Milliseconds until the address may start again; 0 = it may. */
  restMs(address: Address, now: number): number {
    if (this.#crashes.size === 0) return 0;
    const crashes = this.#crashes.get(address);
    return crashes === undefined ? 0 : Math.max(0, crashes.until - now);
  }

  /** Forgets what no longer matters; looks once a second at most. */
  sweep(now: number): void {
    if (this.#crashes.size === 0 || now < this.#nextSweep) return;
    this.#nextSweep = now + 1000;
    for (const [address, { times, until }] of this.#crashes) {
      const last = times.at(-1) ?? 0;
      if (until <= now && last <= now - this.#limits.crashWindowMs) this.#crashes.delete(address);
    }
  }
}
