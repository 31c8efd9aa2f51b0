// Which inbox entries wait for one device, by lane (one lane per sender, the empty one for the own provider), so that nobody can flood
// another's keys out. It knows only seqs; whether an entry concerns the device is decided by who adds it.
import type { WaitingLane } from '#proto/gen/account.ts';
import { limits } from '#proto/rules/limits.ts';
import { userLimits } from '../limits.ts';

/** The waiting entries of one device. */
export class Lanes {
  readonly #lanes = new Map<string, number[]>();
  #total = 0;

  /** From a row. */
  constructor(lanes: readonly WaitingLane[] = []) {
    for (const { lane, seqs } of lanes) {
      this.#lanes.set(lane, [...seqs]);
      this.#total += seqs.length;
    }
  }

  /** May one more entry of this lane wait? False at 256 of the lane; at 4,096 in all for those who have 16 there already, so that a few who fill
   *  their lanes shut nobody else out; and at 8,192 in all. */
  hasRoom(lane: string): boolean {
    const waiting = this.#lanes.get(lane)?.length ?? 0;
    if (waiting >= limits.laneEntriesMax || this.#total >= userLimits.waitingHardMax) return false;
    return this.#total < userLimits.waitingEntriesMax || waiting < userLimits.waitingQuietMax;
  }

  /** Counts an entry. False where the lane is full: then it is not counted (an own provider's notice is stored all the same). */
  add(lane: string, seq: number): boolean {
    if (!this.hasRoom(lane)) return false;
    const seqs = this.#lanes.get(lane);
    if (seqs === undefined) this.#lanes.set(lane, [seq]);
    else seqs.push(seq);
    this.#total++;
    return true;
  }

  /** Forgets entries with seq <= through; returns how many those were. */
  drop(through: number): number {
    let dropped = 0;
    for (const [lane, seqs] of this.#lanes) {
      const kept = seqs.filter((seq) => seq > through);
      dropped += seqs.length - kept.length;
      if (kept.length === 0) this.#lanes.delete(lane);
      else if (kept.length < seqs.length) this.#lanes.set(lane, kept);
    }
    this.#total -= dropped;
    return dropped;
  }

  /** Entries that wait, over all lanes. */
  get total(): number {
    return this.#total;
  }

  /** For a row: in order of lane, so that equal contents are equal bytes. */
  toRow(): WaitingLane[] {
    return [...this.#lanes].sort(([a], [b]) => (a < b ? -1 : 1)).map(([lane, seqs]) => ({ lane, seqs: [...seqs] }));
  }
}
