// The requests of one log that are under way, and the steps that wait for them. Guarantees: a reply resumes what asked for it, once; whatever may be
// repeated is repeated a bounded number of times. Does not wait by a clock: `attempt` tells the host how long to.
import { LogLost, type Steps, type StoreReply, type StoreRequest, unknownReply } from './requests.ts';

interface Waiting {
  readonly request: StoreRequest;
  readonly attempt: number;
  readonly resume: (reply: StoreReply) => void;
}

export interface TasksOptions {
  readonly attemptsMax: number;
  /** Carries a request out. */
  request(id: number, request: StoreRequest, attempt: number): void;
  /** Some steps can't go on; all is cleared by then. */
  lost(code: LogLost['code']): void;
}

export class Tasks {
  readonly #options: TasksOptions;
  readonly #waiting = new Map<number, Waiting>();
  #requests = 0;

  constructor(options: TasksOptions) {
    this.#options = options;
  }

  /** Walks through the steps, one request after the other. */
  run<T>(steps: Steps<T>, done: (value: T) => void): void {
    this.#advance(steps, done, unknownReply);
  }

  /** One request; `resume` gets its reply, which is `unknown` only for a change of the meta. */
  request(request: StoreRequest, resume: (reply: StoreReply) => void, attempt = 1): number {
    const id = ++this.#requests;
    this.#waiting.set(id, { request, attempt, resume });
    this.#options.request(id, request, attempt);
    return id;
  }

  /** False = nobody waits for it. */
  reply(id: number, reply: StoreReply): boolean {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return false;
    this.#waiting.delete(id);
    const { request, attempt, resume } = waiting;
    if (reply.op !== 'unknown' || request.op === 'casMeta') resume(reply);
    // Everything else is idempotent: the same rows with the same write times, the same stamps, a read.
    else if (attempt < this.#options.attemptsMax) this.request(request, resume, attempt + 1);
    else this.#options.lost('UNAVAILABLE');
    return true;
  }

  /** Replies that are still to come find nobody. */
  clear(): void {
    this.#waiting.clear();
  }

  #advance<T>(steps: Steps<T>, done: (value: T) => void, reply: StoreReply): void {
    let step: IteratorResult<StoreRequest, T>;
    try {
      step = steps.next(reply);
    } catch (error) {
      if (!(error instanceof LogLost)) throw error;
      this.#options.lost(error.code);
      return;
    }
    if (step.done) done(step.value);
    else this.request(step.value, (next) => this.#advance(steps, done, next));
  }
}
