// Generations, their fences and the owners of shards. Everything changes conditionally; the fence is read plain, which sees every fence that was
// answered, because a conditional change is answered when a quorum has it (rule 2), and quorums meet. A time-out is handed on, never taken for an answer.
import type { Fence, Generation, ShardOwner } from '#actors/ports/log-store.ts';
import { StorageError } from '../store.ts';
import type { Connection } from './connection.ts';

const newest = 'select gen from node_generations where node = ? limit 1';
const create = 'insert into node_generations (node, gen, alive) values (?, ?, true) if not exists';
const fenceAlive = 'update node_generations set alive = false where node = ? and gen = ? if alive = true';
const fenceAbsent = 'insert into node_generations (node, gen, alive) values (?, ?, false) if not exists';
const selectFence = 'select alive from node_generations where node = ? and gen = ?';
const selectAll = 'select gen, alive from node_generations where node = ?';
const selectShard = 'select node, gen, version from shard_owner where shard = ?';
const insertShard = 'insert into shard_owner (shard, node, gen, version) values (?, ?, ?, 1) if not exists';
const updateShard = 'update shard_owner set node = ?, gen = ?, version = ? where shard = ? if version = ?';

/** Generations remembered as fenced, about 50 bytes each; the oldest goes. */
export const fencedMax = 1_000;

/** What is needed of a connection. */
export type OwnerConnection = Pick<Connection, 'read' | 'readSerial' | 'change'>;

export class Owners {
  readonly #connection: OwnerConnection;
  /** Fenced, or being fenced: a takeover asks for the same once a shard. That is for ever, so it may be remembered; that one is alive never is. */
  readonly #fenced = new Map<string, Promise<void>>();

  constructor(connection: OwnerConnection) {
    this.#connection = connection;
  }

  async createGeneration(node: string): Promise<Generation> {
    for (;;) {
      const [row] = await this.#connection.readSerial(newest, [node]);
      const gen = ((row?.gen as number | undefined) ?? 0) + 1;
      const made = await this.#connection.change(`node ${node}`, { query: create, params: [node, gen] });
      // Not applied: another process has the number, and it has said so. The next one is another change.
      if (made.applied) return { node, gen };
    }
  }

  fence(generation: Generation): Promise<void> {
    const key = `${generation.node}/${generation.gen}`;
    const known = this.#fenced.get(key);
    if (known !== undefined) return known;
    const fenced = this.#fence(generation);
    this.#fenced.set(key, fenced);
    if (this.#fenced.size > fencedMax) this.#fenced.delete(this.#fenced.keys().next().value!);
    // Whoever asked hears of it, and may ask again.
    fenced.catch(() => this.#fenced.delete(key));
    return fenced;
  }

  async #fence(generation: Generation): Promise<void> {
    const { node, gen } = generation;
    const params = [node, gen];
    const fenced = await this.#connection.change(`node ${node}`, { query: fenceAlive, params });
    // Nobody made it: then nobody shall.
    if (!fenced.applied && fenced.found.alive !== false)
      await this.#connection.change(`node ${node}`, { query: fenceAbsent, params });
    // "Not applied" with a fence found may be said of one that is decided and not yet with a quorum. The readers' own read settles it (rule 2).
    if ((await this.readFence(generation)) !== 'fenced')
      throw new StorageError('UNANSWERED', 'A fence is not yet there');
  }

  async readFence({ node, gen }: Generation): Promise<Fence> {
    const [row] = await this.#connection.read(selectFence, [node, gen]);
    return row?.alive === true ? 'alive' : 'fenced';
  }

  async readAlive(node: string, own: Generation): Promise<readonly Generation[]> {
    const rows = await this.#connection.readSerial(selectAll, [node]);
    return rows
      .map(({ gen, alive }) => ({ gen: gen as number, alive }))
      .filter(({ gen, alive }) => alive === true && !(node === own.node && gen === own.gen))
      .map(({ gen }) => ({ node, gen }));
  }

  async readShard(shard: number): Promise<ShardOwner | null> {
    const [row] = await this.#connection.readSerial(selectShard, [shard]);
    return row === undefined
      ? null
      : { node: row.node as string, gen: row.gen as number, version: row.version as number };
  }

  /** Rule 3: from exactly the owner that was expected, which the caller has fenced, by the version at which it was read. */
  async casShard(shard: number, expected: ShardOwner | null, { node, gen }: Generation): Promise<boolean> {
    const statement =
      expected === null
        ? { query: insertShard, params: [shard, node, gen] }
        : { query: updateShard, params: [node, gen, expected.version + 1, shard, expected.version] };
    return (await this.#connection.change(`shard ${shard}`, statement)).applied;
  }
}
