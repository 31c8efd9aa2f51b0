// What a store must supply for state rows: a cache of each log that outlives its rows, opaque values under short keys, without TTL.
// Errors prove nothing, as in log-store.ts.

/** When a state row was set: by the owner of this segment, after this event, as the how many-th change without an event of its own. */
export interface StateStamp {
  readonly segment: number;
  readonly seq: number;
  readonly sub: number;
}

/** A state row as it is stored. */
export interface StoredState extends StateStamp {
  /** At most 128 ASCII characters. */
  readonly key: string;
  readonly value: Uint8Array;
}

/** Bytes of keys and values in the changes for one log that a store takes at once. Actors save before they have more; a store may refuse what is. */
export const changeBytesMax = 15 * 1024 * 1024;

/** Changes for one log, all or none; a null value deletes. */
export interface StateWrite {
  readonly log: string;
  readonly rows: readonly (StateStamp & { readonly key: string; readonly value: Uint8Array | null })[];
}

export interface StateStore {
  /** All state rows of a log, or those of the given keys, in any order. */
  readState(log: string, keys?: readonly string[]): Promise<readonly StoredState[]>;
  /**
   * For each row the greater stamp wins (segment, then seq, then sub; equal = the later write may or may not win) and an older write changes
   * nothing, also against a deleted row. Durable once answered. Logs are independent of each other in one call.
   */
  writeState(writes: readonly StateWrite[]): Promise<void>;
}

/** True if `a` was set before `b`. */
export function isOlder(a: StateStamp, b: StateStamp): boolean {
  if (a.segment !== b.segment) return a.segment < b.segment;
  if (a.seq !== b.seq) return a.seq < b.seq;
  return a.sub < b.sub;
}
