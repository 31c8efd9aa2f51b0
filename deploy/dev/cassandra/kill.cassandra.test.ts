// One real node: what it acknowledged survives its SIGKILL, a pause is silence and not loss, and nodetool reaches it.
import { Client } from 'cassandra-driver';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Cassandra, startCassandra } from './cassandra.ts';
import { answers } from './cql.ts';
import { nodetool } from './nodetool.ts';

let cassandra: Cassandra;
beforeAll(async () => {
  cassandra = await startCassandra({ nodes: 1, tune: { native_transport_max_frame_size: '32MiB' } });
});
afterAll(() => cassandra?.stop());

const node = () => cassandra.nodes[0]!;
const place = () => ({ address: node().address, port: node().port });

it('keeps every acknowledged row over a SIGKILL', async () => {
  const rows = await withClient(async (client) => {
    await client.execute("CREATE KEYSPACE k WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}");
    await client.execute('CREATE TABLE k.t (id int PRIMARY KEY)');
    let acked = 0;
    const writes = Array.from({ length: 400 }, (_, id) =>
      client.execute('INSERT INTO k.t (id) VALUES (?)', [id], { prepare: true }).then(
        () => {
          acked++;
          return id;
        },
        () => undefined, // Not acknowledged: may be there or not.
      ),
    );
    const before = node().pid;
    while (acked < 100) await writes[acked];
    await node().kill();
    expect(await answers(place(), 'SELECT key FROM system.local')).toBe(false);
    const ids = (await Promise.all(writes)).filter((id) => id !== undefined);
    await node().restart();
    expect(node().pid).not.toBe(before);
    return ids;
  });
  expect(rows.length).toBeGreaterThanOrEqual(100);
  const stored = await withClient((client) => client.execute('SELECT id FROM k.t', [], { fetchSize: 5_000 }));
  expect(stored.rows.map((row) => row.id)).toEqual(expect.arrayContaining(rows));
});

it('says nothing while it is paused and goes on afterwards', async () => {
  node().pause();
  expect(await answers(place(), 'SELECT key FROM system.local', { timeoutMs: 500 })).toBe(false);
  node().resume();
  expect(await answers(place(), 'SELECT key FROM system.local')).toBe(true);
});

it('is reached by nodetool', async () => {
  await nodetool(node(), 'flush', 'k', 't');
  await nodetool(node(), 'compact', 'k', 't');
  expect(await nodetool(node(), 'status')).toContain('127.0.0.1');
  await expect(nodetool(node(), 'flush', 'none')).rejects.toMatchObject({ code: 'NODETOOL_FAILED' });
});

async function withClient<T>(use: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({
    contactPoints: [...cassandra.contactPoints],
    protocolOptions: { port: cassandra.port },
    localDataCenter: 'datacenter1',
  });
  try {
    await client.connect();
    return await use(client);
  } finally {
    await client.shutdown();
  }
}
