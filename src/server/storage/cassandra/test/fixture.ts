// Stores for tests on the Cassandra that a test run shares. A keyspace takes seconds, so a file of tests has one; each test has names of its own in it: a
// prefix for logs and nodes, other numbers for shards. What the store does with them is what it always does.
import { randomBytes } from 'node:crypto';
import { shardCount, shardOf } from '#actors/log/shards.ts';
import type { Generation, RowRange, RowWrite } from '#actors/ports/log-store.ts';
import type { StateWrite } from '#actors/ports/state-store.ts';
import { sharedCassandra } from '../../../../../deploy/dev/testing/testing.ts';
import type { Store } from '../../store.ts';
import { driver } from '../connection.ts';
import type { CassandraOptions } from '../store.ts';

/** Options for a keyspace of this suite; call it in `beforeAll`. */
export async function testOptions(more: Partial<CassandraOptions> = {}): Promise<CassandraOptions> {
  const { contactPoints, port, localDataCenter, keyspace } = await sharedCassandra();
  return { contactPoints, port, localDataCenter, keyspace, replicationFactor: 1, now: Date.now, ...more };
}

/** Names of one test. */
export class Scope {
  readonly #shards: number;
  readonly prefix: string;
  /** For logs of users, whose names say so at their beginning. */
  readonly #userPrefix: string;

  constructor() {
    const name = randomBytes(6);
    this.#shards = shardCount * (1 + (name.readUInt32BE() % 1_000_000));
    this.prefix = neutral(`${name.toString('hex')}.`, '');
    this.#userPrefix = neutral(`${name.toString('hex')}.`, 'user/');
  }

  /** The same store, in which nothing can be seen but what is done through this. */
  over(store: Store): Store {
    const { prefix } = this;
    const inside = (generation: Generation) => ({ ...generation, node: prefix + generation.node });
    const outside = ({ node, gen }: Generation) => ({ node: node.slice(prefix.length), gen });
    const shardInside = (shard: number) => this.#shards + shard;
    const starts = [`user/${this.#userPrefix}`, prefix] as const;
    const named = (log: string) => (log.startsWith('user/') ? starts[0] + log.slice('user/'.length) : prefix + log);
    const isMine = (log: string) => starts.some((each) => log.startsWith(each));
    const bare = (log: string) =>
      log.startsWith(prefix) ? log.slice(prefix.length) : `user/${log.slice(starts[0].length)}`;
    return {
      readsAreDurable: store.readsAreDurable,
      writeCallsMax: store.writeCallsMax,
      slowCallMs: store.slowCallMs,
      createGeneration: async (node) => outside(await store.createGeneration(prefix + node)),
      fence: (generation) => store.fence(inside(generation)),
      readFence: (generation) => store.readFence(inside(generation)),
      readAlive: async (node, own) => (await store.readAlive(prefix + node, inside(own))).map(outside),
      async readShard(shard) {
        const owner = await store.readShard(shardInside(shard));
        return owner === null ? null : { ...outside(owner), version: owner.version };
      },
      casShard: (shard, expected, owner) => store.casShard(shardInside(shard), expected, inside(owner)),
      readMeta: (log) => store.readMeta(named(log)),
      casMeta: (log, meta) => store.casMeta(named(log), meta),
      writeRows: (writes, done) =>
        store.writeRows(
          writes.map((each): RowWrite => ({ ...each, log: named(each.log) })),
          done,
        ),
      readRows: (log, segment, range: RowRange) => store.readRows(named(log), segment, range),
      async readDue(shard, throughMs, limit) {
        const due = await store.readDue(shard, throughMs, 10_000);
        const mine = due.filter(({ log }) => isMine(log)).slice(0, limit);
        return mine.map((each) => ({ ...each, log: bare(each.log) }));
      },
      dropDue: (shard, due) =>
        store.dropDue(
          shard,
          due.map((each) => ({ ...each, log: named(each.log) })),
        ),
      readState: (log, keys) => store.readState(named(log), keys),
      writeState: (writes) => store.writeState(writes.map((each): StateWrite => ({ ...each, log: named(each.log) }))),
      expire: () => store.expire(),
      close: () => store.close(),
    };
  }
}

/** The text and one character more, such that any log named so after `head` lies in the shard in which it lies without. */
function neutral(text: string, head: string): string {
  const names = ['', 'l', 'room/!a:lux'].map((name) => [name, head + name] as const);
  for (let code = 0x21; code < 0x7f; code++) {
    const prefix = text + String.fromCharCode(code);
    if (names.every(([name, whole]) => shardOf(head + prefix + name) === shardOf(whole))) return prefix;
  }
  throw new Error('shards are made in another way now');
}

/** Tables that a test wants empty, where names can't keep tests apart. */
export async function emptyTables(options: CassandraOptions, tables: readonly string[]): Promise<void> {
  const client = driver(options, { keyspace: options.keyspace, timeoutMs: 60_000 });
  try {
    for (const table of tables) await client.execute(`truncate ${table}`);
  } finally {
    await client.shutdown();
  }
}
