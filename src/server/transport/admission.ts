// Decides about each WebSocket upgrade before any state is made for it: origin, subprotocol, room left, token buckets.
// Pure but for its buckets: time and randomness are passed in. Refusing costs less than accepting, so a storm stays outside.
import type { TransportLimits } from './limits.ts';

/** Name of the WebSocket subprotocol. A client that offers none is accepted; one that offers only others is not. */
export const subprotocol = 'luxchat.1';

/** What an upgrade request shows. Empty strings stand for absent headers. */
export interface UpgradeRequest {
  readonly source: string;
  readonly origin: string;
  /** Scheme and host that the request itself was made to, such as `https://chat.example`. */
  readonly ownOrigin: string;
  readonly subprotocols: string;
}

/** Either an HTTP refusal (retryAfterMs 0: waiting does not help) or the subprotocol to answer, empty for none. */
export type Admitted =
  | { readonly status: 101; readonly subprotocol: string }
  | { readonly status: 400 | 403 | 503; readonly retryAfterMs: number };

interface Bucket {
  tokens: number;
  filledMs: number;
}

export interface AdmissionOptions {
  readonly limits: TransportLimits;
  readonly allowedOrigins: ReadonlySet<string>;
  readonly now: () => number;
  /** In [0, 1). */
  readonly random: () => number;
}

export class Admission {
  readonly #options: AdmissionOptions;
  readonly #node: Bucket;
  // In order of last use: the first is the one to forget.
  readonly #sources = new Map<string, Bucket>();

  constructor(options: AdmissionOptions) {
    this.#options = options;
    this.#node = { tokens: options.limits.upgradesBurst, filledMs: options.now() };
  }

  /** Advice of when to come back, jittered so that those sent away together do not return together. */
  retryAfterMs(): number {
    const { limits, random } = this.#options;
    return limits.retryAfterMinMs + Math.floor(random() * limits.retryAfterSpreadMs);
  }

  /** Decides about one upgrade and, if it is admitted, takes its tokens. `connections` is how many are open now. */
  admit(request: UpgradeRequest, connections: number): Admitted {
    const { limits, allowedOrigins, now } = this.#options;
    const { origin } = request;
    if (origin !== '' && origin !== request.ownOrigin && !allowedOrigins.has(origin))
      return { status: 403, retryAfterMs: 0 };
    const chosen = chooseSubprotocol(request.subprotocols);
    if (chosen === undefined) return { status: 400, retryAfterMs: 0 };
    if (connections >= limits.connectionsMax) return { status: 503, retryAfterMs: this.retryAfterMs() };
    const nowMs = now();
    const source = this.#sourceBucket(request.source, nowMs);
    refill(source, limits.sourceUpgradesPerSecond, limits.sourceUpgradesBurst, nowMs);
    refill(this.#node, limits.upgradesPerSecond, limits.upgradesBurst, nowMs);
    // A refusal takes nothing: one source in a hurry must not empty the bucket of all.
    if (source.tokens < 1 || this.#node.tokens < 1) return { status: 503, retryAfterMs: this.retryAfterMs() };
    source.tokens -= 1;
    this.#node.tokens -= 1;
    return { status: 101, subprotocol: chosen };
  }

  /** Forgets sources whose bucket is full again; call it now and then. */
  prune(): void {
    const { limits, now } = this.#options;
    const fullAfterMs = (limits.sourceUpgradesBurst / limits.sourceUpgradesPerSecond) * 1000;
    const nowMs = now();
    for (const [source, bucket] of this.#sources) {
      // Ordered by last use: behind the first young one all are young.
      if (nowMs - bucket.filledMs < fullAfterMs) return;
      this.#sources.delete(source);
    }
  }

  #sourceBucket(source: string, nowMs: number): Bucket {
    const { limits } = this.#options;
    const known = this.#sources.get(source);
    this.#sources.delete(source);
    if (known === undefined && this.#sources.size >= limits.sourcesMax) {
      const [oldest] = this.#sources.keys();
      if (oldest !== undefined) this.#sources.delete(oldest);
    }
    const bucket = known ?? { tokens: limits.sourceUpgradesBurst, filledMs: nowMs };
    this.#sources.set(source, bucket);
    return bucket;
  }
}

function refill(bucket: Bucket, perSecond: number, burst: number, nowMs: number): void {
  const passedMs = Math.max(0, nowMs - bucket.filledMs);
  bucket.tokens = Math.min(burst, bucket.tokens + (passedMs * perSecond) / 1000);
  bucket.filledMs = nowMs;
}

function chooseSubprotocol(offered: string): string | undefined {
  if (offered.trim() === '') return '';
  return offered.split(',').some((name) => name.trim() === subprotocol) ? subprotocol : undefined;
}
