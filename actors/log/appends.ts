// The row writes of one segment that are under way. Guarantees: what it calls complete is a prefix, whatever the order of the answers.
import type { Rule } from './rules.ts';

interface Pending {
  readonly id: number;
  readonly through: number;
  complete: boolean;
}

export class Appends {
  readonly #omit: Rule | undefined;
  #pending: Pending[] = [];

  constructor(omit: Rule | undefined) {
    this.#omit = omit;
  }

  get empty(): boolean {
    return this.#pending.length === 0;
  }

  /** A write of rows up to `through` was issued; those before it were issued earlier. */
  issued(id: number, through: number): void {
    this.#pending.push({ id, through, complete: false });
  }

  /** A write was answered: every row up to the returned seq is complete, 0 = none more. Rule 5: in the order of seqs. */
  completed(id: number): number {
    const index = this.#pending.findIndex((pending) => pending.id === id);
    const found = this.#pending[index];
    if (found === undefined) return 0;
    found.complete = true;
    if (this.#omit === 5) return this.#pending.splice(index, 1)[0]!.through;
    let through = 0;
    while (this.#pending[0]?.complete) through = this.#pending.shift()!.through;
    return through;
  }
}
