// What a store keeps of backups: for each user one head and, under the version in force, one entry for each session of a room. It can open none of it.
// Guarantees: a change of the head is conditional and decided once, whoever asks at the same time; entries are kept under the version in force or not at
// all; the bounds of a backup hold exactly; what was answered is durable. Entries of a version that was replaced are never shown again and leave the
// store, after a crash too.

/** A use of the header, remembered for a while. */
export interface Opening {
  readonly atMs: number;
  /** Which attempt it was, so that its repeat is not counted twice. */
  readonly attempt: string;
}

/** What its owner says of a backup. */
export interface BackupHead {
  /** Of the head, from 1; each change is one above the last. A put changes nothing of it, so that nobody who uploads keeps others from theirs. */
  readonly revision: number;
  /** In force; 0 = there is none. A version is never given twice: that is for the caller to keep. */
  readonly version: number;
  readonly lastVersion: number;
  /** Of the version in force; empty where there is none. */
  readonly header: Uint8Array;
  readonly hash: Uint8Array;
  readonly openings: readonly Opening[];
}

/** A head with what the store counts. */
export interface KeptBackup extends BackupHead {
  readonly entries: number;
  /** Of all sealed entries. */
  readonly bytes: number;
}

export interface SealedEntry {
  /** Ids without spaces, ASCII. */
  readonly room: string;
  readonly session: string;
  readonly sealed: Uint8Array;
}

export interface BackupPut {
  readonly version: number;
  readonly entries: readonly SealedEntry[];
  /** What a backup may hold at most, this put included. */
  readonly entriesMax: number;
  readonly bytesMax: number;
}

/** `stale`: another version is in force. `full`: it would pass a bound. Nothing is kept then. */
export type PutResult = 'kept' | 'stale' | 'full';

export interface BackupRange {
  readonly version: number;
  /** Of this room alone; empty = of all. */
  readonly room: string;
  /** After the entry of this key; empty = from the first. */
  readonly after: string;
  readonly limit: number;
  /** Keys and sealed bytes of a page; one entry comes in any case. */
  readonly bytesMax: number;
}

export interface EntryPage {
  readonly entries: readonly SealedEntry[];
  /** Nothing comes after them. */
  readonly isLast: boolean;
}

export interface BackupStore {
  readHead(user: string): Promise<KeptBackup | null>;
  /** Writes `head` if the kept revision is `head.revision - 1` (none counts as 0). False = read again. Where the version is another one than before, the
   *  entries of that before are gone. */
  changeHead(user: string, head: BackupHead): Promise<boolean>;
  /** Entries of the same room and session are replaced, also within one put. All or none. */
  put(user: string, put: BackupPut): Promise<PutResult>;
  /** By room and session, as bytes. Whether the version was in force all the while is for the caller to look, afterwards. */
  page(user: string, range: BackupRange): Promise<EntryPage>;
  /** Removes up to so many entries of versions that were replaced, whoever's; true = there may be more. */
  sweep(entriesMax: number): Promise<boolean>;
}

/** What a page's end is called, and how entries sort: a space is below all that ids are made of. */
export function entryKey({ room, session }: { readonly room: string; readonly session: string }): string {
  return `${room} ${session}`;
}

export function entryOf(key: string, sealed: Uint8Array): SealedEntry {
  const space = key.indexOf(' ');
  return { room: key.slice(0, space), session: key.slice(space + 1), sealed };
}

/** Keys above the first and below the second are in the range. */
export function keysOf({ room, after }: BackupRange): readonly [string, string] {
  const [first, end] = room === '' ? ['', '~'] : [`${room} `, `${room}!`];
  return [after > first ? after : first, end];
}

/** By key; of two with the same one the later. */
export function byKey(entries: readonly SealedEntry[]): ReadonlyMap<string, Uint8Array> {
  return new Map(entries.map((entry) => [entryKey(entry), entry.sealed]));
}

/** What a backup holds after a put, given how many bytes each entry has that is replaced; null = over a bound. */
export function sizeAfter(
  kept: { readonly entries: number; readonly bytes: number },
  wanted: ReadonlyMap<string, Uint8Array>,
  {
    entriesMax,
    bytesMax,
    before,
  }: Omit<BackupPut, 'version' | 'entries'> & { before: (key: string) => number | undefined },
): { readonly entries: number; readonly bytes: number } | null {
  let { entries, bytes } = kept;
  for (const [key, sealed] of wanted) {
    const replaced = before(key);
    if (replaced === undefined) entries++;
    bytes += sealed.length - (replaced ?? 0);
  }
  return entries > entriesMax || bytes > bytesMax ? null : { entries, bytes };
}

/** The first rows within limit and bytes. `isWhole`: there are no others in the range. */
export function cutPage(rows: Iterable<SealedEntry>, { limit, bytesMax }: BackupRange, isWhole = true): EntryPage {
  const entries: SealedEntry[] = [];
  let bytes = 0;
  for (const row of rows) {
    bytes += entryKey(row).length + row.sealed.length;
    if (entries.length >= limit || (entries.length > 0 && bytes > bytesMax)) return { entries, isLast: false };
    entries.push(row);
  }
  return { entries, isLast: isWhole };
}
