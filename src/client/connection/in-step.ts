// Bringing a device in step with its server when a session begins: own devices, inbox, rooms, in this order; then what waits goes out.
// Guarantees: one round at a time; the newest session is brought in step after the one that a lost session left behind; a round that fails while
// the session lives is made again. `synced` holds only for the session that is live, and not before all that was told during the round was followed.
import type { Welcome } from '#proto/gen/client.ts';
import { ClientError } from '../errors.ts';

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
  /** What was told before the session was in step, by what it is about. */
  #due = new Map<string, () => Promise<void>>();

  constructor(ports: InStepPorts) {
    this.#ports = ports;
  }

  /** Was everything compared in the session that is live now? */
  get synced(): boolean {
    return this.#synced;
  }

  /** Follows what the server told about `name`: now, or, while a round is under way, at its end and before `synced`; of several the newest. */
  async follow(name: string, work: () => Promise<void>): Promise<void> {
    if (this.#synced) await work();
    else this.#due.set(name, work);
  }

  /** Everything is asked for anew: the answers say what was told until now. */
  askedAnew(): void {
    this.#due.clear();
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
      for (let [next] = this.#due; next; [next] = this.#due) await this.#followDue(...next);
    } catch (error) {
      if (!(error instanceof ClientError)) this.#ports.fault(error);
      this.#ports.count('sync.failed');
      return false;
    }
    if (!this.#isNow(session)) return true;
    // No wait since nothing was due: what is told from now on is followed at once.
    this.#synced = true;
    await this.#ports.done();
    return true;
  }

  async #followDue(name: string, work: () => Promise<void>): Promise<void> {
    await work();
    // It may have been told once more meanwhile.
    if (this.#due.get(name) === work) this.#due.delete(name);
  }

  #isNow(session: number): boolean {
    return session === this.#session && this.#ports.live();
  }
}
