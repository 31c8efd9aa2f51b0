// The session's own limits: unit in the name, default here, outcome in the comment. What client and server must agree on stands in
// proto/rules/limits.ts.
import { limits as protocol } from '#proto/rules/limits.ts';

/** What is counted together. Each request costs one, a Subscribe one a room. */
export type RateClass = DeviceRateClass | UserRateClass;
/** Counted per device. */
export type DeviceRateClass = 'submit' | 'read' | 'subscribe' | 'receipt' | 'ephemeral' | 'deviceMessages' | 'backup';
/** Counted per user: all devices share them. */
export type UserRateClass = 'change' | 'query' | 'claim';

/** `burst` at once, then `perSecond` in the long run. */
export interface Rate {
  readonly burst: number;
  readonly perSecond: number;
}

export type Rates = Readonly<Record<RateClass, Rate>>;

/** Over a rate: RATE_LIMITED with the time to wait; ephemeral events are dropped. */
export const defaultRates: Rates = {
  submit: { burst: 60, perSecond: 1 },
  // Lists, pages, snapshots, inbox, own devices: the first sync of 500 rooms passes without a wait.
  read: { burst: 1000, perSecond: 100 },
  // Rooms, not requests: four full reconnects of a user in 1,000 rooms.
  subscribe: { burst: 4000, perSecond: 100 },
  receipt: { burst: 60, perSecond: 5 },
  ephemeral: { burst: 30, perSecond: 5 },
  // Keys for a room of 1,000 members with three devices each are about 60 frames.
  deviceMessages: { burst: 200, perSecond: 10 },
  // Entries of a backup, written or read: 10,000 sessions are some 160 frames, and come without a wait.
  backup: { burst: 400, perSecond: 20 },
  // Keys, signatures, manifests, names and removals of devices; backups begun, opened and ended.
  change: { burst: 60, perSecond: 1 },
  // Of others' keys: 100 users a query, 100 devices a claim. Searches of the directory are queries here, and counted more strictly by whoever serves them.
  query: { burst: 100, perSecond: 2 },
  claim: { burst: 100, perSecond: 2 },
};

/** Of a bot that the provider configured: it talks with many more people than anybody else, and invites every newcomer. A thousand of them at once wait for
 *  none of these. */
export const botRates: Rates = {
  ...defaultRates,
  submit: { burst: 3_000, perSecond: 100 },
  read: { burst: 10_000, perSecond: 500 },
  subscribe: { burst: 40_000, perSecond: 500 },
  deviceMessages: { burst: 2_000, perSecond: 100 },
  query: { burst: 3_000, perSecond: 100 },
  claim: { burst: 3_000, perSecond: 100 },
};

export interface SessionLimits {
  /** Milliseconds from the opened socket to the welcome. Later: HELLO_TIMEOUT. */
  readonly helloTimeoutMs: number;
  /** Requests that wait for their answer. One more: LIMIT_REACHED. */
  readonly requestsMax: number;
  /** Milliseconds for all rooms of a Subscribe to answer. The silent ones are put off. */
  readonly subscribeTimeoutMs: number;
  /** Frames turned down (rate, window, form) within `turnedDownWindowMs`. One more: FLOODING. */
  readonly turnedDownMax: number;
  /** Milliseconds; counted from the first one, then anew. */
  readonly turnedDownWindowMs: number;
  /** Bytes of one answer, which is one frame. Longer: TOO_LARGE in its place, the device asks for less. */
  readonly answerBytesMax: number;
}

export const defaultSessionLimits: SessionLimits = {
  helloTimeoutMs: 10_000,
  requestsMax: protocol.requestsMax,
  subscribeTimeoutMs: 10_000,
  turnedDownMax: 200,
  turnedDownWindowMs: 10_000,
  answerBytesMax: protocol.frameBytesMax,
};

/** Told with a disconnect, milliseconds: how long to stay away. */
export const retryAfterMs = { helloTimeout: 1000, flooding: 60_000 } as const;
