// For tests and benches: the crypto engine of a device in a thread of its own, as a page has it in a worker.
import { Worker } from 'node:worker_threads';
import type { CryptoEngine } from '../crypto/engine.ts';
import { openEngineIn, type RemoteOptions } from '../crypto/worker/remote-engine.ts';

/** Opens it. `folder` is that of the crypto store (see `crypto-store.ts`), opened there; undefined: in memory. Rejects as `openEngine` does, and with what
 * opening the store says. */
export function openThreadedEngine(
  options: Omit<RemoteOptions, 'store'>,
  folder: string | undefined,
): Promise<CryptoEngine> {
  const thread = new Worker(new URL('engine-thread.ts', import.meta.url), { workerData: { folder } });
  const port = {
    post: (message: unknown) => thread.postMessage(message),
    listen: (listener: (message: unknown) => void) => void thread.on('message', listener),
  };
  const died = new Promise<never>((_, reject) => thread.once('error', reject));
  return openEngineIn({ port, died, end: () => thread.terminate() }, options);
}
