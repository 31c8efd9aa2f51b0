// What the night shift is told of requests to Cassandra: how long they took, and how many failed in what way.
import { type FailureKind, failureKind, failureKinds } from './storage/cassandra/failures.ts';
import { Histogram } from './telemetry/histogram.ts';

/** Requests since the start of the process. */
export class StoreRequests {
  /** Answered or not. */
  readonly times = new Histogram();
  readonly failures = new Map<FailureKind, number>(failureKinds.map((kind) => [kind, 0]));

  /** One took so long; `failure` is what it was rejected with. */
  note(ms: number, failure?: unknown): void {
    this.times.note(ms);
    if (failure === undefined) return;
    const kind = failureKind(failure);
    this.failures.set(kind, (this.failures.get(kind) ?? 0) + 1);
  }
}
