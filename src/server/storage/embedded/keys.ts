// Binary keys of the embedded store. One letter says what a row is; names end in a zero byte, so that no log's rows lie among another's; numbers
// are big-endian, so that they sort.
import { StorageError } from '../store.ts';

/** What a row of `state.lmdb` is. Never changes, never reused. */
export const kinds = {
  version: 0x76,
  generation: 0x67,
  lastGeneration: 0x47,
  shard: 0x73,
  meta: 0x6d,
  weeks: 0x77,
  due: 0x64,
  state: 0x6b,
  table: 0x74,
} as const;

/** Names longer than this, in UTF-8, are refused. */
const nameBytesMax = 512;

/** kind, name, 0, then `rest` bytes to fill in; returns the key and where the rest begins. */
function named(kind: number, name: string, rest: number): { key: Buffer; at: number } {
  const length = Buffer.byteLength(name);
  if (length > nameBytesMax || name.includes('\0')) throw new StorageError('UNUSABLE', 'A name that no key can hold');
  const key = Buffer.allocUnsafe(length + 2 + rest);
  key[0] = kind;
  key.write(name, 1);
  key[length + 1] = 0;
  return { key, at: length + 2 };
}

export function nameKey(kind: number, name: string): Buffer {
  return named(kind, name, 0).key;
}

/** A name and a number below 2^32. */
export function numberKey(kind: number, name: string, number: number): Buffer {
  const { key, at } = named(kind, name, 4);
  key.writeUInt32BE(number, at);
  return key;
}

/** A name, a version below 2^32, and an ASCII text. */
export function versionedKey(kind: number, name: string, { version, text }: { version: number; text: string }): Buffer {
  const { key, at } = named(kind, name, 4 + text.length);
  key.writeUInt32BE(version, at);
  key.write(text, at + 4, 'latin1');
  return key;
}

/** A name and a second name. */
export function pairKey(kind: number, first: string, second: string): Buffer {
  const length = Buffer.byteLength(second);
  const { key, at } = named(kind, first, length);
  key.write(second, at);
  return key;
}

/** The second name of such a key. */
export function secondOf(key: Buffer): string {
  return key.toString('utf8', key.indexOf(0, 1) + 1);
}

/** The smallest key after all that begin with this one; the prefix must end in a zero byte. */
export function after(prefix: Buffer): Buffer {
  const end = Buffer.from(prefix);
  end[end.length - 1] = 1;
  return end;
}

export function shardKey(shard: number): Buffer {
  return Buffer.from([kinds.shard, shard]);
}

/** By shard, time, segment and log. Times are milliseconds below 2^48. */
export function dueKey(shard: number, due: { dueMs: number; log: string; segment: number }): Buffer {
  const key = Buffer.alloc(12 + Buffer.byteLength(due.log));
  key[0] = kinds.due;
  key[1] = shard;
  key.writeUIntBE(Math.max(0, Math.floor(due.dueMs)), 2, 6);
  key.writeUInt32BE(due.segment, 8);
  key.write(due.log, 12);
  return key;
}

export function parseDueKey(key: Buffer): { dueMs: number; log: string; segment: number } {
  return { dueMs: key.readUIntBE(2, 6), segment: key.readUInt32BE(8), log: key.toString('utf8', 12) };
}

/** Keys of one segment's rows in an environment of content: log, 0, segment, seq. Seqs are below 2^48. */
export class RowKeys {
  readonly #prefix: Buffer;

  constructor(log: string, segment: number) {
    const { key, at } = named(0, log, 4);
    key.writeUInt32BE(segment, at);
    this.#prefix = key.subarray(1);
  }

  of(seq: number): Buffer {
    const length = this.#prefix.length;
    const key = Buffer.allocUnsafe(length + 6);
    this.#prefix.copy(key);
    key.writeUIntBE(Math.min(seq, 2 ** 48 - 1), length, 6);
    return key;
  }

  static seqOf(key: Buffer): number {
    return key.readUIntBE(key.length - 6, 6);
  }
}
