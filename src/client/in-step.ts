// Bringing a device in step with its server when a session begins: own devices, inbox, rooms, in this order; then what waits goes out.
// Guarantees: one round at a time; the newest session is brought in step after the one that a lost session left behind; a round that fails while
// the session lives is made again. `synced` holds only for the session that is live.
import type { Welcome } from '#proto/gen/client.ts';
import { ClientError } from './errors.ts';

/** What it needs. */
export interface InStepPorts {
  readonly live: () => boolean;
  /** The work of one round. Rejects as requests do. */
  readonly round: (welcome: Welcome) => Promise<void>;
  /** The session is in step now. */
  readonly done: () => Promise<void>;
  readonly fault: (error: unknown) => void;
  readonly count: (name: string) => void;
  /** Resolves after so long, or when the connection changes. */
  readonly sleep: (ms: number) => Promise<void>;
  readonly random: () => number;
}

const againMs = 500;
const againLongestMs = 15_000;

/** The rounds of one client. */
export class InStep {
  #ports: InStepPorts;
  #session = 0;
  #synced = false;
  #last: Promise<void> = Promise.resolve();

  constructor(ports: InStepPorts) {
    this.#ports = ports;
  }

  /** Was everything compared in the session that is live now? */
  get synced(): boolean {
    return this.#synced;
  }

  /** A session began. */
  begin(welcome: Welcome): void {
    this.end();
    const session = this.#session;
    this.#last = this.#last.then(() => this.#rounds(welcome, session)).catch((error) => this.#ports.fault(error));
  }

  /** The session ended. */
  end(): void {
    this.#session += 1;
    this.#synced = false;
  }

  /** Waits for the round under way. */
  async settled(): Promise<void> {
    await this.#last;
  }

  async #rounds(welcome: Welcome, session: number): Promise<void> {
    for (let attempt = 0; this.#isNow(session); attempt++) {
      if (await this.#round(welcome, session)) return;
      const { random, sleep } = this.#ports;
      await sleep(Math.min(againMs * 2 ** attempt, againLongestMs) * (1 + random() / 2));
    }
  }

  async #round(welcome: Welcome, session: number): Promise<boolean> {
    try {
      await this.#ports.round(welcome);
    } catch (error) {
      if (!(error instanceof ClientError)) this.#ports.fault(error);
      this.#ports.count('sync.failed');
      return false;
    }
    if (!this.#isNow(session)) return true;
    this.#synced = true;
    await this.#ports.done();
    return true;
  }

  #isNow(session: number): boolean {
    return session === this.#session && this.#ports.live();
  }
}
