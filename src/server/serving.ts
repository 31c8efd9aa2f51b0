// Requests that no actor answers, on their way to the part of the node that does. Guarantees: one answer each within a bounded time, whatever that part
// does; what is under way at once is bounded, of one user and in all, so that frames never pile up in front of a slow store.
import { rejected } from '#actors/kernel/effects.ts';
import type { AnswerBody, ServedRequest } from '#actors/kernel/messages.ts';
import { Rejection } from '#proto/gen/codes.ts';

/** A request with who asks: both were proven by the session's token. */
export interface Served {
  readonly user: string;
  readonly device: number;
  readonly body: ServedRequest;
}

/** What answers. Rejects where it could not find out: the asker hears UNAVAILABLE. */
export type Serve = (request: Served) => Promise<AnswerBody>;

export const servingLimits = {
  /** Requests under way on this node, each at most a frame: 16 MiB. One more: BUSY. */
  inFlightMax: 256,
  /** Of one user, all their devices on this node. One more: BUSY. */
  userInFlightMax: 16,
  /** Milliseconds until UNAVAILABLE is said; what was asked may yet be done. Longer than a store that repeats a change a few times. */
  timeoutMs: 15_000,
  /** Milliseconds between two failures that are told: a store that is away fails all. */
  failedEveryMs: 1_000,
  /** Told with BUSY, milliseconds. */
  busyRetryMs: 500,
  /** Told with UNAVAILABLE, milliseconds. */
  unavailableRetryMs: 2_000,
};

export interface ServingOptions {
  readonly serve: Serve;
  /** A request failed; one a second. */
  readonly failed: (error: unknown) => void;
  readonly limits?: Partial<typeof servingLimits>;
}

export class Serving {
  readonly #options: ServingOptions;
  readonly #limits: typeof servingLimits;
  readonly #users = new Map<string, number>();
  #inFlight = 0;
  #failureToldMs = 0;

  constructor(options: ServingOptions) {
    this.#options = options;
    this.#limits = { ...servingLimits, ...options.limits };
  }

  /** Requests under way, also those whose asker was told UNAVAILABLE meanwhile. */
  get size(): number {
    return this.#inFlight;
  }

  /** Calls `answer` once, now or later. */
  begin(request: Served, answer: (body: AnswerBody) => void): void {
    const { inFlightMax, userInFlightMax, timeoutMs, busyRetryMs, unavailableRetryMs } = this.#limits;
    const ofUser = this.#users.get(request.user) ?? 0;
    if (this.#inFlight >= inFlightMax || ofUser >= userInFlightMax)
      return answer(rejected(Rejection.REJECTION_BUSY, busyRetryMs));
    this.#inFlight++;
    this.#users.set(request.user, ofUser + 1);
    let waits = true;
    const say = (body: AnswerBody) => {
      if (!waits) return;
      waits = false;
      clearTimeout(timer);
      answer(body);
    };
    const unavailable = () => say(rejected(Rejection.REJECTION_UNAVAILABLE, unavailableRetryMs));
    const timer = setTimeout(unavailable, timeoutMs);
    timer.unref();
    void this.#options
      .serve(request)
      .then(say, (error: unknown) => {
        this.#failed(error);
        unavailable();
      })
      .finally(() => this.#ended(request.user));
  }

  #failed(error: unknown): void {
    const now = Date.now();
    if (Math.abs(now - this.#failureToldMs) < this.#limits.failedEveryMs) return;
    this.#failureToldMs = now;
    this.#options.failed(error);
  }

  #ended(user: string): void {
    this.#inFlight--;
    const left = (this.#users.get(user) ?? 1) - 1;
    if (left === 0) this.#users.delete(user);
    else this.#users.set(user, left);
  }
}

/** Serves nothing: a node without backups. */
export const serveNothing: Serve = async () => rejected(Rejection.REJECTION_UNSUPPORTED);
