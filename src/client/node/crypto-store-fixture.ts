// For the tests of the Node crypto store: an engine on a folder, and the process that is to be killed.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { CryptoLedger } from '../crypto/engine.ts';
import { MemoryLedger } from '../crypto/ledger.ts';
import { openEngine } from '../crypto/olm-engine.ts';
import type { TestServer } from '../crypto/test-server.ts';
import { openCryptoStore } from './crypto-store.ts';
import type { VictimTask } from './crypto-store-victim.ts';

/** Opens `folder` and the engine of one device on it. */
export async function openOnFolder(
  folder: string,
  {
    user,
    device,
    server,
    ledger = new MemoryLedger(),
  }: { user: string; device: string; server: TestServer; ledger?: CryptoLedger },
) {
  const store = await openCryptoStore(folder);
  const engine = await openEngine({ user, device, server: server.portOf(user, device), ledger, store });
  const close = async () => {
    await engine.close();
    store.close();
  };
  return { engine, store, close };
}

/** Starts `crypto-store-victim.ts`; `lines` is what it writes, `ended` resolves when it is gone. */
export function startVictim(folder: string, task: VictimTask) {
  const path = fileURLToPath(new URL('crypto-store-victim.ts', import.meta.url));
  const child = spawn(process.execPath, [path, folder, JSON.stringify(task)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return { lines, ended: once(child, 'exit'), kill: () => child.kill('SIGKILL') };
}
