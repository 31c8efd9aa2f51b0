// Asking for sessions that this device lacks: own devices first, then the backup and the device that wrote the message.
// Guarantees: a session is taken only where this device asked for it, from whom it asked; of an own device's word who made it no more is believed than of the
// backup's; the author's device can give nothing but sessions of its own. Bounded: `askedMax` sessions a minute of either, each again after an hour, then two, at most once a day.
// Does not: outlast a restart, which asks again; decide who is answered (`giving.ts`).
import type { TroubleCause } from '../alarms.ts';
import type { PrivateMessage } from '../crypto/engine.ts';
import type { DeviceId, RoomKey } from '../crypto/ids.ts';
import type { SessionSecret } from '../crypto/keeping.ts';
import { ClientError, wasLost } from '../errors.ts';
import type { Rooms } from '../room/rooms.ts';
import { everyPage, prefixRange } from '../store/store.ts';
import { forEach, type SayingPorts, say, type Told } from './saying.ts';
import { sessionName } from './session-message.ts';

/** Milliseconds from a message that can't be read to the question for its session: mostly the key is on its way. */
export const askAfterMs = 5_000;
/** Milliseconds from the question to own devices until the backup and the author's device are asked. */
export const authorAfterMs = 15_000;
/** Milliseconds until the same session is asked for again; doubles up to the longest. */
export const askAgainMs = 3_600_000;
export const askAgainLongestMs = 86_400_000;
/** Sessions asked for within `roundEveryMs` of own devices, and as many of others: what is lacking in the newest messages of each room first. What is more waits
 * until that time is over. */
export const askedMax = 240;
export const roundEveryMs = 60_000;
/** Sessions whose questions are kept in mind. Those of older messages are not asked for until newer ones came. */
const heldMax = 65_536;

/** Causes that a key undoes. */
export const lacking: ReadonlySet<string> = new Set<TroubleCause>(['NO_KEY', 'WITHHELD', 'UNKNOWN_INDEX']);

/** What asking needs. */
export interface AskingPorts extends SayingPorts {
  readonly rooms: () => Pick<Rooms, 'all'>;
  /** Ids of one's other devices in the newest manifest. */
  readonly otherDevices: () => readonly DeviceId[];
  /** The backup is being read back, so that most of what lacks will come by itself. */
  readonly restoring: () => boolean;
  /** Looks through the backup for what this room lacks. */
  readonly lookUp: (room: string) => void;
  /** Sessions came: what waits for them is tried again. */
  readonly keysCame: (keys: readonly RoomKey[]) => Promise<void>;
  readonly later: (ms: number, work: () => Promise<void>) => void;
}

/** A session that is lacking. */
interface Lacking extends RoomKey {
  /** How many are lacking in newer messages of the room. */
  readonly rank: number;
  /** Undefined: not known, an own device, or more than one claims it. */
  readonly author: Told | undefined;
}

/** How far the questions for a session are. */
interface Asked {
  /** Own devices were asked, and the author was not since. */
  own: boolean;
  /** The device that was asked for its own session. */
  author?: Told;
  times: number;
  dueMs: number;
}

/** The questions of one device. */
export class Asking {
  readonly #ports: AskingPorts;
  readonly #heldMax: number;
  readonly #asked = new Map<string, Asked>();
  #due: number | undefined;
  /** What may still be asked for since `#roundMs`. */
  #left = { own: 0, others: 0 };
  #roundMs = Number.NEGATIVE_INFINITY;

  /** `held`: 65,536; tests give less. */
  constructor(ports: AskingPorts, { held = heldMax } = {}) {
    this.#ports = ports;
    this.#heldMax = held;
  }

  /** There may be messages whose session is lacking. */
  look(): void {
    this.#at(this.#ports.parts().now() + askAfterMs);
  }

  /** How many sessions are lacking that not everybody was asked for yet who may have them. */
  async open(): Promise<number> {
    const isOpen = (asked: Asked | undefined) => !asked || asked.own || asked.dueMs <= this.#ports.parts().now();
    return [...this.#newest(await this.#lacking()).keys()].filter((name) => isOpen(this.#asked.get(name))).length;
  }

  /** Takes sessions that a device gives. `own`: it is a listed device of this user. Durable when it resolves. */
  async take(
    { sender: user, device = '' }: PrivateMessage,
    given: readonly SessionSecret[],
    own: boolean,
  ): Promise<void> {
    const { engine, count } = this.#ports.parts();
    const asked = given.filter((one) => this.#wasAsked(one, { user, device }, own));
    const sessions = own ? asked : await this.#ofAuthor({ user, device }, asked);
    if (sessions.length < given.length) count('keys.notAsked', given.length - sessions.length);
    if (sessions.length === 0) return;
    try {
      const keys = await engine.takeSessions(sessions);
      if (keys.length === 0) return;
      count(own ? 'keys.fromOwn' : 'keys.fromAuthor', keys.length);
      await this.#ports.keysCame(keys);
    } catch (error) {
      if (!(error instanceof ClientError) || error.code !== 'BAD_ARGUMENT') throw error;
      count('keys.malformed');
    }
  }

  #wasAsked(key: RoomKey, { user, device }: Told, own: boolean): boolean {
    const asked = this.#asked.get(sessionName(key));
    if (!asked || own) return asked !== undefined;
    return asked.author?.user === user && asked.author.device === device;
  }

  /** Whatever the message says: what an author's device gives can only be its own. */
  async #ofAuthor({ user, device }: Told, sessions: readonly SessionSecret[]): Promise<SessionSecret[]> {
    if (sessions.length === 0) return [];
    const known = (await this.#ports.parts().engine.devices(user)).find((one) => one.device === device);
    const key = known?.crossSigned ? known.curve25519 : undefined;
    return key ? sessions.map((one) => ({ ...one, sender: { user, device, key } })) : [];
  }

  #at(dueMs: number): void {
    const { parts, later } = this.#ports;
    if (this.#due !== undefined && this.#due <= dueMs) return;
    this.#due = dueMs;
    later(dueMs - parts().now(), async () => {
      // Another round was set for earlier meanwhile.
      if (this.#due !== dueMs) return;
      this.#due = undefined;
      await this.#round();
    });
  }

  async #round(): Promise<void> {
    const { parts, restoring } = this.#ports;
    const { live, confirmed, now, count } = parts();
    // The next session looks again.
    if (!live() || !confirmed()) return;
    if (restoring()) return this.#at(now() + authorAfterMs);
    const lacking = await this.#lacking();
    const all = this.#newest(lacking);
    if (all.size < lacking.size) count('keys.unasked', lacking.size - all.size);
    for (const name of this.#asked.keys()) if (!all.has(name)) this.#asked.delete(name);
    const due = [...all].filter(([name]) => (this.#asked.get(name)?.dueMs ?? 0) <= now());
    due.sort(([, one], [, other]) => one.rank - other.rank);
    const hasOwn = this.#ports.otherDevices().length > 0;
    const ofOwn = due.filter(([name]) => hasOwn && !this.#asked.get(name)?.own);
    const ofOthers = due.filter(([name]) => !hasOwn || this.#asked.get(name)?.own);
    const left = this.#leftNow();
    const [own, others] = [ofOwn.slice(0, left.own), ofOthers.slice(0, left.others)];
    this.#left = { own: left.own - own.length, others: left.others - others.length };
    const questions = new Questions();
    for (const [name, session] of own) this.#askOwn(name, session, questions);
    for (const [name, session] of others) this.#askOthers(name, session, questions);
    this.#goOn(own.length < ofOwn.length || others.length < ofOthers.length);
    await this.#send(questions);
  }

  /** Each message that can't be read makes a round of its own: they share what may be asked for in a minute. */
  #leftNow(): { readonly own: number; readonly others: number } {
    const now = this.#ports.parts().now();
    // A clock that was set back ends it as well.
    if (now >= this.#roundMs && now < this.#roundMs + roundEveryMs) return this.#left;
    this.#roundMs = now;
    return { own: askedMax, others: askedMax };
  }

  /** Sets the next round. */
  #goOn(isMore: boolean): void {
    const { now } = this.#ports.parts();
    let next = Number.POSITIVE_INFINITY;
    // They may be more than a call takes arguments.
    for (const { dueMs } of this.#asked.values()) next = Math.min(next, dueMs);
    if (isMore) this.#at(this.#roundMs + roundEveryMs);
    else if (Number.isFinite(next)) this.#at(Math.max(next, now() + 1));
  }

  #askOwn(name: string, { room, sessionId }: Lacking, questions: Questions): void {
    const { user, now, count } = this.#ports.parts();
    for (const device of this.#ports.otherDevices()) questions.add({ user, device }, { room, sessionId });
    count('keys.askedOwn');
    this.#asked.set(name, { times: 0, ...this.#asked.get(name), own: true, dueMs: now() + authorAfterMs });
  }

  #askOthers(name: string, { author, room, sessionId }: Lacking, questions: Questions): void {
    const { now, count } = this.#ports.parts();
    this.#ports.lookUp(room);
    if (author) {
      questions.add(author, { room, sessionId });
      count('keys.askedAuthor');
    }
    const { times, ...before } = this.#asked.get(name) ?? { times: 0 };
    const dueMs = now() + Math.min(askAgainMs * 2 ** times, askAgainLongestMs);
    this.#asked.set(name, { ...before, ...(author && { author }), own: false, times: times + 1, dueMs });
  }

  async #send(questions: Questions): Promise<void> {
    const { live, now } = this.#ports.parts();
    const reached = new Set<string>();
    const lost = new Set<string>();
    await forEach(questions.all(), async ({ wanted, ...device }) => {
      const names = wanted.map(sessionName);
      try {
        await say(this.#ports, device, { wanted });
        for (const name of names) reached.add(name);
      } catch (error) {
        // A device that can't be asked has had its turn; a connection that went is no answer of anybody.
        if (wasLost(error) || !live()) for (const name of names) lost.add(name);
        throw error;
      }
    }).finally(() => {
      const again = [...lost].filter((name) => !reached.has(name));
      for (const name of again) this.#asked.delete(name);
      if (again.length > 0) this.#at(now() + authorAfterMs);
    });
  }

  /** Those of which it is kept in mind who was asked: of the newest messages of each room. */
  #newest(all: ReadonlyMap<string, Lacking>): ReadonlyMap<string, Lacking> {
    if (all.size <= this.#heldMax) return all;
    const byRank = [...all].sort(([, one], [, other]) => one.rank - other.rank);
    return new Map(byRank.slice(0, this.#heldMax));
  }

  async #lacking(): Promise<Map<string, Lacking>> {
    const waiting = await this.#waiting();
    const found = new Map<string, Lacking>();
    for (const { replica } of this.#ports.rooms().all()) {
      const { room, chain } = replica;
      let rank = 0;
      for (const value of waiting.get(room)?.reverse() ?? []) {
        const [cause = '', sessionId = '', from = ''] = new TextDecoder().decode(value).split(' ');
        if (!lacking.has(cause) || sessionId === '') continue;
        const name = sessionName({ room, sessionId });
        const author = this.#author(from, (member) => chain.user(member));
        const before = found.get(name);
        // Whoever copies another's ciphertext claims the session as well: then neither is asked.
        const agreed = before === undefined || sameAuthor(before.author, author) ? author : undefined;
        found.set(name, { room, sessionId, author: agreed, rank: before?.rank ?? rank++ });
      }
    }
    return found;
  }

  /** What could not be read, by room, oldest first. In a thousand rooms it is none: so they are not asked one by one. */
  async #waiting(): Promise<Map<string, Uint8Array[]>> {
    const { store } = this.#ports.parts();
    const byRoom = new Map<string, Uint8Array[]>();
    for await (const rows of everyPage(store, 'undecrypted', prefixRange('')))
      for (const { key, value } of rows) {
        const room = key.slice(0, key.indexOf(' '));
        const before = byRoom.get(room);
        if (before) before.push(value);
        else byRoom.set(room, [value]);
      }
    return byRoom;
  }

  #author(from: string, userOf: (member: number) => string): Told | undefined {
    const [member = 0, number = 0] = from.split('.').map(Number);
    const { people, user: self } = this.#ports.parts();
    const user = userOf(member);
    const listed = people.get(user)?.manifest.body.devices.find((device) => device.number === number);
    return listed && user !== self ? { user, device: listed.id } : undefined;
  }
}

/** What is asked of whom. */
class Questions {
  readonly #byDevice = new Map<string, Told & { readonly wanted: RoomKey[] }>();

  add({ user, device }: Told, key: RoomKey): void {
    const name = `${user} ${device}`;
    const question = this.#byDevice.get(name) ?? { user, device, wanted: [] };
    question.wanted.push(key);
    this.#byDevice.set(name, question);
  }

  all(): Iterable<Told & { readonly wanted: readonly RoomKey[] }> {
    return this.#byDevice.values();
  }
}

function sameAuthor(one: Told | undefined, other: Told | undefined): boolean {
  return one?.user === other?.user && one?.device === other?.device;
}
