// The store that the configuration names: files of this node alone, or Cassandra, which nodes share.
import { cassandraAccess } from './access.ts';
import type { AccountStore } from './auth/ports.ts';
import type { Config } from './config.ts';
import { livesOf } from './lives.ts';
import type { BackupStore } from './storage/backups.ts';
import { CassandraStore } from './storage/cassandra/store.ts';
import type { DirectoryStore } from './storage/directory.ts';
import { EmbeddedStore } from './storage/embedded/store.ts';
import type { StorageError, Store } from './storage/store.ts';
import type { Table } from './storage/table.ts';
import type { StoreRequests } from './store-requests.ts';

/** What a node needs of its store. */
export interface ProviderStore extends Store {
  /** A write did not reach the disk: everything fails. Never so where the store is elsewhere. */
  readonly hasFailed?: boolean;
  table(name: string): Table;
  accounts(): AccountStore;
  backups(): BackupStore;
  directory(): DirectoryStore;
  /** Has anybody ever logged in? */
  holdsSubjects(): Promise<boolean>;
  /** This node's clock less the store's, and how far the store's own clocks are apart, milliseconds. Absent where they are one. */
  clockSkew?(): Promise<{ readonly skewMs: number; readonly spreadMs: number }>;
}

/** Who hears of the store. */
export interface StoreListeners {
  /** Everything fails from now on, and why by the system's name. */
  readonly failed: (failure: StorageError, cause: string) => void;
  /** What of it is not safe, as a sentence; production refuses it instead. */
  readonly unsafe: (sentence: string) => void;
  readonly requests: StoreRequests;
}

/** Rejects with StorageError. */
export async function openStore(config: Config, { failed, unsafe, requests }: StoreListeners): Promise<ProviderStore> {
  if (config.store === 'embedded') return await EmbeddedStore.open({ folder: config.data, now: Date.now, failed });
  return await CassandraStore.open({
    contactPoints: config.cassandra.map((address) => address.slice(0, address.lastIndexOf(':'))),
    port: Number(config.cassandra[0]?.split(':').at(-1)),
    localDataCenter: config.cassandraDatacenter,
    keyspace: config.cassandraKeyspace,
    replicationFactor: config.cassandraReplication,
    ...cassandraAccess(config),
    ...(config.mode === 'production' ? {} : { unsafe }),
    retention: livesOf(config).retention,
    now: Date.now,
    answered: (ms, failure) => requests.note(ms, failure),
  });
}
