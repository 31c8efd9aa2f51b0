// The measured process of idle-memory.ts: a transport whose connections subscribe to topics and then say nothing.
import { createTransport } from '#server/transport/create.ts';
import type { TransportKind } from '#server/transport/transport.ts';
import { serveCalls } from './lib/child.ts';

let topics = 0;
let joined = 0;
const transport = createTransport((process.env.TRANSPORT ?? 'uws') as TransportKind, {
  host: '127.0.0.1',
  port: 0,
  limits: {
    upgradesPerSecond: 100_000,
    upgradesBurst: 100_000,
    sourceUpgradesPerSecond: 100_000,
    sourceUpgradesBurst: 100_000,
    helloTimeoutMs: 3_600_000,
  },
  handler: {
    // Ten connections a topic.
    onOpen: (connection) => {
      joined += 1;
      for (let i = 0; i < topics; i++) connection.subscribe(`room${Math.floor(joined / 10)}.${i}`);
    },
    onFrames: () => {},
    onClose: () => {},
  },
});

serveCalls({
  listen: () => transport.listen(),
  topics: (count: number) => {
    topics = count;
  },
  memory: async () => {
    // Twice, with turns between: what finalizers release counts too.
    for (let i = 0; i < 3; i++) {
      globalThis.gc?.();
      await new Promise(setImmediate);
    }
    const { rss, heapUsed, external } = process.memoryUsage();
    return { rss, heapUsed, external, connections: transport.connections() };
  },
});
