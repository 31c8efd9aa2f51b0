// Devices whose tokens ended and that their user's account may still name. The user's log may fail at any moment, and the order with it: so it is told
// again, after 1 s and then twice as long each time, up to a minute, until the user actor says that the device is in the account no more. What is owed
// lives in memory: a process that dies forgets it, and the device, which can't log in, is removed by whoever lists devices.

/** How an order is told again. */
export const revocationLimits = {
  /** Until it is told the second time, milliseconds; doubles with each further time. */
  retryMs: 1_000,
  /** Between two times at most, milliseconds. */
  retryMaxMs: 60_000,
  /** Orders remembered at once, about 300 bytes each. Over it: told once and not remembered. */
  owedMax: 100_000,
};

/** Tells user actors that a device is to leave the account, until each confirms. */
export class Revocations {
  readonly #tell: (user: string, device: number) => void;
  readonly #limits: typeof revocationLimits;
  readonly #owed = new Map<string, NodeJS.Timeout>();
  #ended = false;

  constructor(tell: (user: string, device: number) => void, limits: Partial<typeof revocationLimits> = {}) {
    this.#tell = tell;
    this.#limits = { ...revocationLimits, ...limits };
  }

  /** Orders that nobody has confirmed yet. */
  get size(): number {
    return this.#owed.size;
  }

  /** Tells it now, and again until it is confirmed. */
  owe(user: string, device: number): void {
    const key = keyOf(user, device);
    if (!this.#ended && !this.#owed.has(key) && this.#owed.size < this.#limits.owedMax)
      this.#later(key, this.#limits.retryMs, () => this.#tell(user, device));
    this.#tell(user, device);
  }

  /** The account does not name the device, and that is durable. */
  confirmed(user: string, device: number): void {
    const key = keyOf(user, device);
    clearTimeout(this.#owed.get(key));
    this.#owed.delete(key);
  }

  /** Tells no more: the node drains, and an order would only wake what is to sleep. */
  end(): void {
    this.#ended = true;
    for (const timer of this.#owed.values()) clearTimeout(timer);
    this.#owed.clear();
  }

  #later(key: string, delayMs: number, tell: () => void): void {
    const timer = setTimeout(() => {
      this.#later(key, Math.min(delayMs * 2, this.#limits.retryMaxMs), tell);
      tell();
    }, delayMs);
    timer.unref();
    this.#owed.set(key, timer);
  }
}

function keyOf(user: string, device: number): string {
  return `${user}/${device}`;
}
