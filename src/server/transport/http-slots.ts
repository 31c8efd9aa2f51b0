// Who may have an HTTP request answered just now: so many at once on this node, only so many of them from one source, and each with its whole body
// within a time. Guarantees that no source can take all places, nor hold one by sending slowly. It reads no clock: time is passed in.
import type { TransportLimits } from './limits.ts';

/** A place that a request takes. */
export interface HttpSlot {
  /** The body is whole. False where that came too late: the request was refused meanwhile. */
  bodyCame(): boolean;
  /** Answered, or the client is gone. Safe to repeat. */
  release(): void;
}

export class HttpSlots {
  readonly #limits: TransportLimits;
  readonly #perSource = new Map<string, number>();
  // In order of their deadline, as every body has equally long.
  readonly #reading = new Map<HttpSlot, { readonly deadlineMs: number; readonly late: () => void }>();
  #open = 0;

  constructor(limits: TransportLimits) {
    this.#limits = limits;
  }

  /** Requests being read or answered. */
  get open(): number {
    return this.#open;
  }

  /** A place for a request of this source, or undefined where there is none. `late` is called once if the body is not whole in time. */
  take(source: string, nowMs: number, late: () => void): HttpSlot | undefined {
    const { httpRequestsMax, httpRequestsPerSourceMax, httpBodyMs } = this.#limits;
    const own = this.#perSource.get(source) ?? 0;
    if (this.#open >= httpRequestsMax || own >= httpRequestsPerSourceMax) return undefined;
    this.#open += 1;
    this.#perSource.set(source, own + 1);
    let taken = true;
    const slot: HttpSlot = {
      bodyCame: () => this.#reading.delete(slot),
      release: () => {
        this.#reading.delete(slot);
        if (taken) this.#released(source);
        taken = false;
      },
    };
    this.#reading.set(slot, { deadlineMs: nowMs + httpBodyMs, late });
    return slot;
  }

  /** Tells those whose body is late; call it now and then. */
  sweep(nowMs: number): void {
    for (const [slot, { deadlineMs, late }] of this.#reading) {
      if (deadlineMs > nowMs) return;
      this.#reading.delete(slot);
      late();
    }
  }

  #released(source: string): void {
    this.#open -= 1;
    const own = (this.#perSource.get(source) ?? 0) - 1;
    if (own > 0) this.#perSource.set(source, own);
    else this.#perSource.delete(source);
  }
}
