import { describe } from 'vitest';
import { accountStoreContract } from '../../auth/account-store.contract.ts';
import { tableAccounts } from '../accounts.ts';
import { tableContract } from '../table.contract.ts';
import { MemoryTable } from '../table.ts';

tableContract('memory', async () => {
  const tables = new Map<string, MemoryTable>();
  return {
    table(name) {
      const table = tables.get(name) ?? new MemoryTable();
      tables.set(name, table);
      return table;
    },
  };
});

describe('accounts on a table in memory', () =>
  accountStoreContract(async () => ({ store: tableAccounts(new MemoryTable()) })));
