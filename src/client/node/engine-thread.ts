// The thread of `threaded-engine.ts`. Its store is opened in here: the library's IndexedDB of one thread is not that of another.
import { parentPort, workerData } from 'node:worker_threads';
import { serveEngine } from '../crypto/worker/serve-engine.ts';
import { openCryptoStore } from './crypto-store.ts';

const port = parentPort;
if (!port) throw new Error('this is a thread of the SDK, and not a program');
const { folder } = workerData as { folder: string | undefined };
serveEngine(
  { post: (message) => port.postMessage(message), listen: (listener) => port.on('message', listener) },
  async () => {
    if (folder === undefined) return { store: undefined, close: () => {} };
    const store = await openCryptoStore(folder);
    return { store, close: () => store.close() };
  },
);
