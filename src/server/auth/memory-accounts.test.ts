import { describe } from 'vitest';
import { accountStoreContract } from './account-store.contract.ts';
import { memoryAccounts } from './memory-accounts.ts';

describe('the account store in memory', () => {
  accountStoreContract(async () => ({ store: memoryAccounts() }));
});
