// Three real nodes: with one killed, conditional writes at a quorum go on; when it is back, every node reaches all.
import { Client, types } from 'cassandra-driver';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Cassandra, startCassandra } from './cassandra.ts';

let cassandra: Cassandra;
let client: Client;
beforeAll(async () => {
  cassandra = await startCassandra({ nodes: 3 });
  client = new Client({
    contactPoints: [...cassandra.contactPoints],
    protocolOptions: { port: cassandra.port },
    localDataCenter: 'datacenter1',
    queryOptions: { consistency: types.consistencies.quorum, serialConsistency: types.consistencies.serial },
  });
  await client.connect();
});
afterAll(async () => {
  await client?.shutdown();
  await cassandra?.stop();
});

it('writes on with one node of three killed', async () => {
  await client.execute("CREATE KEYSPACE k WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 3}");
  await client.execute('CREATE TABLE k.t (id int PRIMARY KEY)');
  const insert = async (id: number) => {
    const query = 'INSERT INTO k.t (id) VALUES (?) IF NOT EXISTS';
    const result = await client.execute(query, [id], { prepare: true, isIdempotent: true });
    expect(result.wasApplied()).toBe(true);
  };
  for (let id = 0; id < 20; id++) await insert(id);
  await cassandra.nodes[2]!.kill();
  for (let id = 20; id < 40; id++) await insert(id);
  await cassandra.nodes[2]!.restart();
  await cassandra.allReachAll();
  const all = { consistency: types.consistencies.all };
  expect((await client.execute('SELECT id FROM k.t', [], all)).rows).toHaveLength(40);
});
