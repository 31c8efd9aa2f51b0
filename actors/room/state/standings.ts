// Whose user actor must still hear how it stands in this room. Told again until confirmed; the number of the control entry tells an old
// confirmation from a new one. Knows neither users nor messages.

/** Owed standings: control number by member. */
export class Standings {
  readonly #owed = new Map<number, number>();

  /** From a row. */
  load(owed: readonly { readonly member: number; readonly controlNumber: number }[]): void {
    for (const { member, controlNumber } of owed) this.owe(member, controlNumber);
  }

  /** How many are owed. */
  get size(): number {
    return this.#owed.size;
  }

  /** A control entry changed how a member stands. */
  owe(member: number, controlNumber: number): void {
    this.#owed.set(member, Math.max(controlNumber, this.#owed.get(member) ?? 0));
  }

  /** A user actor has kept it. True where that settles the debt; false for an old confirmation or none owed. */
  kept(member: number, controlNumber: number): boolean {
    const owed = this.#owed.get(member);
    if (owed === undefined || controlNumber < owed) return false;
    return this.#owed.delete(member);
  }

  /** Nobody is to hear of this member any more. False where nobody was. */
  drop(member: number): boolean {
    return this.#owed.delete(member);
  }

  /** Up to `count` members that are owed; those go to the back, so that everyone has a turn. */
  next(count: number): number[] {
    const turn = [...this.#owed].slice(0, count);
    for (const [member, controlNumber] of turn) {
      this.#owed.delete(member);
      this.#owed.set(member, controlNumber);
    }
    return turn.map(([member]) => member);
  }

  /** For a row. */
  toRow(): { member: number; controlNumber: number }[] {
    return [...this.#owed].map(([member, controlNumber]) => ({ member, controlNumber }));
  }
}
