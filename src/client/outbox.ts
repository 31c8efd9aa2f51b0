// What waits to go out. Guarantees: a message is safe on this device before `add` resolves; per room it leaves in the order written, one at a
// time; the sealed bytes are durable before their first try and the same bytes go out until they are answered, so that however often a
// connection or a process dies the room has it once. Messages that the server refuses for good stay, marked, until the app decides.

import type { Accepted } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import type { Content } from '#proto/gen/content.ts';
import { LocalSend } from '#proto/gen/local.ts';
import type { Event, EventKind } from '#proto/gen/record.ts';
import { ClientError, isRetryable } from './errors.ts';
import { type LocalStore, orderedNumber, prefixRange } from './store.ts';

/** What the outbox needs of a room. */
export interface SendingRoom {
  readonly room: string;
  /** False while nothing can go out: the other person has not accepted, this device is not confirmed, sending is frozen. */
  maySend(): boolean;
  /** Encrypts (or, for plain kinds, signs off) under a fresh send id, which it makes durable together with `row(sealed)`. */
  seal(send: LocalSend, row: (sealed: LocalSend) => { key: string; value: Uint8Array }): Promise<LocalSend>;
  /** Brings control chain and records up to the server's head. */
  catchUp(): Promise<void>;
  /** Is the event with this send id of this device in the log that this device holds? */
  holds(sendId: number): Promise<boolean>;
}

/** What the outbox needs of the world. */
export interface OutboxPorts {
  readonly store: LocalStore;
  readonly live: () => boolean;
  readonly submit: (room: string, event: Event) => Promise<Accepted>;
  readonly room: (room: string) => SendingRoom | undefined;
  /** A line changed: waits, is accepted (`accepted` given), failed, or was taken out. */
  readonly changed: (send: LocalSend, accepted?: Accepted) => void;
  readonly now: () => number;
  readonly random: () => number;
  readonly count: (name: string) => void;
}

/** What to send. */
export interface Outgoing {
  readonly room: string;
  readonly kind: EventKind;
  readonly content?: Content;
  readonly counts: boolean;
  readonly plainBody?: Uint8Array;
  readonly slot?: string;
  readonly slotVersion?: number;
}

/** The outbox of one device. */
export class Outbox {
  #ports: OutboxPorts;
  #queues = new Map<string, LocalSend[]>();
  #pumping = new Set<string>();
  #timers = new Set<ReturnType<typeof setTimeout>>();
  #lastPosition = 0;
  #closed = false;
  #drained: (() => void)[] = [];

  constructor(ports: OutboxPorts) {
    this.#ports = ports;
  }

  /** Reads what waited when the program ended. Call once, before anything else. */
  async load(): Promise<void> {
    const rows = await this.#ports.store.list('outbox', { ...prefixRange(''), limit: 100_000 });
    for (const { value } of rows) {
      const send = LocalSend.decode(value);
      this.#lastPosition = Math.max(this.#lastPosition, send.position);
      this.#queue(send.room).push(send);
    }
  }

  /** Takes a message; resolves when it is durable here. The caller shows it at once. */
  async add(outgoing: Outgoing): Promise<LocalSend> {
    const position = Math.max(this.#lastPosition + 1, this.#ports.now());
    this.#lastPosition = position;
    const send: LocalSend = {
      position,
      room: outgoing.room,
      localId: `local.${position}`,
      kind: outgoing.kind,
      content: outgoing.content,
      counts: outgoing.counts,
      writtenMs: this.#ports.now(),
      sendId: 0,
      event: undefined,
      plainBody: outgoing.plainBody ?? new Uint8Array(),
      slot: outgoing.slot ?? '',
      slotVersion: outgoing.slotVersion ?? 0,
      failed: 0,
    };
    this.#queue(send.room).push(send);
    await this.#ports.store.write([{ table: 'outbox', ...rowOf(send) }]);
    this.#ports.changed(send);
    this.kick(send.room);
    return send;
  }

  /** All that waits in a room, in order; failed ones included. */
  waiting(room: string): readonly LocalSend[] {
    return this.#queues.get(room) ?? [];
  }

  /** Tries every room again: the connection is back. */
  kickAll(): void {
    for (const room of this.#queues.keys()) this.kick(room);
  }

  /** Tries a room again: a member accepted, the chain was brought up to date … */
  kick(room: string): void {
    if (this.#closed || this.#pumping.has(room) || !this.#ports.live()) return;
    this.#pumping.add(room);
    this.#pump(room).finally(() => {
      this.#pumping.delete(room);
      this.#tellDrained();
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
    const send = this.#find(room, localId);
    await this.#replace(send, { ...send, failed: 0, event: undefined, sendId: 0 });
    this.kick(room);
  }

  /** Takes a failed message out. Throws UNKNOWN. */
  async discard(room: string, localId: string): Promise<void> {
    await this.#remove(this.#find(room, localId));
  }

  /** Stops trying. What waits stays for the next start. */
  close(): void {
    this.#closed = true;
    for (const timer of this.#timers) clearTimeout(timer);
  }

  async #pump(room: string): Promise<void> {
    for (;;) {
      const next = this.#queue(room).find((send) => !send.failed);
      const target = this.#ports.room(room);
      if (!next || !target || this.#closed || !this.#ports.live() || !target.maySend()) return;
      if (!(await this.#attempt(next, target))) return;
    }
  }

  /** One try of one message. False = stop for now: something will kick again. */
  async #attempt(send: LocalSend, room: SendingRoom): Promise<boolean> {
    let sealed = send;
    try {
      if (!send.event) {
        sealed = await room.seal(send, rowOf);
        this.#swap(send, sealed);
      }
      const accepted = await this.#ports.submit(send.room, sealed.event as Event);
      await this.#remove(sealed, accepted);
      return true;
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      return this.#refused(sealed, room, error);
    }
  }

  async #refused(send: LocalSend, room: SendingRoom, error: ClientError): Promise<boolean> {
    if (error.code !== 'REJECTED' || error.rejection === undefined) {
      // No connection, no answer, or keys could not go out: the same bytes go out again when the connection is back.
      if (this.#ports.live() && error.code !== 'CLOSED') this.#later(send.room, 1000);
      return false;
    }
    this.#ports.count(`rejected.${error.rejection}`);
    if (isRetryable(error.rejection)) {
      this.#later(send.room, error.retryAfterMs || 500);
      return false;
    }
    switch (error.rejection) {
      case Rejection.REJECTION_STALE_STATE:
      case Rejection.REJECTION_STALE_MANIFEST:
        return this.#resealAfterCatchUp(send, room);
      case Rejection.REJECTION_TOO_OLD:
      case Rejection.REJECTION_ID_REUSED:
        // A store restored from a copy gives ids out twice; only the log knows whether this very message is in it.
        return this.#resealAfterCatchUp(send, room);
      default:
        await this.#replace(send, { ...send, failed: error.rejection });
        return true;
    }
  }

  async #resealAfterCatchUp(send: LocalSend, room: SendingRoom): Promise<boolean> {
    try {
      await room.catchUp();
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      if (this.#ports.live()) this.#later(send.room, 1000);
      return false;
    }
    if (await room.holds(send.sendId)) await this.#remove(send);
    else await this.#replace(send, { ...send, event: undefined, sendId: 0 });
    return true;
  }

  #later(room: string, ms: number): void {
    const timer = setTimeout(
      () => {
        this.#timers.delete(timer);
        this.kick(room);
      },
      ms * (1 + this.#ports.random()),
    );
    this.#timers.add(timer);
  }

  async #replace(old: LocalSend, send: LocalSend): Promise<void> {
    this.#swap(old, send);
    await this.#ports.store.write([{ table: 'outbox', ...rowOf(send) }]);
    this.#ports.changed(send);
  }

  async #remove(send: LocalSend, accepted?: Accepted): Promise<void> {
    const queue = this.#queue(send.room);
    const at = queue.findIndex((one) => one.position === send.position);
    if (at >= 0) queue.splice(at, 1);
    await this.#ports.store.write([{ table: 'outbox', key: orderedNumber(send.position), value: undefined }]);
    this.#ports.changed(send, accepted);
  }

  #swap(old: LocalSend, send: LocalSend): void {
    const queue = this.#queue(send.room);
    const at = queue.findIndex((one) => one.position === old.position);
    if (at >= 0) queue[at] = send;
  }

  #find(room: string, localId: string): LocalSend {
    const send = this.waiting(room).find((one) => one.localId === localId && one.failed);
    if (!send) throw new ClientError('UNKNOWN', 'There is no failed message with this id.');
    return send;
  }

  #queue(room: string): LocalSend[] {
    const queue = this.#queues.get(room) ?? [];
    this.#queues.set(room, queue);
    return queue;
  }

  #tellDrained(): void {
    const busy = [...this.#queues].some(
      ([room, queue]) => queue.some((send) => !send.failed) && this.#ports.room(room)?.maySend(),
    );
    if (busy || this.#pumping.size > 0) return;
    for (const resolve of this.#drained.splice(0)) resolve();
  }
}

function rowOf(send: LocalSend): { key: string; value: Uint8Array } {
  return { key: orderedNumber(send.position), value: LocalSend.encode(send).finish() };
}
