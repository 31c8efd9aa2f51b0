// Gives memory back to the system while nothing much happens. After many logins V8 keeps the pages of its young generation for the next ones: most of what a
// node with 10,000 idle connections held. Its own memory reducer collects them and keeps them in its pool; a collection of the last resort gives them back.
// One such collection stops this process for about 0.1 s, so it waits for a node that does nothing, and comes once after memory has grown.
import { performance } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

export const restLimits = {
  /** Between two looks, milliseconds. */
  lookMs: 10_000,
  /** So many looks in a row the event loop must have been as good as idle. */
  quietLooks: 3,
  /** The share of time up to which it is. */
  busyShare: 0.05,
  /** Bytes that resident memory must have grown by since it was given back last. */
  grownBytes: 64 * 1024 ** 2,
  /** Live heap, bytes, up to which it is done: the pause grows with it. */
  liveBytes: 192 * 1024 ** 2,
};

/** What it looks at and what it does; the process' own unless a test says otherwise. */
export interface RestPorts {
  /** Share of the time since the last call in which the event loop was busy, 0 to 1. */
  readonly busyShare: () => number;
  readonly memory: () => { readonly rss: number; readonly heapUsed: number };
  readonly collect: () => void;
}

export class Rest {
  readonly #ports: RestPorts;
  #quiet = 0;
  #leastRss = 0;

  constructor(ports: RestPorts = ofThisProcess()) {
    this.#ports = ports;
  }

  /** To be called every `lookMs`. True = memory was given back. */
  look(): boolean {
    this.#quiet = this.#ports.busyShare() <= restLimits.busyShare ? this.#quiet + 1 : 0;
    if (this.#quiet < restLimits.quietLooks) return false;
    const { rss, heapUsed } = this.#ports.memory();
    this.#leastRss = Math.min(this.#leastRss, rss);
    if (rss - this.#leastRss < restLimits.grownBytes || heapUsed > restLimits.liveBytes) return false;
    this.#ports.collect();
    this.#leastRss = this.#ports.memory().rss;
    return true;
  }
}

/** The event loop, memory and collector of this process. */
export function ofThisProcess(): RestPorts {
  // Node shows the collector only where it is asked for at the start; a new context gets it from here on.
  setFlagsFromString('--expose-gc');
  const collect: (options: object) => void = runInNewContext('gc');
  let before = performance.eventLoopUtilization();
  return {
    busyShare: () => {
      const now = performance.eventLoopUtilization();
      const { utilization } = performance.eventLoopUtilization(now, before);
      before = now;
      return utilization;
    },
    memory: () => process.memoryUsage(),
    collect: () => collect({ type: 'major', execution: 'sync', flavor: 'last-resort' }),
  };
}
