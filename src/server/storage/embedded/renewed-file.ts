// An lmdb file out of which what was removed goes for good: pages that lmdb frees keep their old bytes, so what is live is copied into a new file, row by
// row, and the old one removed. Guarantees: at every instant one file is whole, also after a crash; reads go on while it is copied, changes wait. A copy
// that fails (a full disk) leaves all as it was. For files that are small beside the rest of the store.
import { closeSync, fsyncSync, openSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Change, type Entry, Environment, type KeyRange, type Shared } from './environment.ts';
import { Failure } from './failure.ts';

const extension = '.lmdb';
/** Sorts before every row: the file was copied to its end. */
const wholeKey = Buffer.from([0, 1]);
/** Something was removed since. */
const removedKey = Buffer.from([0, 2]);
const rowsStart = Buffer.from([1]);
const rowsEnd = Buffer.alloc(1, 0xff);
/** Rows copied at once: a few milliseconds. */
const copiedAtOnce = 1_000;

/** A change that says of itself what it removes. Keys begin with a byte from 1 to 254. */
export class RenewedFile {
  readonly #folder: string;
  readonly #shared: Shared;
  #number: number;
  #file: Environment;
  /** Changes under way, which share commits. */
  readonly #changing = new Set<Promise<unknown>>();
  /** Settled when the renewal under way is over; changes wait for it. */
  #renewing: Promise<unknown> | null = null;

  /** Opens or makes the file in a folder of its own, which must exist. */
  static async open(folder: string, shared: Shared): Promise<RenewedFile> {
    const numbers = readdirSync(folder).flatMap((name) =>
      name.endsWith(extension) ? [Number.parseInt(name, 10)] : [],
    );
    const descending = numbers.sort((one, other) => other - one);
    let opened: RenewedFile | null = null;
    for (const number of descending) {
      const file = opened === null ? new Environment(pathOf(folder, number), shared) : null;
      if (file?.get(wholeKey) !== undefined) opened = new RenewedFile(folder, shared, { number, file });
      else {
        await file?.close();
        removeFile(folder, number);
      }
    }
    if (opened !== null) return opened;
    const made = { number: 1, file: new Environment(pathOf(folder, 1), shared) };
    await made.file.written(made.file.put(wholeKey, Buffer.alloc(0)));
    return new RenewedFile(folder, shared, made);
  }

  private constructor(folder: string, shared: Shared, { number, file }: { number: number; file: Environment }) {
    this.#folder = folder;
    this.#shared = shared;
    this.#number = number;
    this.#file = file;
  }

  get(key: Buffer): Buffer | undefined {
    return this.#file.get(key);
  }

  /** To be read to its end in one turn. */
  range(range: KeyRange): Iterable<Entry> {
    return this.#file.range(range);
  }

  async change<T>(action: (change: Change) => T): Promise<T> {
    while (this.#renewing !== null) await this.#renewing;
    const changed = this.#file.change((change) => action(noting(change)));
    this.#changing.add(changed);
    try {
      return await changed;
    } finally {
      this.#changing.delete(changed);
    }
  }

  /** Takes the bytes of all that was removed off the disk; nothing to do where nothing was. Rejects where there is no room for a copy. */
  async renew(): Promise<void> {
    await this.#alone(async () => {
      if (this.#file.get(removedKey) === undefined) return;
      const number = this.#number + 1;
      try {
        await this.#copyTo(number);
      } catch (error) {
        removeFile(this.#folder, number);
        throw error;
      }
      const [old, oldNumber] = [this.#file, this.#number];
      this.#file = new Environment(pathOf(this.#folder, number), this.#shared);
      this.#number = number;
      await old.close();
      // The new file's name is on the disk before the old one's is gone, whatever a power cut leaves.
      syncFolder(this.#folder);
      removeFile(this.#folder, oldNumber);
    });
  }

  async close(): Promise<void> {
    await this.#alone(() => this.#file.close());
  }

  async #copyTo(number: number): Promise<void> {
    removeFile(this.#folder, number);
    // Its failure is nobody else's: what is in force lies elsewhere.
    const copy = new Environment(pathOf(this.#folder, number), { ...this.#shared, failure: new Failure(() => {}) });
    try {
      for (let start = rowsStart; ; ) {
        const rows = [...this.#file.range({ start, end: rowsEnd, limit: copiedAtOnce })];
        await copy.change((change) => {
          for (const { key, value } of rows) change.put(key, value);
        });
        const last = rows.at(-1);
        if (last === undefined || rows.length < copiedAtOnce) break;
        start = Buffer.concat([last.key, Buffer.alloc(1)]);
      }
      await copy.written(copy.put(wholeKey, Buffer.alloc(0)));
    } finally {
      await copy.close();
    }
  }

  /** When the changes under way have ended; new ones wait. */
  async #alone(run: () => Promise<void>): Promise<void> {
    while (this.#renewing !== null) await this.#renewing;
    const mine = Promise.allSettled(this.#changing).then(run);
    this.#renewing = mine.then(
      () => {},
      () => {},
    );
    try {
      await mine;
    } finally {
      this.#renewing = null;
    }
  }
}

/** The change, which notes in the file that something was removed from it. */
function noting(change: Change): Change {
  const remove = (key: Buffer) => {
    change.remove(key);
    change.put(removedKey, Buffer.alloc(0));
  };
  // What a row held before is removed, too.
  const put = (key: Buffer, value: Uint8Array) => {
    if (change.get(key) !== undefined) change.put(removedKey, Buffer.alloc(0));
    change.put(key, value);
  };
  return { ...change, put, remove };
}

function pathOf(folder: string, number: number): string {
  return join(folder, `${number}${extension}`);
}

function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function removeFile(folder: string, number: number): void {
  for (const suffix of ['', '-lock']) rmSync(pathOf(folder, number) + suffix, { force: true });
}
