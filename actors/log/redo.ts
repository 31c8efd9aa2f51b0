// What the log writes beside the state rows, so that several rows that are saved together are read together. State is read in pages and rows are written
// without condition: a reader may see some rows of a save and not the others, where that save was under way when its writer was lost. So all of it first
// goes into rows of the log's own, and only once these are there does any of the rows (rule 15). Guarantees: what a reader makes of state rows and redo
// is what one save left, whole. Does not help where rows were written in several saves: an actor has one save of several rows under way at a time.
import { isOlder, type StateStamp, type StateWrite, type StoredState } from '../ports/state-store.ts';
import { mustBeAlive, type Steps, writeState } from './requests.ts';

type Rows = StateWrite['rows'];
type Row = Rows[number];

/** Keys of the parts: `~redo/0` and on. */
const redoPrefix = '~redo/';
/** Bytes of a part: half of what a state row may be. */
const partBytesMax = 512 * 1024;
const headBytes = 4;
/** Length of the key, seq, sub, is there a value, its length. */
const rowHeadBytes = 1 + 8 + 8 + 1 + 4;

/** The redo of one log. */
export class Redo {
  /** Parts that may be in the store. */
  readonly #kept = new Map<string, StateStamp>();

  /** These state rows were read. */
  found(state: readonly StoredState[]): void {
    for (const row of state) if (row.key.startsWith(redoPrefix)) this.#kept.set(row.key, row);
  }

  /** Rule 15: rows that go together are there as a whole before any of them is. What one row holds needs no help. */
  *write(rows: Rows): Steps<void> {
    if (rows.length < 2) return;
    for (const part of encodeRedo(rows)) {
      this.#kept.set(part.key, part);
      yield* writeState([part]);
    }
    // Whoever reads after a fence finds it, or no row of what it holds is ever written.
    yield* mustBeAlive();
  }

  /** Changes that take the parts away, once all rows are known to be there. */
  spent(): Rows {
    const gone = [...this.#kept].map(([key, { segment, seq, sub }]) => ({
      key,
      value: null,
      segment,
      seq,
      sub: sub + 1 - (sub % 2),
    }));
    this.#kept.clear();
    return gone;
  }
}

/**
 * The rows of the newest save that are missing among these, or older. None where its redo is not whole: then either no row of it was ever written, or the
 * next one had begun, which it does only when all rows of this one are there.
 */
export function missing(state: readonly StoredState[]): Rows {
  const parts = state.filter(({ key }) => key.startsWith(redoPrefix));
  const newest = parts.reduce<StoredState | null>((best, part) => (best && isOlder(part, best) ? best : part), null);
  if (newest === null) return [];
  const own = parts.filter((part) => !isOlder(part, newest)).sort((a, b) => indexOf(a) - indexOf(b));
  if (own.length !== viewOf(newest.value).getUint32(0)) return [];
  const known = new Map(state.map((row) => [row.key, row]));
  return decodeRedo(own).filter((row) => {
    const before = known.get(row.key);
    return before === undefined ? row.value !== null : isOlder(before, row);
  });
}

/** Even `sub`s: the odd ones take a part away. Stamped like the newest of the rows, for each save has a greater one than the last. */
function encodeRedo(rows: Rows): StoredState[] {
  const { segment, seq, sub } = rows.reduce((best, row) => (isOlder(best, row) ? row : best));
  const bytes = encodeRows(rows);
  const count = Math.ceil(bytes.length / partBytesMax);
  return Array.from({ length: count }, (_, index) => {
    const piece = bytes.subarray(index * partBytesMax, (index + 1) * partBytesMax);
    const value = new Uint8Array(headBytes + piece.length);
    viewOf(value).setUint32(0, count);
    value.set(piece, headBytes);
    return { key: `${redoPrefix}${index}`, value, segment, seq, sub: 2 * sub };
  });
}

function encodeRows(rows: Rows): Uint8Array {
  const sizes = rows.map(({ key, value }) => rowHeadBytes + key.length + (value?.length ?? 0));
  const bytes = new Uint8Array(sizes.reduce((sum, size) => sum + size, 0));
  const view = viewOf(bytes);
  let at = 0;
  for (const { key, value, seq, sub } of rows) {
    view.setUint8(at, key.length);
    view.setFloat64(at + 1, seq);
    view.setFloat64(at + 9, sub);
    view.setUint8(at + 17, Number(value !== null));
    view.setUint32(at + 18, value?.length ?? 0);
    at += rowHeadBytes;
    for (let index = 0; index < key.length; index++) bytes[at++] = key.charCodeAt(index);
    bytes.set(value ?? [], at);
    at += value?.length ?? 0;
  }
  return bytes;
}

function decodeRedo(parts: readonly StoredState[]): Row[] {
  const bytes = new Uint8Array(parts.reduce((sum, { value }) => sum + value.length - headBytes, 0));
  let filled = 0;
  for (const { value } of parts) {
    bytes.set(value.subarray(headBytes), filled);
    filled += value.length - headBytes;
  }
  const view = viewOf(bytes);
  const segment = parts[0]!.segment;
  const rows: Row[] = [];
  for (let at = 0; at < bytes.length; ) {
    const [keyEnd, seq, sub] = [
      at + rowHeadBytes + view.getUint8(at),
      view.getFloat64(at + 1),
      view.getFloat64(at + 9),
    ];
    const end = keyEnd + view.getUint32(at + 18);
    const key = String.fromCharCode(...bytes.subarray(at + rowHeadBytes, keyEnd));
    const value = view.getUint8(at + 17) === 1 ? bytes.slice(keyEnd, end) : null;
    rows.push({ key, value, segment, seq, sub });
    at = end;
  }
  return rows;
}

function indexOf({ key }: StoredState): number {
  return Number(key.slice(redoPrefix.length));
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
