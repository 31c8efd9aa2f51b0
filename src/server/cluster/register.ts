// The processes of a provider in its store: a seat for each, never given twice, and where the newest of each node answers. Small: a row a node, which
// leaves when the node has not renewed it for a day.
import type { NodePlace } from './links.ts';

/** A small durable table, as the stores have it. */
export interface RegisterTable {
  get(key: string): Promise<Uint8Array | null>;
  list(options: {
    readonly prefix?: string;
    readonly limit: number;
  }): Promise<readonly { readonly key: string; readonly value: Uint8Array }[]>;
  change(
    changes: readonly {
      readonly key: string;
      readonly expected?: Uint8Array | null;
      readonly value?: Uint8Array | null;
    }[],
  ): Promise<boolean>;
}

/** Limits of the register; see README.md. */
export const registerLimits = {
  /** Nodes of one provider at most. */
  nodesMax: 1_000,
  /** Between two renewals of a node's row, milliseconds. */
  renewMs: 3_600_000,
  /** A row that was not renewed for longer is none. Clocks of nodes differ by two minutes at most, since each is held against the store's. */
  lifeMs: 86_400_000,
};

const seatKey = 'seat';
const nodePrefix = 'node/';

/** `renewedMs`: by the clock of the node. Rows of earlier versions have none, and stay until their nodes start again. */
type Row = NodePlace & { readonly renewedMs?: number };

export class Register {
  readonly #table: RegisterTable;
  readonly #now: () => number;

  /** `now`: milliseconds since the epoch. */
  constructor(table: RegisterTable, now: () => number) {
    this.#table = table;
    this.#now = now;
  }

  /** A seat that nobody ever had, from 1. A lost answer leaves one that nobody uses. */
  async takeSeat(): Promise<number> {
    for (;;) {
      const before = await this.#table.get(seatKey);
      const seat = (before === null ? 0 : Number(Buffer.from(before).toString())) + 1;
      if (await this.#table.change([{ key: seatKey, expected: before, value: Buffer.from(String(seat)) }])) return seat;
    }
  }

  /**
   * Says where this process answers, and removes the rows of nodes that have not done so for too long. To be repeated every `renewMs`. It takes the place of
   * the node's earlier processes; one that woke after it was replaced changes nothing.
   */
  async put({ node, gen, seat, address }: NodePlace): Promise<void> {
    const key = `${nodePrefix}${node}`;
    for (;;) {
      const expected = await this.#table.get(key);
      if (expected !== null && read(expected).seat > seat) break;
      const row: Row = { node, gen, seat, address, renewedMs: this.#now() };
      if (await this.#table.change([{ key, expected, value: Buffer.from(JSON.stringify(row)) }])) break;
    }
    for (const { key, value } of await this.#rows()) {
      // Exactly what was read: a node may be back meanwhile.
      if (!this.#isKept(read(value))) await this.#table.change([{ key, expected: value, value: null }]);
    }
  }

  /** The newest process of each node. */
  async list(): Promise<readonly NodePlace[]> {
    const rows = (await this.#rows()).map(({ value }) => read(value)).filter((row) => this.#isKept(row));
    return rows.map(({ node, gen, seat, address }) => ({ node, gen, seat, address }));
  }

  #rows() {
    return this.#table.list({ prefix: nodePrefix, limit: registerLimits.nodesMax });
  }

  #isKept({ renewedMs }: Row): boolean {
    return renewedMs === undefined || this.#now() - renewedMs <= registerLimits.lifeMs;
  }
}

function read(value: Uint8Array): Row {
  return JSON.parse(Buffer.from(value).toString()) as Row;
}
