// The members of a room by number: an immutable table in two levels, so that a change copies one small chunk and not ten thousand members.
// Numbers are 1, 2, 3 … without holes; a number is never given twice.
import type { MemberStatus, Role } from '../../gen/record.ts';

/** Seqs that a member may read: both ends included; `through` 0 = up to the head. */
export interface Stay {
  readonly from: number;
  readonly through: number;
}

/** One member, as the chain says. */
export interface Member {
  readonly number: number;
  readonly role: Role;
  /** Never SUSPENDED, see `standing`. */
  readonly status: MemberStatus;
  /** Commitment to the person, 32 bytes. */
  readonly person: Uint8Array;
  /** Oldest first, at most `limits.staysMax`. */
  readonly stays: readonly Stay[];
  /** Who invited last; the own number where nobody did. */
  readonly invitedBy: number;
  /** Number of the control entry that last changed status, role or person. */
  readonly changed: number;
}

/** Members of one chunk; the last one may have fewer. */
export const chunkSize = 64;
/** Members that are kept, and written, together. */
export type Chunk = readonly Member[];

/** An immutable list of members; `put` makes a new one that shares all it can. */
export class MemberTable {
  static readonly empty = new MemberTable([], 0);
  readonly #chunks: readonly Chunk[];
  /** The highest number given. */
  readonly size: number;

  private constructor(chunks: readonly Chunk[], size: number) {
    this.#chunks = chunks;
    this.size = size;
  }

  /** The table of these chunks. Null where their numbers are not 1, 2, 3 … or a chunk but the last is not full. */
  static of(chunks: readonly Chunk[]): MemberTable | null {
    let size = 0;
    for (const chunk of chunks) {
      if (size % chunkSize !== 0 || chunk.length < 1 || chunk.length > chunkSize) return null;
      for (const { number } of chunk) if (number !== ++size) return null;
    }
    return new MemberTable(chunks, size);
  }

  /** Members 1 to 64, 65 to 128 and so on. */
  get chunks(): readonly Chunk[] {
    return this.#chunks;
  }

  /** Indexes of the chunks that are not shared with an earlier table. */
  changedSince(before: MemberTable): number[] {
    const changed: number[] = [];
    for (const [index, chunk] of this.#chunks.entries()) if (chunk !== before.#chunks[index]) changed.push(index);
    return changed;
  }

  /** The member with this number, if it was given. */
  get(number: number): Member | undefined {
    if (number < 1 || number > this.size) return undefined;
    return this.#chunks[Math.floor((number - 1) / chunkSize)]?.[(number - 1) % chunkSize];
  }

  /** A table with this member, which has a number of the table or the next one. Any other number throws a RangeError (a bug). */
  put(member: Member): MemberTable {
    const { number } = member;
    if (number < 1 || number > this.size + 1) throw new RangeError(`member number ${number} after ${this.size}`);
    const index = Math.floor((number - 1) / chunkSize);
    const chunk = [...(this.#chunks[index] ?? [])];
    chunk[(number - 1) % chunkSize] = member;
    const chunks = [...this.#chunks];
    chunks[index] = chunk;
    return new MemberTable(chunks, Math.max(this.size, number));
  }

  /** All members by ascending number. */
  *[Symbol.iterator](): Generator<Member> {
    for (const chunk of this.#chunks) yield* chunk;
  }
}
