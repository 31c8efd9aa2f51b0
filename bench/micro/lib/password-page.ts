// The script of a page, and of a worker, in which a backup password becomes a key: what `sealHeader` of the SDK takes there, and how long the thread is not given back meanwhile.
// It knows nothing of Node.
import { sealHeader } from '#client/backup/header.ts';

/** What one derivation took, in milliseconds. */
export interface Derived {
  readonly ms: number;
  /** Longest time between two turns of a timer of the thread. */
  readonly timerMs: number;
  /** Longest time between two frames that were drawn; a worker draws none. */
  readonly frameMs?: number;
}

const policy = (
  globalThis as unknown as {
    trustedTypes: { createPolicy(name: string, rules: object): { createScriptURL(address: string): string } };
  }
).trustedTypes.createPolicy('script', { createScriptURL: (address: string) => address });
const isPage = 'document' in globalThis;

async function derive(): Promise<Derived> {
  const seed = new Uint8Array(32).fill(7);
  const secrets = {
    ...{ backupKey: seed, masterSeed: seed, selfSigningSeed: seed, userSigningSeed: seed, listingSeed: seed },
  };
  const timer = gaps((next) => setTimeout(next, 0));
  const frame = isPage ? gaps((next) => requestAnimationFrame(next)) : undefined;
  const began = performance.now();
  await sealHeader({ user: '@a:bench', version: 1, password: 'abacus harvest purple monkey window zebra', secrets });
  const ms = performance.now() - began;
  return { ms, timerMs: timer(), ...(frame ? { frameMs: frame() } : {}) };
}

/** Has itself called again and again; what is returned ends that, and says the longest time between two calls. */
function gaps(schedule: (next: () => void) => unknown): () => number {
  let last = performance.now();
  let longest = 0;
  let over = false;
  const turn = () => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
    if (!over) schedule(turn);
  };
  schedule(turn);
  return () => {
    over = true;
    turn();
    return longest;
  };
}

function deriveInWorker(): Promise<Derived> {
  const worker = new Worker(policy.createScriptURL('/page.js'), { type: 'module' });
  return new Promise<Derived>((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data as Derived);
    worker.onerror = ({ message }) => reject(new Error(message));
  }).finally(() => worker.terminate());
}

/** As in a browser that lacks `scheduler`, where turns are given back with timers. */
async function deriveByTimers(): Promise<Derived> {
  Object.defineProperty(globalThis, 'scheduler', { value: undefined, configurable: true });
  return derive();
}

if (isPage) Object.assign(globalThis, { derive, deriveInWorker, deriveByTimers });
else globalThis.postMessage(await derive());
