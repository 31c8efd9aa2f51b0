// From when on something may still be due, for each queue. Readers of a queue begin there, so that they pass over no tombstones of what was dropped before.
// Guarantees: a floor only rises.
import type { Connection } from './connection.ts';

const select = 'select floor_ms from floors where queue = ?';
const insert = 'insert into floors (queue, floor_ms) values (?, ?) using timestamp ?';

export interface FloorOptions {
  /** Where a queue begins that has no floor yet: nothing was ever written before. */
  readonly sinceMs: number;
  /** The store's clock. */
  readonly storeNow: () => Promise<number>;
}

export class Floors {
  readonly #connection: Connection;
  readonly #options: FloorOptions;

  constructor(connection: Connection, options: FloorOptions) {
    this.#connection = connection;
    this.#options = options;
  }

  async read(queue: string): Promise<number> {
    const [row] = await this.#connection.read(select, [queue]);
    return row === undefined ? this.#options.sinceMs : Number(row.floor_ms);
  }

  /** The store's clock. */
  storeNow(): Promise<number> {
    return this.#options.storeNow();
  }

  /** Whoever raises it has seen that nothing is due before, and stays behind the store's clock. */
  async raise(queue: string, toMs: number): Promise<void> {
    const floor = BigInt(Math.floor(toMs));
    // The floor is its own timestamp: of two the higher one stays.
    await this.#connection.write(insert, [queue, floor, floor * 1000n]);
  }
}
