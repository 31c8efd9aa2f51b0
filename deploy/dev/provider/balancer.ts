// A balancer for development: one address in front of all nodes, so that a client need not name one and is somewhere else when its node is gone. It passes
// bytes on and reads none of them. A connection goes to a node that says it is ready, each in turn, and stays there; where none is, it is closed and the
// client tries again. It knows nothing of TLS, limits or where a connection came from: what a provider runs is in deploy/README.md.
import { createServer, connect as dial, type Socket } from 'node:net';
import { isReady } from './look.ts';

/** A node as it needs it. */
export interface Target {
  readonly url: string;
  readonly opsUrl: string;
  alive(): boolean;
}

export interface Balancer {
  readonly url: string;
  /** Closes the port and ends all connections. */
  close(): void;
}

export interface BalancerOptions {
  readonly host: string;
  readonly port: number;
  /** Asked at each connection. */
  readonly targets: () => readonly Target[];
}

/** Opens its port. Rejects with the error of the system where that can't be done. */
export async function startBalancer({ host, port, targets }: BalancerOptions): Promise<Balancer> {
  const open = new Set<Socket>();
  let turn = 0;
  const server = createServer({ noDelay: true }, (client) => {
    open.add(client);
    // Before it has a node, whatever happens to it is for nobody to know.
    client.on('error', () => client.destroy()).on('close', () => open.delete(client));
    void reach(inTurn(targets(), turn++)).then((node) => {
      if (node === null || client.destroyed) {
        node?.destroy();
        client.destroy();
      } else join(client, node);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen({ host, port }, resolve);
  });
  return {
    url: `http://${host}:${port}`,
    close: () => {
      server.close();
      for (const client of open) client.destroy();
    },
  };
}

function inTurn<T>(all: readonly T[], turn: number): T[] {
  return all.map((_, at) => all[(turn + at) % all.length] as T);
}

/** A connection to the first that is ready and takes one; null where none does. */
async function reach(targets: readonly Target[]): Promise<Socket | null> {
  for (const target of targets) {
    if (!target.alive() || !(await isReady(target.opsUrl))) continue;
    const node = await connect(target.url);
    if (node !== null) return node;
  }
  return null;
}

function connect(url: string): Promise<Socket | null> {
  const { hostname: host, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = dial({ host, port: Number(port), noDelay: true });
    socket.once('connect', () => resolve(socket)).once('error', () => resolve(null));
  });
}

/** When one side is gone, so is the other at once: a client whose node was killed must learn it. */
function join(client: Socket, node: Socket): void {
  node.on('error', () => client.destroy()).on('close', () => client.destroy());
  client.on('close', () => node.destroy());
  client.pipe(node).pipe(client);
}
