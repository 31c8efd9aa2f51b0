// Chance out of a seed: the only source of randomness in the simulator. The same seed gives the same numbers for ever, on every machine.
// Not for anything secret.

/** A generator of 32-bit words (sfc32), seeded by one number. */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number) {
    this.#a = seed | 0;
    this.#b = Math.floor(seed / 2 ** 32) | 0;
    this.#c = 0x9e3779b9;
    for (let round = 0; round < 12; round++) this.#word();
  }

  /** A generator of its own, so that what one part draws changes nothing for the others. */
  fork(): Random {
    return new Random(this.#word() * 2 ** 21 + (this.#word() >>> 11));
  }

  /** 0 <= number < 1. */
  fraction(): number {
    return this.#word() / 2 ** 32;
  }

  /** A whole number from `from` to `through`, both included. */
  between(from: number, through: number): number {
    return from + Math.floor(this.fraction() * (through - from + 1));
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  /** One of them; throws where there is none (a bug of the caller). */
  pick<T>(items: readonly T[]): T {
    const item = items[Math.floor(this.fraction() * items.length)];
    if (item === undefined) throw new Error('nothing to pick from');
    return item;
  }

  /** A whole number around `mean`, often shorter, sometimes much longer; at most `most`. */
  delay(mean: number, most: number): number {
    return Math.round(Math.min(most, -mean * Math.log(1 - this.fraction())));
  }

  #word(): number {
    const word = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + word;
    return word >>> 0;
  }
}
