// The processes of a provider in its store: a seat for each, never given twice, and where the newest of each node answers. Small: a row a node.
import type { NodePlace } from './links.ts';

/** A small durable table, as the stores have it. */
export interface RegisterTable {
  get(key: string): Promise<Uint8Array | null>;
  list(options: {
    readonly prefix?: string;
    readonly limit: number;
  }): Promise<readonly { readonly value: Uint8Array }[]>;
  change(
    changes: readonly {
      readonly key: string;
      readonly expected?: Uint8Array | null;
      readonly value?: Uint8Array | null;
    }[],
  ): Promise<boolean>;
}

const seatKey = 'seat';
const nodePrefix = 'node/';
/** Nodes of one provider at most. */
const nodesMax = 1_000;

export class Register {
  readonly #table: RegisterTable;

  constructor(table: RegisterTable) {
    this.#table = table;
  }

  /** A seat that nobody ever had, from 1. A lost answer leaves one that nobody uses. */
  async takeSeat(): Promise<number> {
    for (;;) {
      const before = await this.#table.get(seatKey);
      const seat = (before === null ? 0 : Number(Buffer.from(before).toString())) + 1;
      if (await this.#table.change([{ key: seatKey, expected: before, value: Buffer.from(String(seat)) }])) return seat;
    }
  }

  /** Where this process answers; it takes the place of the node's earlier one. */
  async put(place: NodePlace): Promise<void> {
    await this.#table.change([{ key: `${nodePrefix}${place.node}`, value: Buffer.from(JSON.stringify(place)) }]);
  }

  /** The newest process of each node. */
  async list(): Promise<readonly NodePlace[]> {
    const rows = await this.#table.list({ prefix: nodePrefix, limit: nodesMax });
    return rows.map(({ value }) => JSON.parse(Buffer.from(value).toString()) as NodePlace);
  }
}
