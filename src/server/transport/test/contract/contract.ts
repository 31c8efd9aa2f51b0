// The suite that every transport passes, over a factory: real sockets, real clients (`ws`, `fetch`), port 0, no sleeps.
// Each test awaits an event with a deadline; time-outs of the edge itself are driven through `now`.
import { afterEach, describe } from 'vitest';
import type { TransportLimits } from '../../limits.ts';
import type { TransportOptions } from '../../transport.ts';
import { admissionTests, sourceTests } from './admission.ts';
import { backpressureTests, closeTests, timeTests } from './ends.ts';
import { frameTests, turnTests } from './frames.ts';
import { httpTests } from './http.ts';
import { drainTests, listenTests } from './port.ts';
import { proxiedTests } from './proxied.ts';
import { type Create, Server } from './server.ts';

/** Declares the suite for one adapter. */
export function transportContract(name: string, create: Create): void {
  describe(`transport over ${name}`, () => {
    const running: Server[] = [];
    const serve = async (options: Partial<TransportOptions> = {}) => {
      const server = await new Server(create, options).listen();
      running.push(server);
      return server;
    };
    const withLimits = (limits: Partial<TransportLimits>) => serve({ limits });
    afterEach(async () => {
      await Promise.all(running.splice(0).map((server) => server.transport.drain(0)));
    });

    frameTests(serve);
    turnTests(serve);
    closeTests(serve);
    backpressureTests(serve);
    admissionTests(serve, withLimits);
    sourceTests(serve);
    proxiedTests(serve);
    timeTests(serve);
    drainTests(create, serve);
    httpTests(serve);
    listenTests(create, serve);
  });
}
