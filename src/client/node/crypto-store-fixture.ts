// For the tests of the Node crypto store: a machine of the crypto library on a folder, and the process to be killed.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { DeviceId, OlmMachine, StoreHandle, UserId } from '@matrix-org/matrix-sdk-crypto-wasm';
import { openCryptoStore } from './crypto-store.ts';

/** Opens `folder` and the machine of one device on it. */
export async function openMachine(folder: string, user: string, device: string) {
  const store = await openCryptoStore(folder);
  const handle = await StoreHandle.openWithKey(store.name, store.key);
  const machine = await OlmMachine.initFromStore(new UserId(user), new DeviceId(device), handle);
  const close = () => {
    machine.close();
    store.close();
  };
  return { machine, close };
}

/** Starts `crypto-store-victim.ts`; `lines` is what it writes, `ended` resolves when it is gone. */
export function startVictim(folder: string, more: readonly string[]) {
  const path = fileURLToPath(new URL('crypto-store-victim.ts', import.meta.url));
  const child = spawn(process.execPath, [path, folder, ...more], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return { lines, ended: once(child, 'exit'), kill: () => child.kill('SIGKILL') };
}
