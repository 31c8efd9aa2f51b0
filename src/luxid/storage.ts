// What the OpenID library remembers between two requests, in memory: restarting the stand-in ends the logins that were under way, nothing else.
// Bounded: when full the oldest entry goes.

/** Entries of all kinds together; about 1 KiB each. */
const entriesMax = 100_000;

interface Entry {
  readonly payload: Payload;
  readonly expiresMs: number;
}
type Payload = Record<string, unknown>;

/** The storage adapter as `oidc-provider` wants it: a function from a kind of thing to its table. */
export function memoryStorage(now: () => number = Date.now): (kind: string) => object {
  const entries = new Map<string, Entry>();
  const find = (key: string): Payload | undefined => {
    const entry = entries.get(key);
    if (entry === undefined || entry.expiresMs > now()) return entry?.payload;
    entries.delete(key);
    return undefined;
  };
  const put = (key: string, payload: Payload, expiresMs: number) => {
    entries.delete(key);
    if (entries.size >= entriesMax) entries.delete(entries.keys().next().value as string);
    entries.set(key, { payload, expiresMs });
  };
  return (kind) => ({
    async upsert(id: string, payload: Payload, expiresInSeconds: number) {
      const expiresMs = now() + expiresInSeconds * 1000;
      put(`${kind} ${id}`, payload, expiresMs);
      if (kind === 'Session') put(`Session uid ${String(payload.uid)}`, { id }, expiresMs);
    },
    async find(id: string) {
      return find(`${kind} ${id}`);
    },
    async findByUid(uid: string) {
      const id = find(`Session uid ${uid}`)?.id;
      return typeof id === 'string' ? find(`Session ${id}`) : undefined;
    },
    async findByUserCode() {
      return undefined;
    },
    async consume(id: string) {
      const entry = entries.get(`${kind} ${id}`);
      if (entry) entry.payload.consumed = Math.floor(now() / 1000);
    },
    async destroy(id: string) {
      entries.delete(`${kind} ${id}`);
    },
    async revokeByGrantId(grantId: string) {
      for (const [key, entry] of entries) if (entry.payload.grantId === grantId) entries.delete(key);
    },
  });
}
