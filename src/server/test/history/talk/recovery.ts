// Becoming live in all rooms on a fresh connection, and staying it: subscribe, fetch up to the heads, and whenever pushed records leave a gap fetch
// that. Believes what the server says; whether it was true is found out from the recording.
import { Rejected } from '#bench/lib/raw-client.ts';
import type { Placed } from '../events.ts';
import type { Recorder } from '../recorder.ts';
import type { Waited } from './back-off.ts';
import type { Connection } from './connection.ts';
import { placed, type RoomFrame } from './frames.ts';
import type { View } from './view.ts';

interface Parts {
  readonly connection: Connection;
  /** Of the connection, in the recording. */
  readonly number: number;
  readonly device: string;
  readonly views: ReadonlyMap<string, View>;
  readonly recorder: Recorder;
  readonly waited: Waited;
}

/** Rooms a Subscribe may name. */
const roomsAtOnce = 160;

export class Recovery {
  readonly #parts: Parts;
  /** Rooms that are being fetched, or not yet live: what leaves a gap there is looked at afterwards. */
  readonly #fetching: Set<string>;
  /** Heads that hints named, of rooms that are being fetched. */
  readonly #hinted = new Map<string, number>();
  /** Rooms that are not live yet. */
  readonly #opening: Set<string>;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#opening = new Set(parts.views.keys());
    this.#fetching = new Set(parts.views.keys());
  }

  /** Are all rooms live? */
  get done(): boolean {
    return this.#opening.size === 0;
  }

  start(): void {
    const rooms = [...this.#parts.views.keys()];
    for (let at = 0; at < rooms.length; at += roomsAtOnce)
      this.#quietly(this.#subscribe(rooms.slice(at, at + roomsAtOnce)));
  }

  /** The device has come into one more room. */
  enter(room: string): void {
    this.#opening.add(room);
    this.#fetching.add(room);
    this.#quietly(this.#subscribe([room]));
  }

  /** The device is out of a room: what is under way there is given up. */
  leave(room: string): void {
    this.#opening.delete(room);
    this.#fetching.delete(room);
    this.#hinted.delete(room);
  }

  /** Asks for what came after a seq in a room that the device is out of: what it gets is recorded, and nothing is right. */
  async peek(room: string, after: number): Promise<void> {
    const { connection, number, recorder } = this.#parts;
    const value = { room, fromSeq: after + 1, throughSeq: 0, limit: 200, newestFirst: false };
    const page = await connection.ask({ $case: 'fetchRecords', value }, 'recordPage').catch(() => null);
    if (page === null) return;
    recorder.note({ kind: 'delivered', connection: number, room, by: 'fetch', records: placed(page.records) });
  }

  /** Records were pushed; those of a room that the device is out of are recorded, too. */
  pushed({ room, records }: RoomFrame): void {
    const view = this.#parts.views.get(room);
    if (view === undefined) {
      const { number, recorder } = this.#parts;
      recorder.note({ kind: 'delivered', connection: number, room, by: 'push', records });
      return;
    }
    this.#take(view, 'push', records);
    if (view.gap !== null && !this.#fetching.has(room)) this.#quietly(this.#fill(view));
  }

  /** A hint says that there is more. */
  headMoved(room: string, headSeq: number): void {
    const view = this.#parts.views.get(room);
    if (view === undefined || view.position >= headSeq) return;
    this.#hinted.set(room, headSeq);
    if (!this.#fetching.has(room)) this.#quietly(this.#fill(view));
  }

  async #subscribe(names: readonly string[]): Promise<void> {
    const { connection, views, number, recorder } = this.#parts;
    let rooms = [...names];
    for (let tries = 1; rooms.length > 0; tries++) {
      for (const room of rooms) recorder.note({ kind: 'asked', connection: number, room });
      const value = { rooms };
      const answer = await this.#patiently(() => connection.ask({ $case: 'subscribe', value }, 'subscribed'));
      if (answer === null) return;
      await Promise.all(
        answer.rooms.map(async ({ room, headSeq }) => {
          const view = views.get(room);
          if (view !== undefined) await this.#recover(view, headSeq);
          this.#opening.delete(room);
        }),
      );
      // A member is refused by nobody who knows the room: that is asked again as well, and if it lasts the recording shows it.
      rooms = [...answer.deferred, ...answer.refused].filter((room) => views.has(room));
      if (rooms.length > 0) await this.#parts.waited(tries);
    }
  }

  async #recover(view: View, headSeq: number): Promise<void> {
    const from = view.position + 1;
    await this.#fetch(view, from, headSeq);
    if (!this.#isIn(view)) return;
    const { number, recorder } = this.#parts;
    recorder.note({ kind: 'recovered', connection: number, room: view.room, from, through: headSeq, gap: false });
    await this.#fill(view);
  }

  /** Fetches what is missing until nothing is; what does not come is asked for again after a while. */
  async #fill(view: View): Promise<void> {
    this.#fetching.add(view.room);
    for (let tries = 0; this.#isIn(view); tries++) {
      const hinted = this.#hinted.get(view.room) ?? 0;
      const through = Math.max(hinted, view.gap?.through ?? 0);
      if (view.position >= through) break;
      if (tries > 0) await this.#parts.waited(tries);
      await this.#fetch(view, view.position + 1, through);
    }
    if (!this.#isIn(view)) return;
    this.#hinted.delete(view.room);
    this.#fetching.delete(view.room);
  }

  async #fetch(view: View, from: number, through: number): Promise<void> {
    const { connection } = this.#parts;
    const { room } = view;
    for (let next = from; next > 0 && next <= through; ) {
      const value = { room, fromSeq: next, throughSeq: through, limit: 200, newestFirst: false };
      const ask = () => connection.ask({ $case: 'fetchRecords', value }, 'recordPage');
      const page = await this.#patiently(ask, () => this.#isIn(view));
      if (page === null) return;
      this.#take(view, 'fetch', placed(page.records));
      next = page.nextSeq;
    }
  }

  #take(view: View, by: 'push' | 'fetch', records: readonly Placed[]): void {
    const { number, recorder, device } = this.#parts;
    const { room } = view;
    recorder.note({ kind: 'delivered', connection: number, room, by, records });
    if (!this.#isIn(view)) return;
    view.take(records, ({ from, through }) => recorder.note({ kind: 'shown', device, room, from, through }));
  }

  /** False once the device is out of the room, also where it has come back since. */
  #isIn(view: View): boolean {
    return this.#parts.views.get(view.room) === view;
  }

  /** The same again where the server asks for patience; null where it is not wanted any more. */
  async #patiently<T>(ask: () => Promise<T>, wanted = () => true): Promise<T | null> {
    for (let tries = 1; ; tries++) {
      try {
        return await ask();
      } catch (error) {
        if (!(error instanceof Rejected)) throw error;
        if (!wanted()) return null;
        await this.#parts.waited(tries, error.retryAfterMs);
      }
    }
  }

  /** Whatever stops it ends the connection, and the next one begins anew. */
  #quietly(work: Promise<void>): void {
    work.catch(() => this.#parts.connection.cut());
  }
}
