// The script of the worker that a page gives its crypto engine (`PageOptions.worker`). Bundle it beside the app's own.
// Guarantees: what the library writes in here is complete when it is on the disk, as on the page.
import { serveEngine } from '../crypto/worker/serve-engine.ts';
import { makeDurable } from './strict-durability.ts';

serveEngine(
  {
    post: (message) => globalThis.postMessage(message),
    listen: (listener) => globalThis.addEventListener('message', ({ data }) => listener(data)),
  },
  async (store) => {
    if (store) makeDurable(store.name);
    return { store, close: () => {} };
  },
);
