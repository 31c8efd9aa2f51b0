// What is tried again, and when: messages that could not be read, when a key, a device or a confirmation came; keys that did not reach someone.
import type { TroubleCause } from './alarms.ts';
import type { Chores } from './chores.ts';
import type { RoomKey } from './crypto/ids.ts';
import type { Parts } from './parts.ts';
import type { Rooms } from './room/rooms.ts';

/** Causes that a look at the sender's keys may undo. */
const deviceCauses: ReadonlySet<TroubleCause> = new Set(['UNKNOWN_DEVICE', 'NOT_CROSS_SIGNED', 'IDENTITY_CHANGED']);
const flushAgainMs = 1_500;
// A device whose inbox was full gets the next session key: not sooner or more often than this, since it may stay away.
const renewKeyMs = 10 * 60_000;

/** The repairs of one device. */
export class Repairs {
  #parts: () => Parts;
  #rooms: () => Rooms;
  #chores: Chores;
  #triedAll = false;
  #renewed = new Map<string, number>();

  constructor(parts: () => Parts, rooms: () => Rooms, chores: Chores) {
    this.#parts = parts;
    this.#rooms = rooms;
    this.#chores = chores;
  }

  /** A session is in step. A crash may have come between a key and what waited for it: once a run everything is tried. */
  async inStep(): Promise<void> {
    const all = !this.#triedAll;
    this.#triedAll = true;
    await this.#retry((cause) => all || deviceCauses.has(cause));
  }

  /** Keys came: what waits for them is tried. */
  keysCame(keys: readonly RoomKey[]): Promise<void> {
    const sessions = new Set(keys.map((key) => key.sessionId));
    const rooms = new Set(keys.map((key) => key.room));
    return this.#chores.quietly(() => this.#retry((_, session) => session === '' || sessions.has(session), rooms));
  }

  /** Someone's devices changed. */
  devicesChanged(): Promise<void> {
    return this.#chores.quietly(() => this.#retry((cause) => deviceCauses.has(cause)));
  }

  /** This device was listed: what was withheld from it may come now. */
  confirmed(): void {
    this.#chores.background(() => this.#retry(() => true));
  }

  /** A device did not get the key of this room: a later message goes under a fresh one. */
  renewKey(room: string): void {
    const now = this.#parts().now();
    if (now - (this.#renewed.get(room) ?? 0) < renewKeyMs) return;
    this.#renewed.set(room, now);
    this.#chores.later(renewKeyMs, () => this.#parts().engine.rotate(room));
  }

  /** Brings the engine's requests to the server; those that fail once more. */
  async flush(): Promise<void> {
    const { live, engine, random } = this.#parts();
    if (!live()) return;
    const { failed } = await engine.flush();
    if (failed === 0) return;
    await this.#chores.sleep(flushAgainMs * (1 + random()));
    if (live()) await engine.flush();
  }

  async #retry(test: (cause: TroubleCause, session: string) => boolean, rooms?: ReadonlySet<string>): Promise<void> {
    for (const { replica } of this.#rooms().all()) if (!rooms || rooms.has(replica.room)) await replica.retry(test);
  }
}
