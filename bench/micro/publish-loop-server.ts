// The measured process of publish-loop.ts: a bare uWebSockets.js app and the transport side by side, on ports of their own.
// Both publish the same bytes from the same kind of loop; CPU time is taken around the loop, inside this process.

import type * as Uws from 'uWebSockets.js';
import { createRequire } from 'node:module';
import { createTransport } from '#server/transport/create.ts';
import { joinFrames } from '#server/transport/frames.ts';
import { serveCalls } from './lib/child.ts';
import { cpuMicros } from './lib/figures.ts';

const uws = createRequire(import.meta.url)('uWebSockets.js') as typeof Uws;

interface Round {
  readonly kind: 'bare' | 'second' | 'transport';
  readonly frameBytes: number;
  /** Loop turns, and publishes in each. */
  readonly turns: number;
  readonly burst: number;
}

const transport = createTransport('uws', {
  host: '127.0.0.1',
  port: 0,
  limits: {
    upgradesPerSecond: 100_000,
    upgradesBurst: 100_000,
    sourceUpgradesPerSecond: 100_000,
    sourceUpgradesBurst: 100_000,
    // The swarm says nothing.
    helloTimeoutMs: 3_600_000,
  },
  handler: { onOpen: (connection) => connection.subscribe('room'), onFrames: () => {}, onClose: () => {} },
});

const bareApp = () =>
  uws.App().ws('/ws', {
    maxBackpressure: 1024 * 1024,
    idleTimeout: 120,
    sendPingsAutomatically: false,
    open: (socket) => {
      socket.subscribe('room');
    },
  });
// The second is for the self-check: whatever differs between two bare apps is noise.
const apps = { bare: bareApp(), second: bareApp() };

async function listen(): Promise<Record<Round['kind'], number>> {
  const open = (app: Uws.TemplatedApp) =>
    new Promise<number>((resolve) => {
      app.listen('127.0.0.1', 0, (token) => resolve(token === false ? 0 : uws.us_socket_local_port(token)));
    });
  return { bare: await open(apps.bare), second: await open(apps.second), transport: await transport.listen() };
}

/** Publishes and returns the CPU microseconds it took this process until the loop turned once more. */
function round({ kind, frameBytes, turns, burst }: Round): Promise<number> {
  const frame = new Uint8Array(frameBytes).fill(7);
  // What the transport would send for one frame: so both send the same bytes.
  const message = joinFrames([frame]);
  const publish =
    kind === 'transport' ? () => transport.publish('room', frame) : () => apps[kind].publish('room', message, true);
  return new Promise((resolve) => {
    let left = turns;
    const before = cpuMicros();
    const step = () => {
      for (let i = 0; i < burst; i++) publish();
      left -= 1;
      if (left > 0) setImmediate(step);
      // The last publish leaves at the end of the turn after the next one.
      else setImmediate(() => setImmediate(() => setImmediate(() => resolve(cpuMicros() - before))));
    };
    setImmediate(step);
  });
}

serveCalls({
  listen,
  round,
  /** Sockets still subscribed: fewer than there were means that a client was too slow. */
  state: () => ({
    bare: apps.bare.numSubscribers('room'),
    second: apps.second.numSubscribers('room'),
    transport: transport.connections(),
  }),
});
