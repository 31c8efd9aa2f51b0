// Reading the backup back on a device that was not there before: the room that someone looks at first, then by the newest message.
// Within a room of more than one page what its newest lines wait for is asked for before the other pages, which come in no order of time.
// Guarantees: what was read is noted after each page, so that a kill or a lost connection costs one page at most; each page's messages can be read as soon
// as it is here; an entry that no own device sealed for its place is counted and not taken. Does not: fetch messages.

import type { LocalRestore } from '#proto/gen/local.ts';
import { type BackupWork, type RestoredPage, restore, restoreSession } from '../backup/backup.ts';
import type { RoomKey } from '../crypto/ids.ts';
import { ClientError } from '../errors.ts';
import type { Parts } from '../parts.ts';
import type { RoomReplica } from '../room/room.ts';
import type { Rooms } from '../room/rooms.ts';
import type { RestoreProgress } from '../shown.ts';
import { prefixRange } from '../store/store.ts';
import { backupServer } from './backup-requests.ts';
import { readRestore, restoreOf, restoreRow } from './backup-rows.ts';
import type { FilledBackup } from './filling.ts';
import { newestWaiting } from './newest-waiting.ts';

/** Milliseconds between two looks through the backup for one room. */
const lookAgainMs = 10 * 60_000;

/** What reading back needs. */
export interface RestoringPorts {
  readonly parts: () => Parts;
  readonly rooms: () => Pick<Rooms, 'all' | 'get'>;
  /** Is the list of rooms the server's? Before, a room that is missing in it would be taken for read. */
  readonly inStep: () => boolean;
  /** The backup whose key is here. */
  readonly source: () => FilledBackup | undefined;
  /** Sessions came: what waits for them is tried again. */
  readonly keysCame: (keys: readonly RoomKey[]) => Promise<void>;
  /** All that the backup holds of a room is here. */
  readonly roomDone: (room: string) => void;
  readonly changed: () => void;
}

/** Reading back on one device. */
export class Restoring {
  readonly #ports: RestoringPorts;
  #state: LocalRestore | undefined;
  #wanted: string | undefined;
  #running: Promise<void> | undefined;
  #stop = new AbortController();
  #isEnded = false;
  readonly #waiters = new Set<() => void>();
  readonly #lookedMs = new Map<string, number>();

  constructor(ports: RestoringPorts) {
    this.#ports = ports;
  }

  /** Reads what is kept. */
  async load(): Promise<void> {
    this.#state = await readRestore(this.#ports.parts().store);
  }

  /** Undefined: nothing is to be read back. */
  get progress(): RestoreProgress | undefined {
    if (!this.#state) return undefined;
    const { done, sessions, refused } = this.#state;
    return { rooms: this.#ports.rooms().all().length, roomsDone: done.length, sessions, refused };
  }

  /** Everything of this version is to be read. The caller has written the row. */
  begin(version: number): void {
    this.#state = restoreOf(version);
  }

  /** Someone looks at this room: it is read next, or, once history is here, looked through for what can't be shown. */
  want(room: string): void {
    if (!this.#state) this.#lookUp(room);
    if (!this.#state || this.#state.done.includes(room)) return;
    this.#wanted = room;
    this.kick();
  }

  /** Resolves when this room is read back, or can't be just now. */
  async restored(room: string): Promise<void> {
    this.want(room);
    while (this.#running && this.#state && !this.#state.done.includes(room))
      await new Promise<void>((resolve) => this.#waiters.add(resolve));
  }

  /** Goes on where it stood. */
  kick(): void {
    if (this.#isEnded || this.#running || !this.#state || !this.#source() || !this.#ports.inStep()) return;
    const { background } = this.#ports.parts();
    const run = this.#run();
    const ended = () => {
      this.#running = undefined;
      this.#tell();
    };
    this.#running = run.then(ended, ended);
    background(() => run);
  }

  /** Reads everything of the backup once more, whatever was read before: nothing may be missing here when it is replaced. Then nothing is left to be read
   * back, of this version or one before. Rejects as requests do; what was to be read back is then read as before. */
  async readAll(): Promise<void> {
    const source = this.#ports.source();
    if (!source) return;
    await this.#halt();
    try {
      for await (const { imported, refused } of restore(this.#workOn(source), '')) {
        if (refused > 0) this.#ports.parts().count('restore.refused', refused);
        if (imported.length > 0) await this.#ports.keysCame(imported);
      }
    } catch (error) {
      this.kick();
      throw error;
    }
    // Someone may have opened a room meanwhile.
    await this.#halt();
    const left = this.#left();
    this.#state = undefined;
    await this.#ports.parts().store.write([restoreRow(undefined)]);
    for (const { room } of left) this.#ports.roomDone(room);
    this.#tell();
  }

  /** Stops; what is noted stays. */
  async end(): Promise<void> {
    this.#isEnded = true;
    await this.#halt();
  }

  /** Nothing runs when it resolves. */
  async #halt(): Promise<void> {
    this.#stop.abort(new ClientError('CLOSED', 'Reading back was ended.'));
    while (this.#running) await this.#running;
    if (!this.#isEnded) this.#stop = new AbortController();
  }

  /** Another own device may have put a key in that never came here. */
  #lookUp(room: string): void {
    const { parts, inStep, keysCame } = this.#ports;
    const { now, store, background, count } = parts();
    if (!this.#source() || !inStep() || now() - (this.#lookedMs.get(room) ?? -lookAgainMs) < lookAgainMs) return;
    this.#lookedMs.set(room, now());
    background(async () => {
      const waiting = await store.list('undecrypted', { ...prefixRange(`${room} `), limit: 1 });
      const work = waiting.length > 0 ? this.#work() : undefined;
      if (!work) return;
      for await (const { imported } of restore(work, room)) {
        if (imported.length > 0) count('restore.lookedUp', imported.length);
        if (imported.length > 0) await keysCame(imported);
      }
    });
  }

  async #run(): Promise<void> {
    for (let room = this.#next(); room !== undefined; room = this.#next()) await this.#room(room);
    if (!this.#state || !this.#source() || !this.#ports.inStep()) return;
    await this.#ports.parts().store.write([restoreRow(undefined)]);
    this.#state = undefined;
  }

  #next(): string | undefined {
    if (!this.#source()) return undefined;
    const left = this.#left();
    const wanted = left.find(({ room }) => room === this.#wanted);
    const newest = left.sort((a, b) => (b.local.head?.acceptedMs ?? 0) - (a.local.head?.acceptedMs ?? 0))[0];
    return (wanted ?? newest)?.room;
  }

  /** Rooms that are still to be read back. */
  #left(): RoomReplica[] {
    const { done } = this.#state ?? {};
    if (!done) return [];
    const all = this.#ports.rooms().all();
    return all.map(({ replica }) => replica).filter(({ room }) => !done.includes(room));
  }

  async #room(room: string): Promise<void> {
    const work = this.#work();
    const state = this.#state;
    if (!work || !state) return;
    let isFirst = true;
    for await (const page of restore(work, room, state.room === room ? state.after : '')) {
      await this.#take(room, page);
      if (page.next === '') break;
      if (isFirst) await this.#takeNewest(work, room);
      isFirst = false;
      // Another room was opened meanwhile: this one goes on later.
      if (this.#isWanted(this.#wanted, room)) return;
    }
    // Also where the server ended it without saying so: else it would be asked for ever.
    const { done } = this.#state ?? state;
    await this.#keep({ ...(this.#state ?? state), done: [...done, room], room: '', after: '' });
    this.#ports.roomDone(room);
    this.#tell();
  }

  /** What the newest lines wait for, out of the order of pages. After one page, which is all that most rooms have. */
  async #takeNewest(work: BackupWork, room: string): Promise<void> {
    for (const sessionId of await newestWaiting(this.#ports.parts().store, room)) {
      if (this.#isWanted(this.#wanted, room)) return;
      const imported = await restoreSession(work, { room, sessionId });
      if (imported.length > 0) await this.#take(room, { imported, refused: 0, next: this.#state?.after ?? '' });
    }
  }

  async #take(room: string, { imported, refused, next }: RestoredPage): Promise<void> {
    const state = this.#state;
    if (!state) return;
    const { count } = this.#ports.parts();
    await this.#keep({
      ...state,
      room,
      after: next,
      sessions: state.sessions + imported.length,
      refused: state.refused + refused,
    });
    if (imported.length > 0) count('restore.sessions', imported.length);
    if (refused > 0) count('restore.refused', refused);
    if (imported.length > 0) await this.#ports.keysCame(imported);
    this.#tell();
  }

  #isWanted(other: string | undefined, room: string): boolean {
    if (other === undefined || other === room || this.#state?.done.includes(other)) return false;
    return this.#ports.rooms().get(other) !== undefined;
  }

  async #keep(next: LocalRestore): Promise<void> {
    await this.#ports.parts().store.write([restoreRow(next)]);
    this.#state = next;
  }

  #work(): BackupWork | undefined {
    const source = this.#source();
    return source && this.#workOn(source);
  }

  #workOn({ version, keys }: FilledBackup): BackupWork {
    const parts = this.#ports.parts();
    const { user, engine } = parts;
    return { engine, keys, owner: { user, version }, server: backupServer(parts), signal: this.#stop.signal };
  }

  /** The backup that is to be read, where its key is here. */
  #source() {
    const source = this.#ports.source();
    return source && (!this.#state || this.#state.version === source.version) ? source : undefined;
  }

  #tell(): void {
    for (const wake of this.#waiters) wake();
    this.#waiters.clear();
    this.#ports.changed();
  }
}
