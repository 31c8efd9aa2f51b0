// The local store: what a device keeps between runs. One small port; memory, IndexedDB (browsers) and lmdb (Node) stand behind it and run
// the suite of `store.contract.ts`. Values are sealed by `sealed-store.ts` before they reach a disk; keys hold ids and numbers only.

import { ClientError } from '../errors.ts';

/** The tables. Keys are ASCII, at most 1,024 characters; numbers in keys are 14 hexadecimal digits (see `orderedNumber`), so that byte order is number order. */
export const localTables = [
  /** `self`, `tokens`, `cursor`, `manifest`, `step up` … one value each; `began <room> <session>` -> the control entry under which this device began it, while it is in the room;
   * `alarm <code> <room> <user>` -> when it was raised first; `device <number>` -> the name of an own device that was there once. */
  'account',
  /** Room id -> what is known of the room. */
  'rooms',
  /** `<room> <seq>` -> record and what it decrypted to. */
  'records',
  /** `<room> <message id> <seq>` -> edit, reaction or deletion of that message; `<room> slot.<name> <seq>` -> event that set that slot. */
  'annotations',
  /** `<room> <message id>` -> seq of the record, whatever its kind. */
  'ids',
  /** `<room> <number>` -> control entry with its seq. */
  'control',
  /** `<position>` -> a message waiting to go out, in order. */
  'outbox',
  /** User id -> fingerprint, manifest, profile. */
  'people',
  /** `<session> <index>` -> the event that used it: a second event is a replay. */
  'replay',
  /** `<room> <session>` -> who made it, as was proven here or where it was backed up; nothing inside: out of a key file. */
  'origins',
  /** `<room> <seq>` -> cause, session and author's `member.device`: can't be decrypted yet. */
  'undecrypted',
  /** `<room> <seq of the event that emptied it> <seq>` -> came emptied; the event is still to be looked at. */
  'emptied',
] as const;

/** One of the tables. */
export type LocalTable = (typeof localTables)[number];

/** A change; `value` undefined deletes. */
export interface LocalChange {
  readonly table: LocalTable;
  readonly key: string;
  readonly value: Uint8Array | undefined;
}

/** Which rows to list: `from` <= key < `to`, at most `limit` (default 1,000), in key order or backwards. */
export interface LocalRange {
  readonly from: string;
  readonly to: string;
  readonly limit?: number;
  readonly backwards?: boolean;
}

/** A row. */
export interface LocalRow {
  readonly key: string;
  readonly value: Uint8Array;
}

/** The port. Every method rejects with ClientError STORE when the store is damaged, locked or closed. */
export interface LocalStore {
  /** The value, or undefined. Sees every write that was started before. */
  get(table: LocalTable, key: string): Promise<Uint8Array | undefined>;
  /** Rows of a range. */
  list(table: LocalTable, range: LocalRange): Promise<LocalRow[]>;
  /** All changes or none, durable when the promise resolves. Writes take effect in the order they were started. */
  write(changes: readonly LocalChange[]): Promise<void>;
  /** Waits for writes under way. Later calls reject. */
  close(): Promise<void>;
}

/** This store, which closes something else after itself. */
export function closingAlso(store: LocalStore, also: () => Promise<void> | void): LocalStore {
  return {
    get: (table, key) => store.get(table, key),
    list: (table, range) => store.list(table, range),
    write: (changes) => store.write(changes),
    close: async () => {
      await store.close();
      await also();
    },
  };
}

/** Characters of a key. */
export const keyCharactersMax = 1_024;

/** Copies of changes that a store can take. Throws STORE before anything was written: for a key that is empty or too long, for a value of no bytes. */
export function checkedChanges(changes: readonly LocalChange[]): LocalChange[] {
  return changes.map(({ table, key, value }) => {
    const fits =
      key.length > 0 && key.length <= keyCharactersMax && (value === undefined || value instanceof Uint8Array);
    if (!fits) throw new ClientError('STORE', 'The local store can not hold this.');
    return { table, key, value: value?.slice() };
  });
}

/** A number (0 to 2^53 - 1) as a key part whose byte order is the number's order. */
export function orderedNumber(value: number): string {
  return value.toString(16).padStart(14, '0');
}

/** The range of all keys that begin with `prefix`. */
export function prefixRange(prefix: string): LocalRange {
  return { from: prefix, to: `${prefix}\u007f` };
}

/** Rows in one of the pages that `everyPage` reads. */
export const pageRows = 10_000;

/** All rows of a range in the order of their keys, page by page, however many there are. */
export async function* everyPage(
  store: Pick<LocalStore, 'list'>,
  table: LocalTable,
  range: LocalRange,
): AsyncGenerator<LocalRow[], void> {
  for (let { from } = range; ; ) {
    const rows = await store.list(table, { ...range, from, limit: pageRows });
    yield rows;
    const last = rows.at(-1);
    if (last === undefined || rows.length < pageRows) return;
    // Right behind it: no key has a character below the space.
    from = `${last.key} `;
  }
}
