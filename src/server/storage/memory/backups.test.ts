import { backupsContract } from '../backups.contract.ts';
import { MemoryBackups } from './backups.ts';

backupsContract('memory', async () => {
  const store = new MemoryBackups();
  return { store, reopen: async () => store };
});
