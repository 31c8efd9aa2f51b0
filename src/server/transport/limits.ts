// Every limit of the edge in one table: unit in the name, default here, outcome in the comment.
// Limits that protect availability; none of them protects identity (the login has its own).
import { limits as protocol } from '#proto/rules/limits.ts';

/** Limits of one transport. All are positive integers; a zero or a fraction is refused when the transport is created. */
export interface TransportLimits {
  /** One frame, in and out. In: FRAME_TOO_LARGE. Out: a bug, `send` and `publish` throw. */
  readonly frameBytesMax: number;
  /** One WebSocket message, lengths included. In: FRAME_TOO_LARGE. Out: never exceeded, frames move to the next message. */
  readonly messageBytesMax: number;
  /** Frames in one WebSocket message, so that a megabyte of one-byte frames costs nobody a stall. In: MALFORMED_FRAME. Out: never exceeded. */
  readonly messageFramesMax: number;
  /** Bytes that may wait for one socket. More: SLOW_READER. May be overstepped by one batch before it is noticed. */
  readonly backpressureBytesMax: number;
  /** Open WebSockets of this node. More: upgrade answered 503. */
  readonly connectionsMax: number;
  /** Upgrades a second this node admits in the long run; more: 503. */
  readonly upgradesPerSecond: number;
  /** Upgrades at once after a quiet time. */
  readonly upgradesBurst: number;
  /** The same per source (one IPv4 address, one IPv6 /64). */
  readonly sourceUpgradesPerSecond: number;
  readonly sourceUpgradesBurst: number;
  /** Sources remembered. More: the oldest is forgotten, so this one fails open. */
  readonly sourcesMax: number;
  /** From open to the first frame. Later: HELLO_TIMEOUT. */
  readonly helloTimeoutMs: number;
  /** Between two pings to one connection. At most 240,000. */
  readonly heartbeatMs: number;
  /** Pings in a row that may stay unanswered. At the next one: HEARTBEAT_MISSED. */
  readonly pingsUnansweredMax: number;
  /** How long a closed socket may take to read what waits and answer; then it is cut. */
  readonly lingerMs: number;
  /** Body of one HTTP request. More: 413. */
  readonly httpBodyBytesMax: number;
  /** From the head of an HTTP request to the end of its body. Later: 408, and the connection closes. */
  readonly httpBodyMs: number;
  /** HTTP requests being read or answered. More: 503. */
  readonly httpRequestsMax: number;
  /** Of these, from one source. More: 503 for that source, so that the others are served. */
  readonly httpRequestsPerSourceMax: number;
  /** Headers of one HTTP request or upgrade. More: 431. For uWebSockets.js it holds for the whole process: the first transport sets it. */
  readonly httpHeaderBytesMax: number;
  /** Shortest advice of when to come back, and how much is drawn on top of it. */
  readonly retryAfterMinMs: number;
  readonly retryAfterSpreadMs: number;
}

export const defaultLimits: TransportLimits = {
  frameBytesMax: protocol.frameBytesMax,
  messageBytesMax: protocol.messageBytesMax,
  messageFramesMax: protocol.messageFramesMax,
  backpressureBytesMax: 1024 * 1024,
  connectionsMax: 50_000,
  upgradesPerSecond: 500,
  upgradesBurst: 1000,
  sourceUpgradesPerSecond: 20,
  sourceUpgradesBurst: 40,
  sourcesMax: 100_000,
  helloTimeoutMs: 10_000,
  heartbeatMs: 30_000,
  pingsUnansweredMax: 2,
  lingerMs: 5000,
  httpBodyBytesMax: 64 * 1024,
  httpBodyMs: 10_000,
  httpRequestsMax: 1000,
  httpRequestsPerSourceMax: 20,
  httpHeaderBytesMax: 16 * 1024,
  retryAfterMinMs: 500,
  retryAfterSpreadMs: 4500,
};

/** Limits with defaults filled in. Throws a RangeError naming the limit when one is not a positive integer or contradicts another. */
export function completeLimits(given: Partial<TransportLimits> = {}): TransportLimits {
  const limits = { ...defaultLimits, ...given };
  for (const [name, value] of Object.entries(limits)) {
    if (!Number.isSafeInteger(value) || value < 1)
      throw new RangeError(`transport limit ${name} must be a positive integer, not ${value}`);
  }
  if (limits.heartbeatMs > 240_000) throw new RangeError('transport limit heartbeatMs must be at most 240000');
  // A frame longer than this would need a fourth length byte, which `frames.ts` refuses as malformed.
  if (limits.frameBytesMax >= 2 ** 21) throw new RangeError('transport limit frameBytesMax must be below 2 MiB');
  if (limits.frameBytesMax + 3 > limits.messageBytesMax) {
    throw new RangeError('transport limit messageBytesMax must hold one frame of frameBytesMax and its length');
  }
  return limits;
}
