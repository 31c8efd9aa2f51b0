// What messages are compared with: a bare uWebSockets.js relay that publishes what comes to the room of the sender, and does nothing else.

import type * as Uws from 'uWebSockets.js';
import { createRequire } from 'node:module';
import { serveCalls } from '../micro/lib/child.ts';
import { cpuMicros } from '../micro/lib/figures.ts';

const uws = createRequire(import.meta.url)('uWebSockets.js') as typeof Uws;
const app = uws.App();

app.ws<{ room: string }>('/*', {
  maxBackpressure: 64 * 1024 * 1024,
  idleTimeout: 960,
  sendPingsAutomatically: false,
  upgrade: (response, request, context) => {
    response.upgrade(
      { room: request.getUrl() },
      request.getHeader('sec-websocket-key'),
      request.getHeader('sec-websocket-protocol'),
      request.getHeader('sec-websocket-extensions'),
      context,
    );
  },
  open: (socket) => {
    socket.subscribe(socket.getUserData().room);
  },
  message: (socket, message) => {
    app.publish(socket.getUserData().room, message, true);
  },
});

serveCalls({
  cpu: () => cpuMicros(),
  listen: () =>
    new Promise<number>((resolve) => {
      app.listen('127.0.0.1', 0, (token) => resolve(token === false ? 0 : uws.us_socket_local_port(token)));
    }),
});
