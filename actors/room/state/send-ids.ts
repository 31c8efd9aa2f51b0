// Which send ids a device has used in this room: the last 128, each with where it went. Decides whether a submit is new, a repeat, or must be
// refused. Ids of one device only grow. Knows nothing of coverage: a repeat names its seq, and whoever asks waits until that is covered.
import { equalBytes } from '#proto/rules/bytes/bytes.ts';
import { limits } from '#proto/rules/limits.ts';

/** One id that was given a place. */
export interface UsedId {
  readonly sendId: number;
  readonly seq: number;
  /** First 16 bytes of the SHA-256 of the header that used it. */
  readonly headerHash: Uint8Array;
}

/** What a submit's id says. `repeat`: the very same header went to `seq`; `reused`: another header did; `old`: too old to tell. */
export type IdVerdict =
  | { readonly kind: 'fresh' }
  | { readonly kind: 'repeat'; readonly seq: number }
  | { readonly kind: 'reused' }
  | { readonly kind: 'old' };

const fresh: IdVerdict = { kind: 'fresh' };
const reused: IdVerdict = { kind: 'reused' };
const old: IdVerdict = { kind: 'old' };

/** The window of one device. Ids and seqs both ascend. */
export class SendIds {
  #used: UsedId[];

  /** `used` as `through` gave it, oldest first. */
  constructor(used: readonly UsedId[] = []) {
    this.#used = used.slice(-limits.sendIdsKept);
  }

  /** The newest id, 0 = none yet. */
  get last(): number {
    return this.#used.at(-1)?.sendId ?? 0;
  }

  /** Where the newest id went, 0 = none yet. */
  get lastSeq(): number {
    return this.#used.at(-1)?.seq ?? 0;
  }

  /** Judges an id, with the hash of the header that brings it. */
  judge(sendId: number, headerHash: Uint8Array): IdVerdict {
    if (sendId > this.last) return fresh;
    const found = this.#find(sendId);
    if (found === undefined) return old;
    return equalBytes(found.headerHash, headerHash) ? { kind: 'repeat', seq: found.seq } : reused;
  }

  /** Notes a fresh id. An id or seq that does not grow throws (a bug). */
  note(used: UsedId): void {
    const last = this.#used.at(-1);
    if (last !== undefined && (used.sendId <= last.sendId || used.seq <= last.seq)) {
      throw new Error('send ids and seqs of a device must grow');
    }
    this.#used.push(used);
    // Trimmed in strides: shifting an array of 128 for every message would cost more than the few entries it saves.
    if (this.#used.length >= 2 * limits.sendIdsKept) this.#used = this.#used.slice(-limits.sendIdsKept);
  }

  /** The kept ids whose seq is at most `seq`, oldest first, at most 128: what may be written into the state. */
  through(seq: number): UsedId[] {
    return this.#used.filter((used) => used.seq <= seq).slice(-limits.sendIdsKept);
  }

  #find(sendId: number): UsedId | undefined {
    const first = Math.max(0, this.#used.length - limits.sendIdsKept);
    let low = first;
    let high = this.#used.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#used[middle] as UsedId).sendId < sendId) low = middle + 1;
      else high = middle;
    }
    const found = this.#used[low];
    return found?.sendId === sendId ? found : undefined;
  }
}
