// One of several servers stands still, and with it every copy of what it holds: as with three copies when two servers of a range are gone. Rows of all
// other logs are told written meanwhile, although they were asked for in the same call.
import type { Client } from 'cassandra-driver';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RowWrite } from '#actors/ports/log-store.ts';
import { type Cassandra, startCassandra } from '../../../../deploy/dev/cassandra/cassandra.ts';
import { connected, driver } from './connection.ts';
import { Replicas } from './rows/replicas.ts';
import { type CassandraOptions, CassandraStore } from './store.ts';

let cassandra: Cassandra;
let store: CassandraStore;
let client: Client;
beforeAll(async () => {
  cassandra = await startCassandra({ nodes: 3 });
  const { contactPoints, port } = cassandra;
  const place = { contactPoints, port, localDataCenter: 'datacenter1', replicationFactor: 1, keyspace: 'k' };
  const options: CassandraOptions = { ...place, now: Date.now, requestTimeoutMs: 2_000 };
  store = await CassandraStore.open(options);
  client = driver(options, { keyspace: 'k' });
  await connected(client, options);
});
afterAll(async () => {
  await client?.shutdown();
  await store?.close();
  await cassandra?.stop();
});

const logs = Array.from({ length: 60 }, (_, n) => `room/!${n}:lux`);
const row = { seq: 1, bytes: Buffer.from('a'), writeMicros: Date.now() * 1000, expiresMs: Date.now() + 3_600_000 };
const write = (log: string, segment: number): RowWrite => ({ log, segment, rows: [row], replace: false, dueMs: null });

it('fails what the server holds that stands still, and tells of everything else at once', async () => {
  const replicas = new Replicas(client);
  const still = cassandra.nodes[2]!;
  const isLost = (log: string) => replicas.of(log, 1).startsWith(still.address);
  const [lost, safe] = [logs.filter(isLost), logs.filter((log) => !isLost(log))];
  expect(Math.min(lost.length, safe.length)).toBeGreaterThan(0);
  await store.writeRows(logs.map((log) => write(log, 9)));

  still.pause();
  const done: string[] = [];
  let ended = false;
  const allSafe = Promise.withResolvers<void>();
  const call = store.writeRows(
    logs.map((log) => write(log, 1)),
    (at) => {
      done.push(logs[at]!);
      if (done.length === safe.length) allSafe.resolve();
    },
  );
  const outcome = call.then(
    () => null,
    (error: unknown) => {
      ended = true;
      return error;
    },
  );
  await Promise.race([allSafe.promise, outcome]);
  expect(ended).toBe(false);
  expect(done.toSorted()).toEqual(safe.toSorted());
  expect(await outcome).toMatchObject({ name: 'StorageError', code: 'UNANSWERED' });
  expect(done).toHaveLength(safe.length);

  still.resume();
  const range = { from: 1, through: 9, limit: 9, bytesMax: 999, backwards: false };
  for (const log of safe) expect(await store.readRows(log, 1, range)).toHaveLength(1);
});
