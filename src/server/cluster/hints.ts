// Which nodes are alive, as Redis remembers for two and a half seconds, and a call that wakes the others when that changes. Hints only: that Redis is
// gone, empty or wrong loses nothing. Without it nodes still find each other by the register in the store and keep their links; what they can't do is
// tell a dead node from one that they can't reach, so they wait longer (cluster.ts).
import { Redis } from 'ioredis';
import type { NodePlace } from './links.ts';

/** How a node shows that it is there. */
export interface NodeSign extends NodePlace {
  /** It is about to stop. */
  readonly leaving: boolean;
}

/** A sign as the others see it. */
export interface SeenSign extends NodeSign {
  /** How long before the look it was shown, by the clock of Redis, milliseconds: a node that runs shows itself again every `lookMs`. */
  readonly ageMs: number;
}

export interface Hints {
  /** Whether the last look succeeded, within `lookMs` twice over. */
  readonly reachable: boolean;
  /** What went wrong first since Redis answered last; undefined = nothing. */
  readonly trouble: unknown;
  /** Nodes with a sign of life that is younger than `aliveMs`, at the last look that succeeded. */
  readonly alive: readonly SeenSign[];
  /** Looks now, not only when it is time to: somebody is in doubt. */
  look(): void;
  /** What this node shows from now on; shown at once. */
  show(sign: NodeSign): void;
  close(): Promise<void>;
}

/** Times, milliseconds. */
export const hintLimits = {
  /** Between two signs of life, and two looks at the others'. */
  lookMs: 500,
  /** A sign is forgotten after this. */
  aliveMs: 2_500,
  /** The names of all are forgotten when nobody has shown a sign for this; a name alone, when somebody looks and its sign is gone. */
  namesMs: 60_000,
  /** An answer of Redis that takes longer is none. */
  answerMs: 1_000,
};

/** One step, so that a node that comes back meanwhile keeps its name. Keys: the names, then the signs. */
const forgetScript = `for n, node in ipairs(ARGV) do
  if redis.call('exists', KEYS[n + 1]) == 0 then redis.call('srem', KEYS[1], node) end
end`;

export interface RedisHintsOptions {
  /** `redis://…`, `rediss://…`, `host:port` or the path of a socket. */
  readonly redis: string;
  readonly provider: string;
  /** No name: the default user. */
  readonly credentials?: { readonly username: string; readonly password: string };
  /** PEM texts, with `rediss://…`: the authority that signs the certificate of Redis, and what this end shows. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
  /** Something may have changed. */
  readonly changed: () => void;
}

export class RedisHints implements Hints {
  readonly #commands: Redis;
  readonly #calls: Redis;
  readonly #prefix: string;
  readonly #changed: () => void;
  readonly #timer: NodeJS.Timeout;
  #sign: NodeSign | null = null;
  #alive: readonly SeenSign[] = [];
  #seenMs = Number.NEGATIVE_INFINITY;
  #looking: Promise<void> | null = null;
  /** Something changed during a look. */
  #again = false;
  #closed = false;
  #trouble: unknown;

  constructor({ redis, provider, credentials, tls, changed }: RedisHintsOptions) {
    // Nothing waits for Redis: what can't be said now is said at the next look.
    const options = {
      lazyConnect: true,
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      commandTimeout: hintLimits.answerMs,
      connectTimeout: hintLimits.answerMs,
      ...(credentials === undefined ? {} : { password: credentials.password }),
      ...(credentials === undefined || credentials.username === '' ? {} : { username: credentials.username }),
      ...(tls === undefined ? {} : { tls: { ...tls, rejectUnauthorized: true } }),
      retryStrategy: (times: number) => Math.min(100 * times, 1_000),
    };
    this.#commands = new Redis(redis, options);
    this.#calls = new Redis(redis, { ...options, autoResubscribe: true });
    this.#prefix = `luxchat:{${provider}}:`;
    this.#changed = changed;
    for (const client of [this.#commands, this.#calls]) {
      client.on('error', (cause) => this.#failed(cause));
      void this.#hinted(client.connect());
    }
    this.#calls.on('ready', () => this.#hinted(this.#calls.subscribe(`${this.#prefix}changed`)));
    this.#calls.on('message', () => void this.#look());
    this.#timer = setInterval(() => void this.#look(), hintLimits.lookMs);
  }

  get reachable(): boolean {
    return performance.now() - this.#seenMs < hintLimits.lookMs * 2 + hintLimits.answerMs;
  }

  get trouble(): unknown {
    return this.#trouble;
  }

  get alive(): readonly SeenSign[] {
    return this.#alive;
  }

  look(): void {
    void this.#look();
  }

  show(sign: NodeSign): void {
    this.#sign = sign;
    void this.#look().then(() => this.#hinted(this.#commands.publish(`${this.#prefix}changed`, '')));
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    const sign = this.#sign;
    if (sign !== null) {
      await this.#hinted(this.#commands.del(this.#key(sign.node)));
      await this.#hinted(this.#commands.publish(`${this.#prefix}changed`, ''));
    }
    this.#commands.disconnect();
    this.#calls.disconnect();
  }

  /** Shows this node and reads the others. */
  #look(): Promise<void> {
    this.#again = true;
    this.#looking ??= this.#lookOn().finally(() => {
      this.#looking = null;
    });
    return this.#looking;
  }

  async #lookOn(): Promise<void> {
    while (this.#again && !this.#closed) {
      this.#again = false;
      await this.#lookOnce();
      if (!this.#closed) this.#changed();
    }
  }

  async #lookOnce(): Promise<void> {
    try {
      const sign = this.#sign;
      const names = `${this.#prefix}nodes`;
      if (sign !== null) {
        const shown = this.#commands.pipeline();
        shown.set(this.#key(sign.node), JSON.stringify(sign), 'PX', hintLimits.aliveMs).sadd(names, sign.node);
        shown.pexpire(names, hintLimits.namesMs);
        const failure = (await shown.exec())?.find(([error]) => error !== null)?.[0];
        if (failure != null) throw failure;
      }
      const nodes = await this.#commands.smembers(names);
      const signs = nodes.length === 0 ? [] : await this.#read(nodes);
      this.#alive = signs.filter((sign) => sign !== null && sign !== 'none');
      this.#seenMs = performance.now();
      this.#trouble = undefined;
      await this.#forget(nodes.filter((_, n) => signs[n] === 'none'));
    } catch (cause) {
      // Gone, or too slow: `reachable` says so.
      this.#failed(cause);
    }
  }

  /** What does not come through is said at the next look, or forgotten by itself. */
  async #hinted(asked: Promise<unknown>): Promise<void> {
    await asked.catch((cause) => this.#failed(cause));
  }

  /** The first that says more than that the connection is gone: a question may meet that before the alert was read that says why. */
  #failed(cause: unknown): void {
    if (this.#trouble === undefined || /ECONNRESET|EPIPE|Connection is closed/.test(String(this.#trouble)))
      this.#trouble = cause;
  }

  /** Removes names whose sign is gone. Not all Redis may let a script run: then they stay until nobody shows itself. */
  async #forget(nodes: readonly string[]): Promise<void> {
    if (nodes.length === 0) return;
    const keys = [`${this.#prefix}nodes`, ...nodes.map((node) => this.#key(node))];
    await this.#hinted(this.#commands.eval(forgetScript, keys.length, ...keys, ...nodes));
  }

  /** What each of them shows; 'none' where nothing is there, null where it is no sign. */
  async #read(nodes: readonly string[]): Promise<(SeenSign | 'none' | null)[]> {
    const keys = nodes.map((node) => this.#key(node));
    const asked = this.#commands.pipeline().mget(keys);
    for (const key of keys) asked.pttl(key);
    const [texts, ...lifetimes] = (await asked.exec()) ?? [];
    if (texts === undefined || texts[0] !== null) throw texts?.[0] ?? new Error('no answer');
    return (texts[1] as (string | null)[]).map((text, n) => {
      if (text === null) return 'none';
      const sign = readSign(text);
      // What lives for ever was not shown by a node; it counts as old.
      const leftMs = Math.max(0, Number(lifetimes[n]?.[1] ?? 0));
      return sign && { ...sign, ageMs: Math.max(0, hintLimits.aliveMs - leftMs) };
    });
  }

  #key(node: string): string {
    return `${this.#prefix}node:${node}`;
  }
}

/** Null where it is not there or not a sign: whoever can write to Redis can at most mislead. */
function readSign(text: string): NodeSign | null {
  try {
    const sign = JSON.parse(text) as NodeSign;
    const { node, gen, seat, address, leaving } = sign;
    const good =
      typeof node === 'string' &&
      Number.isSafeInteger(gen) &&
      Number.isSafeInteger(seat) &&
      typeof address === 'string';
    return good ? { node, gen, seat, address, leaving: leaving === true } : null;
  } catch {
    // No JSON, or null.
    return null;
  }
}
