// What waits to go out. Guarantees: a message is safe on this device before `add` resolves; per room it leaves in the order written, one at a
// time; the sealed bytes are durable before their first try and the same bytes go out until they are answered, so that however often a
// connection or a process dies the room has it once. A message stays here until the log on this device shows it, so that it is never out of
// sight. Messages that the server refuses for good stay, marked, until the app decides.
import type { Accepted } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import type { Content } from '#proto/gen/content.ts';
import { LocalSend } from '#proto/gen/local.ts';
import type { Event, EventKind } from '#proto/gen/record.ts';
import { equalBytes } from '#proto/rules/bytes/bytes.ts';
import { ClientError, isRetryable } from './errors.ts';
import { type LocalChange, type LocalStore, orderedNumber, prefixRange } from './store.ts';

/** What the outbox needs of a room. */
export interface SendingRoom {
  readonly room: string;
  /** False while nothing can go out: the other person has not accepted, this device is not confirmed, sending is frozen. */
  maySend(): boolean;
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

/** What happened to a message. */
export type SendChange =
  | { readonly to: 'waiting' | 'failed' | 'discarded' }
  /** `accepted` is absent where the log showed it before the answer came. */
  | { readonly to: 'accepted'; readonly accepted?: Accepted };

/** What the outbox needs of the world. */
export interface OutboxPorts {
  readonly store: LocalStore;
  readonly live: () => boolean;
  readonly submit: (room: string, event: Event) => Promise<Accepted>;
  readonly room: (room: string) => SendingRoom | undefined;
  /** The hub says that this device is not listed: look whether that is so. Rejects as requests do. */
  readonly staleManifest: () => Promise<void>;
  readonly changed: (send: LocalSend, change: SendChange) => void;
  /** Runs work whose failure is nobody's answer. */
  readonly background: (work: () => Promise<void>) => void;
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

/** Rows of the outbox that go into a write of the caller's, and what follows once that is durable. */
export interface OutboxChange {
  readonly rows: readonly LocalChange[];
  settle(): void;
}

const firstPauseMs = 300;
const longestPauseMs = 30_000;
/** Accepted messages whose local id is still known. */
const namesKept = 1_000;

/** The outbox of one device. */
export class Outbox {
  #ports: OutboxPorts;
  #queues = new Map<string, LocalSend[]>();
  #pumping = new Set<string>();
  #again = new Set<string>();
  #tries = new Map<string, number>();
  #timers = new Set<ReturnType<typeof setTimeout>>();
  #names = new Map<string, string>();
  /** By position: answered, but not in the log here yet. */
  #accepted = new Map<number, Accepted>();
  /** Positions whose rows are being deleted. */
  #leaving = new Set<number>();
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
    const [send] = await this.addAll([outgoing]);
    return send as LocalSend;
  }

  /** Takes messages, and lets go of others that wait, all at once; resolves when that is durable here. */
  async addAll(outgoing: readonly Outgoing[], instead: readonly LocalSend[] = []): Promise<LocalSend[]> {
    const sends = outgoing.map((one) => this.#make(one));
    // In the queue before they are durable: two calls in a row must leave in their order.
    for (const send of sends) this.#queue(send.room).push(send);
    for (const gone of instead) this.#leaving.add(gone.position);
    try {
      await this.#ports.store.write([...sends.map(keptRow), ...instead.map(goneRow)]);
    } catch (error) {
      for (const send of sends) this.#take(send);
      for (const gone of instead) this.#leaving.delete(gone.position);
      throw error;
    }
    for (const gone of instead) this.#leave(gone, { to: 'discarded' });
    for (const send of sends) this.#added(send);
    return sends;
  }

  /** Takes a message whose row the caller writes with rows of its own. */
  prepare(outgoing: Outgoing): OutboxChange {
    const send = this.#make(outgoing);
    const settle = () => {
      this.#queue(send.room).push(send);
      this.#added(send);
    };
    return { rows: [keptRow(send)], settle };
  }

  /** All that waits in a room, in order; failed ones included. */
  waiting(room: string): readonly LocalSend[] {
    return this.#queues.get(room) ?? [];
  }

  /** Local id of a message of this device, while it waits and for some time after. */
  localId(room: string, sendId: number): string | undefined {
    return this.#names.get(`${room} ${sendId}`) ?? this.waiting(room).find((send) => send.sendId === sendId)?.localId;
  }

  /** The hub's answer to a message that still stands here. */
  accepted(send: LocalSend): Accepted | undefined {
    return this.#accepted.get(send.position);
  }

  /** The log on this device is about to show a message of this device, whether its answer came or not: what leaves the store in the record's own
   * write, and what is done once that is durable. Until then the message stands here. */
  arriving(room: string, header: Uint8Array): OutboxChange | undefined {
    const send = this.waiting(room).find((one) => one.event && equalBytes(one.event.header, header));
    if (!send) return undefined;
    this.#leaving.add(send.position);
    return { rows: [goneRow(send)], settle: () => this.#leave(send, { to: 'accepted' }) };
  }

  /** Tries every room again: the connection is back. */
  kickAll(): void {
    this.#tries.clear();
    for (const room of this.#queues.keys()) this.kick(room);
  }

  /** Tries a room again: a member accepted, the chain was brought up to date … A kick while the room is being worked on is not lost. */
  kick(room: string): void {
    if (this.#closed || !this.#ports.live()) return;
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
        } while (this.#again.has(room) && !this.#closed && this.#ports.live());
      } finally {
        this.#pumping.delete(room);
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
    const send = this.#find(room, localId);
    await this.#replace(send, { ...send, failed: 0, event: undefined, sendId: 0 });
    this.kick(room);
  }

  /** Takes a failed message out. Throws UNKNOWN. */
  async discard(room: string, localId: string): Promise<void> {
    await this.#remove(this.#find(room, localId), { to: 'discarded' });
  }

  /** Stops trying. What waits stays for the next start. */
  close(): void {
    this.#closed = true;
    for (const timer of this.#timers) clearTimeout(timer);
  }

  #make(outgoing: Outgoing): LocalSend {
    const position = Math.max(this.#lastPosition + 1, this.#ports.now());
    this.#lastPosition = position;
    return {
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
  }

  #added(send: LocalSend): void {
    this.#ports.changed(send, { to: 'waiting' });
    this.kick(send.room);
  }

  async #pump(room: string): Promise<void> {
    for (;;) {
      const next = this.#queue(room).find((send) => this.#waits(send));
      const target = this.#ports.room(room);
      if (!next || !target || this.#closed || !this.#ports.live() || !target.maySend()) return;
      if (!(await this.#attempt(next, target))) return;
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
      await this.#remove(send, { to: 'discarded' });
      return true;
    }
    if (!this.#stands(send)) {
      // Let go of while it was being sealed, which wrote its row again.
      await this.#ports.store.write([goneRow(send)]);
      return true;
    }
    if (sealed !== send) this.#swap(send, sealed);
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
      await this.#replace(send, { ...send, failed: Rejection.REJECTION_BAD_REQUEST });
      return true;
    }
    if (error.rejection !== undefined && !isRetryable(error.rejection)) await this.#catchUp(room);
    this.#later(send.room, error.retryAfterMs);
    return false;
  }

  async #answered(send: LocalSend, room: SendingRoom, accepted: Accepted): Promise<void> {
    this.#tries.delete(send.room);
    this.#name(send);
    // Its record takes it out, unless it came before this program was last started.
    if (await room.holds(send)) return this.#remove(send, { to: 'accepted', accepted });
    if (this.#stands(send)) this.#accepted.set(send.position, accepted);
    this.#ports.changed(send, { to: 'accepted', accepted });
  }

  #waits(send: LocalSend): boolean {
    return !send.failed && !this.#accepted.has(send.position) && !this.#leaving.has(send.position);
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
        await this.#replace(send, { ...send, failed: rejection });
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
      await this.#remove(send, { to: 'accepted' });
      return true;
    }
    await this.#replace(send, { ...send, event: undefined, sendId: 0 });
    const tries = this.#tries.get(send.room) ?? 0;
    this.#tries.set(send.room, tries + 1);
    if (tries < 3) return true;
    // The hub says stale and shows nothing newer: no use in asking at full speed.
    this.#later(send.room, 0);
    return false;
  }

  async #catchUp(room: SendingRoom): Promise<boolean> {
    try {
      await room.catchUp();
      return true;
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      return false;
    }
  }

  #later(room: string, atLeastMs: number): void {
    // Without a connection the next session kicks.
    if (!this.#ports.live() || this.#closed) return;
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

  async #replace(old: LocalSend, send: LocalSend): Promise<void> {
    // Taken out meanwhile: a row written now would send it again after the next start.
    if (!this.#stands(old)) return;
    this.#swap(old, send);
    await this.#ports.store.write([keptRow(send)]);
    if (send.failed) this.#ports.count('send.failed');
    this.#ports.changed(send, { to: send.failed ? 'failed' : 'waiting' });
  }

  async #remove(send: LocalSend, change: SendChange): Promise<void> {
    this.#leaving.add(send.position);
    await this.#ports.store.write([goneRow(send)]);
    this.#leave(send, change);
  }

  #leave(send: LocalSend, change: SendChange): void {
    this.#tries.delete(send.room);
    if (change.to === 'accepted') this.#name(send);
    this.#take(send);
    this.#accepted.delete(send.position);
    this.#leaving.delete(send.position);
    this.#ports.changed(send, change);
  }

  /** Does it wait here, and is it not on its way out? */
  #stands(send: LocalSend): boolean {
    return !this.#leaving.has(send.position) && this.#queue(send.room).some((one) => one.position === send.position);
  }

  #name(send: LocalSend): void {
    this.#names.set(`${send.room} ${send.sendId}`, send.localId);
    const [oldest] = this.#names.keys();
    if (this.#names.size > namesKept && oldest !== undefined) this.#names.delete(oldest);
  }

  #take(send: LocalSend): void {
    const queue = this.#queue(send.room);
    const at = queue.findIndex((one) => one.position === send.position);
    if (at >= 0) queue.splice(at, 1);
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
      ([room, queue]) => queue.some((send) => this.#waits(send)) && this.#ports.room(room)?.maySend(),
    );
    if (busy || this.#pumping.size > 0) return;
    for (const resolve of this.#drained.splice(0)) resolve();
  }
}

function keptRow(send: LocalSend): LocalChange {
  return { table: 'outbox', ...rowOf(send) };
}

function goneRow(send: LocalSend): LocalChange {
  return { table: 'outbox', key: orderedNumber(send.position), value: undefined };
}

function rowOf(send: LocalSend): { key: string; value: Uint8Array } {
  return { key: orderedNumber(send.position), value: LocalSend.encode(send).finish() };
}
