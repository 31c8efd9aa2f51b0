// What a suite calls to have a real Cassandra or Redis, in files named `*.cassandra.test.ts`. They are shared by all suites of a run: a suite takes a
// keyspace of its own and never kills, pauses or stops them. One that must starts its own with `startCassandra` or `startRedis`.
import { randomBytes } from 'node:crypto';
import { expect, inject } from 'vitest';
import { DevFailure } from '../failure.ts';
import { command } from '../redis/resp.ts';
import type { ServiceAnswer, SharedCassandra, SharedRedis } from './services.ts';

/** A running Cassandra, with a name for this suite's keyspace, which the suite creates. */
export interface TestCassandra extends SharedCassandra {
  readonly localDataCenter: 'datacenter1';
  readonly keyspace: string;
}

/** A running Redis. */
export interface TestRedis extends SharedRedis {
  /** Forgets everything: suites run one after the other. */
  flush(): Promise<void>;
}

/** The run's Cassandra; the first call starts it (give `beforeAll` the project's timeout). Throws a sentence that says why there is none. */
export async function sharedCassandra(): Promise<TestCassandra> {
  const cassandra = await shared<SharedCassandra>('cassandra');
  return { ...cassandra, localDataCenter: 'datacenter1', keyspace: `test_${randomBytes(5).toString('hex')}` };
}

/** The run's Redis, started by the first call. Throws a sentence that says why there is none. */
export async function sharedRedis(): Promise<TestRedis> {
  const redis = await shared<SharedRedis>('redis');
  return { ...redis, flush: async () => void (await command(redis.address, 'FLUSHALL')) };
}

async function shared<T>(name: string): Promise<T> {
  const url = inject('luxchatServices');
  if (!url)
    throw new DevFailure('NOT_RUNNING', 'This suite is not in the project that has services.', {
      next: 'Name its file *.cassandra.test.ts.',
    });
  const suite = expect.getState().testPath ?? 'a suite';
  const response = await fetch(`${url}/${name}?suite=${encodeURIComponent(suite)}`);
  const answer = (await response.json()) as ServiceAnswer<T>;
  if ('failure' in answer) throw new Error(`This suite did not run: ${answer.failure}`);
  return answer.service;
}
