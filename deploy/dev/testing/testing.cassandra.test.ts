// Suites of one run get the same servers, and keyspaces of their own.
import { Client } from 'cassandra-driver';
import { expect, it } from 'vitest';
import { command } from '../redis/resp.ts';
import { sharedCassandra, sharedRedis } from './testing.ts';

it('gives the same Cassandra twice, with two keyspaces', { timeout: 420_000 }, async () => {
  const one = await sharedCassandra();
  const two = await sharedCassandra();
  expect([two.port, two.node]).toEqual([one.port, one.node]);
  expect(two.keyspace).not.toBe(one.keyspace);
  const client = new Client({
    contactPoints: [...one.contactPoints],
    protocolOptions: { port: one.port },
    localDataCenter: one.localDataCenter,
  });
  const replication = "{'class': 'SimpleStrategy', 'replication_factor': 1}";
  for (const { keyspace } of [one, two])
    await client.execute(`CREATE KEYSPACE ${keyspace} WITH replication = ${replication}`);
  await client.shutdown();
});

it('gives one Redis', { timeout: 420_000 }, async () => {
  const redis = await sharedRedis();
  expect(await command(redis.address, 'SET hint 1')).toBe('OK');
  await redis.flush();
  expect(await command(redis.address, 'EXISTS hint')).toBe('0');
});
