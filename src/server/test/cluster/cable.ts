// A wire that a test can cut: forwards TCP connections to a server, and drops, holds or refuses them when told. Held bytes arrive when it goes on, as on
// a network that was stuck; a cut ends connections at both ends.
import { connect, createServer, type Server, type Socket } from 'node:net';

type Mode = 'open' | 'held' | 'cut';

export class Cable {
  readonly #server: Server;
  readonly #connect: () => Socket;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  #mode: Mode = 'open';
  /** The port at which nobody listens now. */
  #refusedAt: number | null = null;

  readonly #host: string;

  private constructor(to: () => Socket, host: string) {
    this.#connect = to;
    this.#host = host;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  /** `target`: a port on loopback. `port`: where it listens; any free one where it is 0. `host`: the address of both. */
  static async to(target: number, port = 0, host = '127.0.0.1'): Promise<Cable> {
    const cable = new Cable(() => connect(target, host), host);
    await cable.#listen(port);
    return cable;
  }

  get port(): number {
    return this.#refusedAt ?? (this.#server.address() as { port: number }).port;
  }

  /** Nothing arrives any more, either way; connections stay. */
  hold(): void {
    this.#mode = 'held';
    for (const [a, b] of this.#pairs) {
      a.pause();
      b.pause();
    }
  }

  /** Connections end, and new ones end at once. */
  cut(): void {
    this.#mode = 'cut';
    for (const pair of this.#pairs) end(pair);
  }

  /** Connections end, and new ones are refused, as where nobody listens or a firewall rejects. */
  async refuse(): Promise<void> {
    const { port } = this;
    this.cut();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#refusedAt = port;
  }

  /** Goes on after `refuse`, at the same port. */
  async admit(): Promise<void> {
    await this.#listen(this.port);
    this.#refusedAt = null;
    this.heal();
  }

  /** Goes on; what was held arrives. */
  heal(): void {
    this.#mode = 'open';
    for (const [a, b] of this.#pairs) {
      a.resume();
      b.resume();
    }
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async #listen(port: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, this.#host, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
  }

  #accept(socket: Socket): void {
    if (this.#mode === 'cut') return void socket.destroy();
    const pair = [socket, this.#connect()] as const;
    this.#pairs.add(pair);
    for (const [from, to] of [pair, [pair[1], pair[0]] as const]) {
      from.setNoDelay(true);
      from.on('data', (chunk) => void to.write(chunk));
      from.on('error', () => end(pair));
      from.on('close', () => {
        this.#pairs.delete(pair);
        end(pair);
      });
      if (this.#mode === 'held') from.pause();
    }
  }
}

function end([a, b]: readonly [Socket, Socket]): void {
  a.destroy();
  b.destroy();
}
