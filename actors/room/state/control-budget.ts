// How many control entries each member may still make: entries are kept for ever, or until a checkpoint, so that they must not come without end.
// A bucket a member, as the time at which it is full again: one number, and nothing for those whose bucket is full.
import { limits } from '#proto/rules/limits.ts';

/** The budgets of one room. */
export class ControlBudget {
  readonly #fullAtMs = new Map<number, number>();

  /** Milliseconds until this member may make one more; 0 = now. */
  waitMs(member: number, now: number): number {
    const { controlBurst, controlEveryMs } = limits;
    const fullAtMs = Math.max(now, this.#fullAtMs.get(member) ?? 0) + controlEveryMs;
    return Math.max(0, fullAtMs - now - controlBurst * controlEveryMs);
  }

  /** The member made one. */
  take(member: number, now: number): void {
    this.#fullAtMs.set(member, Math.max(now, this.#fullAtMs.get(member) ?? 0) + limits.controlEveryMs);
  }

  /** From a row. */
  load(spent: readonly { readonly member: number; readonly fullAtMs: number }[]): void {
    for (const { member, fullAtMs } of spent) this.#fullAtMs.set(member, fullAtMs);
  }

  /** For a row: those whose bucket is not full; the others are forgotten. */
  toRow(now: number): { member: number; fullAtMs: number }[] {
    for (const [member, fullAtMs] of this.#fullAtMs) if (fullAtMs <= now) this.#fullAtMs.delete(member);
    return [...this.#fullAtMs].map(([member, fullAtMs]) => ({ member, fullAtMs }));
  }
}
