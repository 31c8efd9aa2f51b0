// The states that a chain went through: by number, by hash, by place in the log. A chain that begins behind a CHECKPOINT, or went on behind one, was not told
// what is before it: of numbers and places there nothing is said, neither yes nor no.
import { MemberStatus } from '#proto/gen/record.ts';
import { toHex } from '#proto/rules/bytes/base.ts';
import { equalBytes } from '#proto/rules/bytes/bytes.ts';
import type { ControlState } from '#proto/rules/control/state.ts';

/** The state after an entry, and the seq of its event as whoever brought it said. States share what they can. */
interface Step {
  readonly seq: number;
  readonly state: ControlState;
}

/** The steps of one chain. */
export class ChainHistory {
  #steps: Step[] = [];
  #byNumber = new Map<number, Step>();
  #byHash = new Map<string, Step>();
  /** Places, both ends excluded, whose entries a CHECKPOINT stood in for. */
  #untold: { readonly after: number; readonly before: number }[] = [];
  #start = 1;

  /** Every entry from this number on is here. */
  get start(): number {
    return this.#start;
  }

  /** Seq of the newest entry; 0 = there is none. */
  get seq(): number {
    return this.#steps.at(-1)?.seq ?? 0;
  }

  /** The next entry. */
  add(seq: number, state: ControlState): void {
    const step = { seq, state };
    this.#steps.push(step);
    this.#byNumber.set(state.number, step);
    this.#byHash.set(toHex(state.hash), step);
  }

  /** A CHECKPOINT, without those between it and the newest. */
  skipTo(seq: number, state: ControlState): void {
    this.#untold.push({ after: this.seq, before: seq });
    this.#start = state.number;
    this.add(seq, state);
  }

  /** hash of the entry `number`, if it is here. */
  hashAt(number: number): Uint8Array | undefined {
    return this.#byNumber.get(number)?.state.hash;
  }

  /** Is it an entry that a CHECKPOINT stood in for? */
  isSkipped(number: number): boolean {
    return number > 0 && number < this.#start && !this.#byNumber.has(number);
  }

  /** Seq of the event with this entry; undefined = it is not here. */
  placeOf(hash: Uint8Array): number | undefined {
    return this.#byHash.get(toHex(hash))?.seq;
  }

  /** Is there an entry at this seq? */
  standsAt(seq: number): boolean {
    return this.#upTo(seq)?.seq === seq;
  }

  /** Does this seq lie where entries were not told? */
  isUntold(seq: number): boolean {
    return this.#untold.some(({ after, before }) => seq > after && seq < before);
  }

  /** The state that held when the record `seq` was taken by the hub; null before the first entry, and where it is not known. */
  stateAt(seq: number): ControlState | null {
    return this.isUntold(seq) ? null : (this.#upTo(seq)?.state ?? null);
  }

  /** Seq of the event with which this member joined last; 0 = never, or not known. */
  joinedAt(member: number): number {
    const at = this.#steps.findLastIndex(
      ({ state }, index) => isJoined(state, member) && !isJoined(this.#steps[index - 1]?.state, member),
    );
    const step = this.#steps[at];
    if (!step || this.#start === 1 || step.state.number !== this.#start) return step?.seq ?? 0;
    // It was before the CHECKPOINT: the stay began there, unless it was given from the first record on.
    const from = step.state.members.get(member)?.stays.at(-1)?.from ?? 0;
    return from > 1 ? from : 0;
  }

  /** Was this member joined, as the same person, after the entry `number` and after each one since? */
  joinedSince(member: number, number: number): boolean {
    const now = this.#steps.at(-1)?.state;
    const person = now?.members.get(member)?.person;
    if (!now || !person || number < this.#start || number > now.number) return false;
    return this.#steps.every(({ state }) => {
      if (state.number < number) return true;
      const then = state.members.get(member);
      return then !== undefined && isJoined(state, member) && equalBytes(then.person, person);
    });
  }

  /** Was this member joined after one of the entries that are here of before `start`? */
  wasInBefore(member: number): boolean {
    return this.#steps.some(({ state }) => state.number < this.#start && isJoined(state, member));
  }

  #upTo(seq: number): Step | undefined {
    return this.#steps.findLast((step) => step.seq <= seq);
  }
}

function isJoined(state: ControlState | undefined, member: number): boolean {
  return state?.members.get(member)?.status === MemberStatus.MEMBER_STATUS_JOINED;
}
