// What is left to chance in a crowd, out of one seed: how long people pause, and how long clients wait before they try again. Everybody has numbers of
// their own, so that what one draws is the same whatever the others do.
import { generator } from '../../harness.ts';

export class Chance {
  readonly #seeds: () => number;

  constructor(seed: number) {
    this.#seeds = generator(seed);
  }

  /** Uniform numbers in [0, 1) for one more who draws: the same for the n-th who asks. */
  numbers(): () => number {
    return generator(Math.floor(this.#seeds() * 2 ** 32));
  }
}
