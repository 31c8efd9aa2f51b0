// A transport on a port of its own, with its clock in the test's hand.
import type { Connection, Transport, TransportOptions } from '../../transport.ts';
import { Client } from './client.ts';
import { until } from './waiting.ts';

/** Makes a transport of the adapter that is tested. */
export type Create = (options: TransportOptions) => Transport;

/** Starts one that the suite drains after the test. */
export type Serve = (options?: Partial<TransportOptions>) => Promise<Server>;

/** A running transport with its handler's calls recorded. */
export class Server {
  readonly opened: Connection[] = [];
  readonly received: [number, Uint8Array[]][] = [];
  readonly closes: [number, number][] = [];
  readonly faults: unknown[] = [];
  readonly clock = { ms: 1_000_000 };
  readonly transport: Transport;
  onFrames: (connection: Connection, frames: Uint8Array[]) => void = () => {};
  port = 0;
  readonly #wakers = new Set<() => void>();
  #connecting: Promise<unknown> = Promise.resolve();

  constructor(create: Create, options: Partial<TransportOptions> = {}) {
    this.transport = create({
      host: '127.0.0.1',
      port: 0,
      now: () => this.clock.ms,
      random: () => 0,
      onFault: (cause) => this.faults.push(cause),
      handler: {
        onOpen: (connection) => {
          this.opened.push(connection);
          this.#woken();
        },
        onFrames: (connection, frames) => {
          this.received.push([connection.id, frames]);
          this.onFrames(connection, frames);
          this.#woken();
        },
        onClose: (connection, code) => {
          this.closes.push([connection.id, code]);
          this.#woken();
        },
      },
      ...options,
    });
  }

  async listen(): Promise<this> {
    this.port = await this.transport.listen();
    return this;
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}/ws`;
  }

  get http(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Connects and returns both ends; one at a time, so that they belong together. */
  connect(): Promise<[Client, Connection]> {
    const connected = this.#connecting.then(async (): Promise<[Client, Connection]> => {
      const before = this.opened.length;
      const client = await new Client(this.url, { protocol: 'luxchat.1' }).open();
      await this.until(() => this.opened.length > before, 'an open connection');
      return [client, this.opened[before] as Connection];
    });
    this.#connecting = connected;
    return connected;
  }

  until(holds: () => boolean, what: string): Promise<void> {
    return until(holds, this.#wakers, what);
  }

  #woken(): void {
    for (const wake of this.#wakers) wake();
  }
}
