import { directoryContract } from '../directory.contract.ts';
import { MemoryDirectory } from './directory.ts';

directoryContract('memory', async () => {
  const store = new MemoryDirectory();
  return { store, reopen: async () => store };
});
