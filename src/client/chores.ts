// What runs beside everything else: work that nobody waits for, pauses that a changed connection ends, and what is counted. After `close` no pause
// begins work any more.
import type { Counters } from './api.ts';
import type { Connection } from './connection/connection.ts';
import { ClientError } from './errors.ts';

/** What it needs. */
export interface ChoresPorts {
  readonly connection: Pick<Connection, 'state' | 'on'>;
  /** A bug of the SDK, or a local store that can't be written. */
  readonly fault: (error: Error) => void;
  readonly now: () => number;
}

/** The chores of one client. */
export class Chores {
  #ports: ChoresPorts;
  #counters = new Map<string, number>();
  #timers = new Set<ReturnType<typeof setTimeout>>();
  #closed = false;

  constructor(ports: ChoresPorts) {
    this.#ports = ports;
  }

  /** See Luxchat.counters. */
  counters(): Counters {
    return Object.fromEntries(this.#counters);
  }

  count(name: string, by = 1): void {
    this.#counters.set(name, (this.#counters.get(name) ?? 0) + by);
  }

  /** See Parts.background. */
  background(work: () => Promise<void>): void {
    this.quietly(work).catch((error) => this.fault(error));
  }

  /** Work that a lost connection may end: the next session does it again. */
  async quietly(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      this.count(`later.${error.code}`);
      if (error.code === 'STORE' && !this.#closed) this.fault(error);
    }
  }

  fault(error: unknown): void {
    this.count('fault');
    this.#ports.fault(error instanceof Error ? error : new Error(String(error)));
  }

  /** Runs work in the background after so long. */
  later(ms: number, work: () => Promise<void>): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.background(work);
    }, ms);
    this.#timers.add(timer);
  }

  /** Resolves after so long, or when the connection changes. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        stop();
        clearTimeout(timer);
        this.#timers.delete(timer);
        resolve();
      };
      const stop = this.#ports.connection.on('state', done);
      const timer = setTimeout(done, ms);
      this.#timers.add(timer);
    });
  }

  /** See Parts.whenLive. */
  async whenLive(ms: number): Promise<boolean> {
    const { connection, now } = this.#ports;
    const until = now() + ms;
    while (connection.state !== 'live' && connection.state !== 'ended' && now() < until)
      await this.sleep(until - now());
    return connection.state === 'live';
  }

  /** Forgets what waits for its time. */
  close(): void {
    this.#closed = true;
    for (const timer of this.#timers) clearTimeout(timer);
  }
}
