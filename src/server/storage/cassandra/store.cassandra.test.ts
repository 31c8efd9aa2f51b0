// The contract of every store, on a real Cassandra.
import { beforeAll } from 'vitest';
import { storeContract } from '../contract.ts';
import { type CassandraOptions, CassandraStore } from './store.ts';
import { emptyTables, Scope, testOptions } from './test/fixture.ts';

let options: CassandraOptions;
beforeAll(async () => {
  options = await testOptions();
});

storeContract({
  name: 'cassandra',
  async open(now, trueNow) {
    const scope = new Scope();
    const open = async () => await CassandraStore.open({ ...options, now, storeNow: async () => trueNow() });
    const store = await open();
    await emptyTables(options, ['floors', 'log_due']);
    const reopen = async () => {
      await store.close();
      return scope.over(await open());
    };
    return { store: scope.over(store), reopen };
  },
});
