// The services that the suites of one test run share: each is started when the first suite asks for it, kept for the others, ended with the run.
// The test runner's main process holds them; suites run in processes of their own and ask over loopback HTTP. A service that can't be had is a failure
// of every suite that asked, and the caller learns their names: none is skipped.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startCassandra } from '../cassandra/cassandra.ts';
import { startRedis } from '../redis/redis.ts';

/** What a suite is told of a Cassandra. */
export interface SharedCassandra {
  readonly contactPoints: readonly string[];
  readonly port: number;
  /** For `nodetool`. */
  readonly node: { readonly jmxPort: number; readonly folder: string };
}

/** What a suite is told of a Redis. */
export interface SharedRedis {
  readonly address: string;
}

/** Answer to a suite. */
export type ServiceAnswer<T> = { readonly service: T } | { readonly failure: string };

/** A service once asked for. */
interface Asked {
  readonly answer: Promise<ServiceAnswer<unknown>>;
  stop(): Promise<void>;
}

/** A suite that asked in vain, and why. */
export interface Refused {
  readonly suite: string;
  readonly failure: string;
}

/** The door for suites. */
export interface SharedServices {
  readonly url: string;
  /** Ends what was started; gives the suites that asked in vain. */
  close(): Promise<readonly Refused[]>;
}

/** How each service is started; a test passes its own. */
export interface ServiceStarts {
  readonly [name: string]: () => Promise<{ service: unknown; stop: () => Promise<void> }>;
}

const realStarts: ServiceStarts = {
  async cassandra() {
    const { contactPoints, port, nodes, stop } = await startCassandra({ nodes: 1 });
    const [first] = nodes;
    const service: SharedCassandra = {
      contactPoints,
      port,
      node: { jmxPort: first?.jmxPort ?? 0, folder: first?.folder ?? '' },
    };
    return { service, stop };
  },
  async redis() {
    const { address, stop } = await startRedis();
    const service: SharedRedis = { address };
    return { service, stop };
  },
};

/** Opens the door; starts nothing yet. */
export async function shareServices(starts: ServiceStarts = realStarts): Promise<SharedServices> {
  const asked = new Map<string, Asked>();
  const refused: Refused[] = [];
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    const name = url.pathname.slice(1);
    const start = starts[name];
    const service = asked.get(name) ?? (start ? ask(start) : undefined);
    if (service) asked.set(name, service);
    const said = (await service?.answer) ?? { failure: `There is no shared service "${name}".` };
    if ('failure' in said) refused.push({ suite: url.searchParams.get('suite') ?? 'a suite', failure: said.failure });
    response.end(JSON.stringify(said));
  };
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.close();
      server.closeAllConnections();
      await Promise.all([...asked.values()].map((service) => service.stop()));
      return refused;
    },
  };
}

function ask(start: ServiceStarts[string]): Asked {
  const started = start();
  return {
    answer: started.then(
      ({ service }) => ({ service }),
      (error: Error) => ({ failure: error.message }),
    ),
    stop: () =>
      started.then(
        ({ stop }) => stop(),
        () => {},
      ),
  };
}
