// The contracts of small tables, of login's rows, of backups and of the directory, on a real Cassandra.
import { beforeAll, describe } from 'vitest';
import { accountStoreContract } from '../../auth/account-store.contract.ts';
import type { AccountStore } from '../../auth/ports.ts';
import { backupsContract } from '../backups.contract.ts';
import { directoryContract } from '../directory.contract.ts';
import { tableContract } from '../table.contract.ts';
import { driver } from './connection.ts';
import { type CassandraOptions, CassandraStore } from './store.ts';
import { emptyTables, Scope, testOptions } from './test/fixture.ts';

let options: CassandraOptions;
beforeAll(async () => {
  options = await testOptions();
  await (await CassandraStore.open(options)).close();
});

tableContract('cassandra', async () => {
  const { prefix } = new Scope();
  const over = (store: CassandraStore) => ({
    table: (name: string) => store.table(prefix + name),
    reopen: async () => {
      await store.close();
      return over(await CassandraStore.open(options));
    },
    close: () => store.close(),
  });
  return over(await CassandraStore.open(options));
});

backupsContract('cassandra', async () => {
  const stores: CassandraStore[] = [];
  const open = async () => {
    stores.push(await CassandraStore.open(options));
    return stores.at(-1)!.backups();
  };
  return {
    store: await open(),
    reopen: open,
    beside: open,
    close: async () => void (await Promise.all(stores.map((each) => each.close()))),
  };
});

directoryContract('cassandra', async () => {
  const stores: CassandraStore[] = [];
  const open = async () => {
    stores.push(await CassandraStore.open(options));
    return stores.at(-1)!.directory();
  };
  return {
    store: await open(),
    reopen: open,
    beside: open,
    dump: async () => {
      const client = driver(options, { keyspace: options.keyspace });
      try {
        const tables = await Promise.all(
          ['listings', 'directory'].map((table) => client.execute(`select * from ${table}`)),
        );
        return JSON.stringify(
          tables.map(({ rows }) => rows),
          (_, value) => (typeof value === 'bigint' ? `${value}` : value),
        );
      } finally {
        await client.shutdown();
      }
    },
    close: async () => void (await Promise.all(stores.map((each) => each.close()))),
  };
});

describe('accounts on cassandra', () => {
  accountStoreContract(async () => {
    await emptyTables(options, [
      'login_attempts',
      'pending_logins',
      'step_up_grants',
      'user_ids',
      'subjects',
      'devices',
      'token_families',
      'family_ends',
    ]);
    const stores: CassandraStore[] = [];
    const open = async (): Promise<AccountStore> => {
      stores.push(await CassandraStore.open(options));
      return stores.at(-1)!.accounts();
    };
    return {
      store: await open(),
      reopen: open,
      close: async () => void (await Promise.all(stores.map((each) => each.close()))),
    };
  });
});
