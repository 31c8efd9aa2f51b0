// What waits is brought out. Guarantees: per room it leaves in the order written, one at a time; the sealed bytes are durable before their first try and the
// same bytes go out until they are answered, so that however often a connection or a process dies the room has it once. A message stays here until
// the log on this device shows it, so that it is never out of sight. Messages that the server refuses for good stay, marked, until the app decides.
import type { Accepted } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import type { LocalSend } from '#proto/gen/local.ts';
import type { Event } from '#proto/gen/record.ts';
import { ClientError, countLater, isRetryable } from '../errors.ts';
import { type OutboxChange, type Outgoing, rowOf, type SendChange, Waiting, type WaitingPorts } from './waiting.ts';

/** What the outbox needs of a room. */
export interface SendingRoom {
  readonly room: string;
  /** False while nothing can go out: the other person has not accepted, this device is not confirmed, sending is frozen. */
  maySend(): boolean;
  /** Is it a 1:1 room whose other is gone? Told behind what the room is taking in just now, which may say that they are invited again. */
  deserted(): Promise<boolean>;
  /** Would the other of a 1:1 room not have been given the key at the last try? What waits is tried again, but goes on only when somebody acts. */
  readonly unheard: boolean;
  /** Encrypts (or, for plain kinds, signs off) under a fresh send id, which it makes durable together with `row(sealed)`. Undefined where the
   * message became pointless: it is taken out. */
  seal(send: LocalSend, row: (sealed: LocalSend) => { key: string; value: Uint8Array }): Promise<LocalSend | undefined>;
  /** Brings control chain and records up to the server's head. */
  catchUp(): Promise<void>;
  /** Was it sealed for receivers of whom one has been removed since? */
  outdated(send: LocalSend): boolean;
  /** Is this very event in the log that this device holds? */
  holds(send: LocalSend): Promise<boolean>;
  /** Ids up to and around this one are used up at the hub, though this device does not know by what: goes on well above. */
  skipSendIds(): Promise<void>;
}

/** What the outbox needs of the world. */
export interface OutboxPorts extends WaitingPorts {
  readonly live: () => boolean;
  readonly submit: (room: string, event: Event) => Promise<Accepted>;
  readonly room: (room: string) => SendingRoom | undefined;
  /** The hub says that this device is not listed: look whether that is so. Rejects as requests do. */
  readonly staleManifest: () => Promise<void>;
  /** Runs work whose failure is nobody's answer. */
  readonly background: (work: () => Promise<void>) => void;
  readonly random: () => number;
  readonly count: (name: string) => void;
}

const firstPauseMs = 300;
const longestPauseMs = 30_000;
/** So often a message is sealed anew at full speed. */
const anewTries = 3;

/** The outbox of one device. */
export class Outbox {
  #ports: OutboxPorts;
  #waiting: Waiting;
  #pumping = new Set<string>();
  #again = new Set<string>();
  #tries = new Map<string, number>();
  #timers = new Set<ReturnType<typeof setTimeout>>();
  #closed = false;
  #held = false;
  #drained: (() => void)[] = [];
  #idle: (() => void)[] = [];

  constructor(ports: OutboxPorts) {
    this.#ports = ports;
    const { store, now } = ports;
    this.#waiting = new Waiting({ store, now, changed: (send, change) => this.#changed(send, change) });
  }

  /** Reads what waited when the program ended. Call once, before anything else. */
  load(): Promise<void> {
    return this.#waiting.load();
  }

  /** Takes a message; resolves when it is durable here. The caller shows it at once. */
  async add(outgoing: Outgoing): Promise<LocalSend> {
    const [send] = await this.addAll([outgoing]);
    return send as LocalSend;
  }

  /** Takes messages, and lets go of others that wait, all at once; resolves when that is durable here. */
  async addAll(outgoing: readonly Outgoing[], instead: readonly LocalSend[] = []): Promise<LocalSend[]> {
    const sends = await this.#waiting.addAll(outgoing, instead);
    for (const { room } of sends) this.kick(room);
    return sends;
  }

  /** Takes a message whose row the caller writes with rows of its own. */
  prepare(outgoing: Outgoing): OutboxChange {
    return this.#waiting.prepare(outgoing, () => this.kick(outgoing.room));
  }

  /** See Waiting.arriving. */
  arriving(room: string, header: Uint8Array): OutboxChange | undefined {
    return this.#waiting.arriving(room, header);
  }

  /** All that waits in a room, in order; failed ones included. */
  waiting(room: string): readonly LocalSend[] {
    return this.#waiting.of(room);
  }

  /** Is nothing left that is to go out, now or later? Failed ones do not count. */
  get isEmpty(): boolean {
    return this.#waiting.rooms().every((room) => this.#waiting.of(room).every((send) => send.failed));
  }

  /** See Waiting.stands. */
  stands(send: LocalSend): boolean {
    return this.#waiting.stands(send);
  }

  /** Local id of a message of this device, while it waits and for some time after. */
  localId(room: string, sendId: number): string | undefined {
    return this.#waiting.localId(room, sendId);
  }

  /** The hub's answer to a message that still stands here. */
  accepted(send: LocalSend): Accepted | undefined {
    return this.#waiting.accepted(send);
  }

  /** Tries every room again: the connection is back. */
  kickAll(): void {
    this.#tries.clear();
    for (const room of this.#waiting.rooms()) this.kick(room);
  }

  /** Tries a room again: a member accepted, the chain was brought up to date … A kick while the room is being worked on is not lost. */
  kick(room: string): void {
    if (!this.#isOn()) return;
    if (this.#pumping.has(room)) {
      this.#again.add(room);
      return;
    }
    this.#pumping.add(room);
    this.#ports.background(async () => {
      try {
        do {
          this.#again.delete(room);
          await this.#pump(room);
        } while (this.#again.has(room) && this.#isOn());
      } finally {
        this.#pumping.delete(room);
        if (this.#pumping.size === 0) for (const resolve of this.#idle.splice(0)) resolve();
        this.#tellDrained();
      }
    });
  }

  /** Resolves when nothing waits any more (failed ones do not count) or nothing can move without someone else. */
  drained(): Promise<void> {
    return new Promise((resolve) => {
      this.#drained.push(resolve);
      this.#tellDrained();
    });
  }

  /** Gives a failed message another try. Throws UNKNOWN. */
  async retry(room: string, localId: string): Promise<void> {
    const send = this.#waiting.failed(room, localId);
    await this.#waiting.replace(send, { ...send, failed: 0, event: undefined, sendId: 0 });
    this.kick(room);
  }

  /** Takes a failed message out. Throws UNKNOWN. */
  async discard(room: string, localId: string): Promise<void> {
    await this.#waiting.remove(this.#waiting.failed(room, localId), { to: 'discarded' });
  }

  /** Nothing goes out until `release`; resolves when what was under way is answered, or its answer lost. What is written meanwhile waits. */
  hold(): Promise<void> {
    this.#held = true;
    return new Promise((resolve) => {
      if (this.#pumping.size === 0) resolve();
      else this.#idle.push(resolve);
    });
  }

  /** Ends `hold`. */
  release(): void {
    this.#held = false;
    this.kickAll();
  }

  /** Seq of the newest message of a room that the hub took, and the log here does not show yet; 0 = there is none. */
  acceptedThrough(room: string): number {
    return this.waiting(room).reduce((newest, send) => Math.max(newest, this.accepted(send)?.seq ?? 0), 0);
  }

  /** Stops trying. What waits stays for the next start. */
  close(): void {
    this.#closed = true;
    for (const timer of this.#timers) clearTimeout(timer);
  }

  #isOn(): boolean {
    return !this.#closed && !this.#held && this.#ports.live();
  }

  #changed(send: LocalSend, change: SendChange): void {
    if (change.to === 'failed') this.#ports.count('send.failed');
    else if (change.to !== 'waiting') this.#tries.delete(send.room);
    this.#ports.changed(send, change);
  }

  async #pump(room: string): Promise<void> {
    for (;;) {
      const next = this.#waiting.next(room);
      const target = this.#ports.room(room);
      if (!next || !target || !this.#isOn()) return;
      if (!target.maySend()) return this.#giveUp(target);
      if (!(await this.#attempt(next, target))) return;
    }
  }

  /** Nobody would ever read it: a person is told. What they do not see goes out should the other come back. */
  async #giveUp(target: SendingRoom): Promise<void> {
    if (!(await target.deserted())) return;
    for (const send of [...this.#waiting.of(target.room)]) {
      const isOpen = send.counts && !send.failed && !this.#waiting.accepted(send);
      if (isOpen) await this.#waiting.replace(send, { ...send, failed: Rejection.REJECTION_NOT_MEMBER });
    }
  }

  /** One try of one message. False = stop for now: something will kick again. */
  async #attempt(send: LocalSend, room: SendingRoom): Promise<boolean> {
    // Sealed before someone was removed, who may hold its key: it must not go out any more, whatever the hub would say to it.
    if (send.event && room.outdated(send)) return this.#anew(send, room);
    let sealed: LocalSend | undefined = send;
    try {
      if (!send.event) sealed = await room.seal(send, rowOf);
    } catch (error) {
      return this.#unsealed(send, room, error);
    }
    if (!sealed) {
      await this.#waiting.remove(send, { to: 'discarded' });
      return true;
    }
    // It may have been let go of while it was being sealed.
    if (!(await this.#waiting.sealed(send, sealed))) return true;
    try {
      const accepted = await this.#ports.submit(sealed.room, sealed.event as Event);
      await this.#answered(sealed, room, accepted);
      return true;
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      return this.#refused(sealed, room, error);
    }
  }

  /** Keys could not be brought to everyone, or the room moved meanwhile. Nothing went out; whether it ever can shows by itself. */
  async #unsealed(send: LocalSend, room: SendingRoom, error: unknown): Promise<boolean> {
    if (!(error instanceof ClientError)) throw error;
    this.#ports.count(`unsealed.${error.code}`);
    if (error.code === 'BAD_ARGUMENT') {
      await this.#waiting.replace(send, { ...send, failed: Rejection.REJECTION_BAD_REQUEST });
      return true;
    }
    if (error.rejection !== undefined && !isRetryable(error.rejection)) await this.#catchUp(room);
    this.#later(send.room, error.retryAfterMs);
    return false;
  }

  async #answered(send: LocalSend, room: SendingRoom, accepted: Accepted): Promise<void> {
    // Its record takes it out, unless it came before this program was last started.
    if (await room.holds(send)) await this.#waiting.remove(send, { to: 'accepted', accepted });
    else this.#waiting.answered(send, accepted);
  }

  async #refused(send: LocalSend, room: SendingRoom, error: ClientError): Promise<boolean> {
    const { rejection } = error;
    if (rejection === undefined || isRetryable(rejection)) {
      // No connection, no answer or not now: the same bytes go out again.
      if (rejection !== undefined) this.#ports.count(`rejected.${rejection}`);
      this.#later(send.room, error.retryAfterMs);
      return false;
    }
    this.#ports.count(`rejected.${rejection}`);
    switch (rejection) {
      case Rejection.REJECTION_STALE_STATE:
        return this.#anew(send, room);
      case Rejection.REJECTION_STALE_MANIFEST:
        this.#later(send.room, 0);
        await this.#ports.staleManifest();
        return false;
      case Rejection.REJECTION_TOO_OLD:
      case Rejection.REJECTION_ID_REUSED:
        // A store restored from a copy gives ids out twice; only the log knows whether this very message is in it.
        await room.skipSendIds();
        return this.#anew(send, room);
      default:
        await this.#waiting.replace(send, { ...send, failed: rejection });
        return true;
    }
  }

  /** Seals again behind what the room says now, unless it is in the log after all. */
  async #anew(send: LocalSend, room: SendingRoom): Promise<boolean> {
    if (!(await this.#catchUp(room))) {
      this.#later(send.room, 0);
      return false;
    }
    if (await room.holds(send)) {
      await this.#waiting.remove(send, { to: 'accepted' });
      return true;
    }
    await this.#waiting.replace(send, { ...send, event: undefined, sendId: 0 });
    const tries = this.#tries.get(send.room) ?? 0;
    this.#tries.set(send.room, tries + 1);
    if (tries < anewTries) return true;
    // The hub says stale and shows nothing newer: no use in asking at full speed.
    this.#later(send.room, 0);
    return false;
  }

  async #catchUp(room: SendingRoom): Promise<boolean> {
    try {
      await room.catchUp();
      return true;
    } catch (error) {
      countLater(this.#ports.count, error);
      return false;
    }
  }

  #later(room: string, atLeastMs: number): void {
    // Without a connection the next session kicks.
    if (!this.#isOn()) return;
    const tries = this.#tries.get(room) ?? 0;
    this.#tries.set(room, tries + 1);
    const ms = Math.max(atLeastMs, Math.min(firstPauseMs * 2 ** tries, longestPauseMs));
    const timer = setTimeout(
      () => {
        this.#timers.delete(timer);
        this.kick(room);
      },
      ms * (1 + this.#ports.random() / 2),
    );
    this.#timers.add(timer);
  }

  #tellDrained(): void {
    const busy = this.#waiting.rooms().some((name) => {
      const room = this.#waiting.next(name) && this.#ports.room(name);
      return room?.maySend() && !room.unheard;
    });
    if (busy || this.#pumping.size > 0) return;
    for (const resolve of this.#drained.splice(0)) resolve();
  }
}
