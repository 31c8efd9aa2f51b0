// Who hears what on this node: which session belongs to which device, which are live in a room or for their user, which watch a room. A plain
// registry without I/O: the simulator delivers from it, the server mirrors live sets into native publish topics.
// Guarantees: a mark goes to each watching session once until it watches again; a closed session is nowhere. It does not decide who may listen.
import type { Audience } from './effects.ts';

interface Listener {
  readonly session: number;
  readonly user: string;
  readonly device: number;
  quiet: boolean;
  /** Live for its user. */
  own: boolean;
  /** Rooms it is live in, and rooms whose next move it wants to be told of. */
  rooms: Set<string> | null;
  watched: Set<string> | null;
}

const nobody: ReadonlySet<number> = new Set();

/** What a session does not hear any more, and must ask for anew. */
export interface Unheard {
  /** Rooms that it was live in, and rooms that it watched. */
  readonly rooms: readonly string[];
  readonly watched: readonly string[];
  /** It was live for its user. */
  readonly own: boolean;
}

export class Audiences {
  readonly #emptied: ((key: string) => void) | undefined;
  readonly #listeners = new Map<number, Listener>();
  readonly #users = new Map<string, Set<Listener>>();
  readonly #live = new Map<string, Set<number>>();
  readonly #watching = new Map<string, Set<number>>();

  /** `emptied` hears of each room or user that no session is live for or watches any more; not of what `unhear` takes away. */
  constructor(emptied?: (key: string) => void) {
    this.#emptied = emptied;
  }

  /** Sessions with a proven identity. */
  get size(): number {
    return this.#listeners.size;
  }

  /** The token of a session was good: from here it can be found by user and device. Call it before `tokenChecked` is told. */
  enter(session: number, user: string, device: number): void {
    this.close(session);
    const listener = { session, user, device, quiet: false, own: false, rooms: null, watched: null };
    this.#listeners.set(session, listener);
    const own = this.#users.get(user);
    if (own === undefined) this.#users.set(user, new Set([listener]));
    else own.add(listener);
  }

  /** Effect `quiet`: leave this session out of what may be shed. */
  quiet(session: number): void {
    const listener = this.#listeners.get(session);
    if (listener !== undefined) listener.quiet = true;
  }

  /** Effect `join`. False = the session is gone, nothing happened. */
  join(session: number, audience: Audience): boolean {
    const listener = this.#listeners.get(session);
    if (listener === undefined) return false;
    if ('user' in audience) {
      if (listener.user !== audience.user) return false;
      listener.own = true;
      return true;
    }
    const { room } = audience;
    listener.rooms ??= new Set();
    listener.rooms.add(room);
    add(this.#live, room, session);
    if (listener.watched?.delete(room) === true) remove(this.#watching, room, session);
    return true;
  }

  /** Effect `part`; nothing happens if it is not live there. */
  part(session: number, audience: Audience): void {
    const listener = this.#listeners.get(session);
    if (listener === undefined) return;
    if ('user' in audience) {
      if (listener.user === audience.user) this.#disown(listener);
    } else if (listener.rooms?.delete(audience.room) === true) {
      remove(this.#live, audience.room, session);
      this.#look(audience.room);
    }
  }

  /** Effect `watch`: one mark at the room's next move, unless the session is live in it anyway. */
  watch(session: number, room: string): void {
    const listener = this.#listeners.get(session);
    if (listener === undefined || listener.rooms?.has(room) === true) return;
    listener.watched ??= new Set();
    listener.watched.add(room);
    add(this.#watching, room, session);
  }

  /** Effect `evict`: returns the sessions that were live in the room, for the host's own topics. */
  evict(user: string, room: string): number[] {
    const evicted: number[] = [];
    for (const listener of this.#users.get(user) ?? []) {
      const { session } = listener;
      if (listener.watched?.delete(room) === true) remove(this.#watching, room, session);
      if (listener.rooms?.delete(room) !== true) continue;
      remove(this.#live, room, session);
      evicted.push(session);
    }
    this.#look(room);
    return evicted;
  }

  /** The socket is gone. */
  close(session: number): void {
    const listener = this.#listeners.get(session);
    if (listener === undefined) return;
    this.#listeners.delete(session);
    const own = this.#users.get(listener.user);
    own?.delete(listener);
    if (own?.size === 0) this.#users.delete(listener.user);
    this.#disown(listener);
    for (const room of listener.rooms ?? []) remove(this.#live, room, session);
    for (const room of listener.watched ?? []) remove(this.#watching, room, session);
    if (this.#emptied === undefined) return;
    for (const room of listener.rooms ?? []) this.#look(room);
    for (const room of listener.watched ?? []) this.#look(room);
  }

  /** Sessions lose the rooms and users that match, as when their node is gone. Returns what each of them lost. */
  unhear(isLost: (key: string) => boolean): Map<number, Unheard> {
    const found = new Map<number, { rooms: string[]; watched: string[]; own: boolean }>();
    const of = (session: number) => {
      const known = found.get(session) ?? { rooms: [], watched: [], own: false };
      found.set(session, known);
      return known;
    };
    for (const [room, sessions] of this.#live) {
      if (!isLost(room)) continue;
      this.#live.delete(room);
      for (const session of sessions) {
        this.#listeners.get(session)?.rooms?.delete(room);
        of(session).rooms.push(room);
      }
    }
    for (const [room, sessions] of this.#watching) {
      if (!isLost(room)) continue;
      this.#watching.delete(room);
      for (const session of sessions) {
        this.#listeners.get(session)?.watched?.delete(room);
        of(session).watched.push(room);
      }
    }
    for (const [user, listeners] of this.#users) {
      if (!isLost(user)) continue;
      for (const listener of listeners) {
        if (!listener.own) continue;
        listener.own = false;
        of(listener.session).own = true;
      }
    }
    return found;
  }

  /** Is anybody live for this room or user, or watches it? */
  hears(key: string): boolean {
    if (this.#live.has(key) || this.#watching.has(key)) return true;
    for (const listener of this.#users.get(key) ?? []) if (listener.own) return true;
    return false;
  }

  /** The sessions live in a room: valid until the next change. */
  live(room: string): ReadonlySet<number> {
    return this.#live.get(room) ?? nobody;
  }

  /** Whom a `deliver` reaches. `shed` leaves the quiet ones out. */
  *hearers(audience: Audience, shed = false): Generator<number> {
    if ('user' in audience) {
      for (const listener of this.#users.get(audience.user) ?? []) {
        if (listener.own && !(shed && listener.quiet)) yield listener.session;
      }
      return;
    }
    for (const session of this.live(audience.room)) {
      if (!(shed && this.#listeners.get(session)?.quiet === true)) yield session;
    }
  }

  /** The room moved: the sessions to mark now. Each is marked once, until its next `watch`. */
  mark(room: string): number[] {
    const watching = this.#watching.get(room);
    if (watching === undefined) return [];
    this.#watching.delete(room);
    for (const session of watching) this.#listeners.get(session)?.watched?.delete(room);
    this.#look(room);
    return [...watching];
  }

  /** All sessions of a user, or of one device: for `tellSessions` and `disconnectDevice`. A copy. */
  sessionsOf(user: string, device?: number): number[] {
    const sessions: number[] = [];
    for (const listener of this.#users.get(user) ?? []) {
      if (device === undefined || listener.device === device) sessions.push(listener.session);
    }
    return sessions;
  }

  #disown(listener: Listener): void {
    if (!listener.own) return;
    listener.own = false;
    if (this.#emptied === undefined) return;
    for (const other of this.#users.get(listener.user) ?? []) if (other.own) return;
    this.#emptied(listener.user);
  }

  /** Tells if nobody is left. */
  #look(room: string): void {
    if (this.#emptied !== undefined && !this.#live.has(room) && !this.#watching.has(room)) this.#emptied(room);
  }
}

function add(sets: Map<string, Set<number>>, room: string, session: number): void {
  const set = sets.get(room);
  if (set === undefined) sets.set(room, new Set([session]));
  else set.add(session);
}

function remove(sets: Map<string, Set<number>>, room: string, session: number): void {
  const set = sets.get(room);
  set?.delete(session);
  if (set?.size === 0) sets.delete(room);
}
