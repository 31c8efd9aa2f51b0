// A node's place among others on one Cassandra: its generation and seat, and the cluster that moves shards between them.
import { readFileSync } from 'node:fs';
import type { Generation } from '#actors/ports/log-store.ts';
import { redisAccess } from './access.ts';
import { Cluster } from './cluster/cluster.ts';
import { RedisHints } from './cluster/hints.ts';
import { Register } from './cluster/register.ts';
import type { Config } from './config.ts';
import type { Runtime } from './runtime.ts';
import { secret, secretsFolder } from './secrets.ts';
import type { LogRunner } from './storage/log-runner.ts';
import { beginGeneration, walk } from './storage/tenure.ts';
import type { ProviderStore } from './stores.ts';
import type { Log } from './telemetry/log.ts';

/** A device that is told to come back does so within this, so that not all come at once, milliseconds. */
const comeBackMs = 3_000;

/** Who this process is. */
export interface TownPlace {
  readonly generation: Generation;
  readonly seat: number;
  readonly register: Register;
}

/** Begins a process of this node: earlier ones of the same name are fenced. */
export async function takePlace(store: ProviderStore, node: string): Promise<TownPlace> {
  const register = new Register(store.table('cluster'), Date.now);
  const generation = await beginGeneration(store, node);
  return { generation, seat: await register.takeSeat(), register };
}

export interface TownParts {
  readonly store: ProviderStore;
  readonly runner: LogRunner;
  readonly runtime: Runtime;
  readonly place: TownPlace;
  readonly log: Log;
}

/** The cluster; `start` opens its port. */
export function makeCluster(config: Config, { store, runner, runtime, place, log }: TownParts): Cluster {
  const { provider, redis, nodeHost, nodePort, nodeAddress, nodeTlsCert, nodeTlsKey, nodeTlsCa } = config;
  const { board, system } = runtime;
  if (board === null) throw new Error('the runtime was made for one node');
  const text = (file: string) => readFileSync(file, 'utf8');
  const tls = { cert: nodeTlsCert, key: nodeTlsKey, ca: nodeTlsCa };
  return new Cluster(
    {
      self: { provider, ...place.generation, seat: place.seat },
      address: nodeAddress === '' ? `${nodeHost.includes(':') ? `[${nodeHost}]` : nodeHost}:${nodePort}` : nodeAddress,
      links: {
        secret: secret(secretsFolder(config), 'cluster', { mayMake: true, isShared: true }),
        host: nodeHost,
        port: nodePort,
        ...(nodeTlsCert === '' ? {} : { tls: { cert: text(tls.cert), key: text(tls.key), ca: text(tls.ca) } }),
      },
      hints: (changed) => (redis === '' ? null : new RedisHints({ redis, provider, changed, ...redisAccess(config) })),
    },
    {
      store,
      register: place.register,
      walk: (steps) => walk(store, steps),
      board,
      release: (isTheirs) => system.release(isTheirs),
      abandon: (isTheirs) => system.abandon(isTheirs),
      forget: (shards) => runner.forgetStubs(shards),
      checkFence: () => runner.checkFence(),
      aliveSinceMs: () => runner.aliveSinceMs,
      fresh: (isFresh) => {
        if (isFresh) return log.info('fresh again');
        log.warn('stale');
        runtime.sockets.disconnectAll(comeBackMs);
      },
      failed: (cause) => runner.noteFailure(cause),
      log,
    },
  );
}
