import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { storeContract } from '../contract.ts';
import { EmbeddedStore } from './store.ts';

storeContract({
  name: 'embedded',
  async open(now) {
    const folder = mkdtempSync(join(tmpdir(), 'store-'));
    const store = await EmbeddedStore.open({ folder, now });
    return {
      store,
      reopen: async () => {
        await store.close();
        return await EmbeddedStore.open({ folder, now });
      },
      remove: async () => rmSync(folder, { recursive: true, force: true }),
    };
  },
});
