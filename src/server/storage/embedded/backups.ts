// Backups in a file of their own, `backups.lmdb`, which stays: pages that it frees may keep old bytes, of ciphertext only. A change of the head marks
// the version that it replaces in the same transaction, so that whatever happens then, somebody finds what is to be removed.
import {
  type BackupHead,
  type BackupPut,
  type BackupRange,
  type BackupStore,
  byKey,
  cutPage,
  type EntryPage,
  entryOf,
  type KeptBackup,
  keysOf,
  type PutResult,
  type SealedEntry,
  sizeAfter,
} from '../backups.ts';
import type { Change, Environment } from './environment.ts';
import { nameKey, numberKey, versionedKey } from './keys.ts';

/** What a row of `backups.lmdb` is. Never changes, never reused. */
const kinds = { head: 0x68, size: 0x73, entry: 0x65, replaced: 0x72 } as const;

/** Versions are counted up one by one. */
const versionEnd = 2 ** 32;

interface HeadRow extends Omit<BackupHead, 'header' | 'hash'> {
  /** Base64. */
  readonly header: string;
  readonly hash: string;
}

type Reader = Pick<Change, 'get'>;

export class EmbeddedBackups implements BackupStore {
  readonly #file: Environment;

  constructor(file: Environment) {
    this.#file = file;
  }

  async readHead(user: string): Promise<KeptBackup | null> {
    const row = headOf(this.#file, user);
    if (row === null) return null;
    const bytes = (text: string) => new Uint8Array(Buffer.from(text, 'base64'));
    return { ...row, header: bytes(row.header), hash: bytes(row.hash), ...sizeOf(this.#file, user) };
  }

  async changeHead(user: string, head: BackupHead): Promise<boolean> {
    const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
    const { revision, version, lastVersion, openings } = head;
    const row: HeadRow = {
      ...{ revision, version, lastVersion, openings },
      header: base64(head.header),
      hash: base64(head.hash),
    };
    return await this.#file.change((change) => {
      const before = headOf(change, user);
      if ((before?.revision ?? 0) !== revision - 1) return false;
      change.put(nameKey(kinds.head, user), Buffer.from(JSON.stringify(row)));
      if (before?.version === version) return true;
      change.put(nameKey(kinds.size, user), encodeSize({ entries: 0, bytes: 0 }));
      if (before !== null && before.version > 0)
        change.put(numberKey(kinds.replaced, user, before.version), Buffer.alloc(0));
      return true;
    });
  }

  async put(user: string, { version, entries, ...bounds }: BackupPut): Promise<PutResult> {
    const wanted = byKey(entries);
    return await this.#file.change((change) => {
      if (version === 0 || headOf(change, user)?.version !== version) return 'stale';
      const keyOf = (key: string) => versionedKey(kinds.entry, user, { version, text: key });
      const before = (key: string) => change.get(keyOf(key))?.length;
      const size = sizeAfter(sizeOf(change, user), wanted, { ...bounds, before });
      if (size === null) return 'full';
      for (const [key, sealed] of wanted) change.put(keyOf(key), sealed);
      change.put(nameKey(kinds.size, user), encodeSize(size));
      return 'kept';
    });
  }

  async page(user: string, range: BackupRange): Promise<EntryPage> {
    const { version } = range;
    if (version < 1 || version >= versionEnd) return { entries: [], isLast: true };
    return cutPage(this.#entries(user, range), range);
  }

  async sweep(entriesMax: number): Promise<boolean> {
    return await this.#file.change((change) => {
      let left = entriesMax;
      const [start, end] = [Buffer.from([kinds.replaced]), Buffer.from([kinds.replaced + 1])];
      for (const mark of [...change.range({ start, end, limit: entriesMax })].map(({ key }) => key)) {
        const first = Buffer.from(mark);
        first[0] = kinds.entry;
        const keys = [...change.range({ start: first, end: above(first), limit: left })].map(({ key }) => key);
        for (const key of keys) change.remove(key);
        left -= keys.length;
        if (left === 0) return true;
        change.remove(mark);
      }
      return false;
    });
  }

  *#entries(user: string, range: BackupRange): Generator<SealedEntry> {
    const { version } = range;
    const [from, to] = keysOf(range);
    const [start, end] = [from, to].map((text) => versionedKey(kinds.entry, user, { version, text })) as [
      Buffer,
      Buffer,
    ];
    const prefix = numberKey(kinds.entry, user, version).length;
    for (const { key, value } of this.#file.range({ start, end })) {
      const text = key.toString('latin1', prefix);
      if (text !== from) yield entryOf(text, new Uint8Array(value));
    }
  }
}

/** The smallest key above all that begin with this one, which ends in a version. */
function above(prefix: Buffer): Buffer {
  return Buffer.concat([prefix, Buffer.from([0xff])]);
}

function headOf(reader: Reader, user: string): HeadRow | null {
  const value = reader.get(nameKey(kinds.head, user));
  return value === undefined ? null : (JSON.parse(value.toString()) as HeadRow);
}

function sizeOf(reader: Reader, user: string): { entries: number; bytes: number } {
  const value = reader.get(nameKey(kinds.size, user));
  if (value === undefined) return { entries: 0, bytes: 0 };
  return { entries: value.readUInt32BE(0), bytes: value.readUInt32BE(4) };
}

function encodeSize({ entries, bytes }: { readonly entries: number; readonly bytes: number }): Buffer {
  const value = Buffer.alloc(8);
  value.writeUInt32BE(entries, 0);
  value.writeUInt32BE(bytes, 4);
  return value;
}
