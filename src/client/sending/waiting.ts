// What waits to go out, as it lies on the disk and in memory. Guarantees: what `addAll` took is durable when it resolves, in the order of the calls; what is
// taken out leaves memory when its row is gone, and no late change brings the row back. When and how it goes out is the outbox's matter.
import type { Accepted } from '#proto/gen/client.ts';
import type { Content } from '#proto/gen/content.ts';
import { LocalSend } from '#proto/gen/local.ts';
import type { EventKind } from '#proto/gen/record.ts';
import { equalBytes, noBytes } from '#proto/rules/bytes/bytes.ts';
import { ClientError } from '../errors.ts';
import { everyPage, type LocalChange, type LocalStore, orderedNumber, prefixRange } from '../store/store.ts';

/** What happened to a message. */
export type SendChange =
  | { readonly to: 'waiting' | 'failed' | 'discarded' }
  /** `accepted` is absent where the log showed it before the answer came. */
  | { readonly to: 'accepted'; readonly accepted?: Accepted };

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

/** What it needs. */
export interface WaitingPorts {
  readonly store: LocalStore;
  readonly changed: (send: LocalSend, change: SendChange) => void;
  readonly now: () => number;
}

/** Accepted messages whose local id is still known. */
const namesKept = 1_000;

/** The messages of one device that wait. */
export class Waiting {
  #ports: WaitingPorts;
  #queues = new Map<string, LocalSend[]>();
  #names = new Map<string, string>();
  /** By position: answered, but not in the log here yet. */
  #accepted = new Map<number, Accepted>();
  /** Positions whose rows are being deleted. */
  #leaving = new Set<number>();
  #lastPosition = 0;

  constructor(ports: WaitingPorts) {
    this.#ports = ports;
  }

  /** Reads what waited when the program ended. Call once, before anything else. */
  async load(): Promise<void> {
    for await (const rows of everyPage(this.#ports.store, 'outbox', prefixRange('')))
      for (const { value } of rows) {
        const send = LocalSend.decode(value);
        this.#lastPosition = Math.max(this.#lastPosition, send.position);
        this.#queue(send.room).push(send);
      }
  }

  /** Rooms in which something waits or waited. */
  rooms(): readonly string[] {
    return [...this.#queues.keys()];
  }

  /** All that waits in a room, in order; failed ones included. */
  of(room: string): readonly LocalSend[] {
    return this.#queues.get(room) ?? [];
  }

  /** The first that is to go out. */
  next(room: string): LocalSend | undefined {
    return this.of(room).find(
      (send) => !send.failed && !this.#accepted.has(send.position) && !this.#leaving.has(send.position),
    );
  }

  /** A failed message. Throws UNKNOWN. */
  failed(room: string, localId: string): LocalSend {
    const send = this.of(room).find((one) => one.localId === localId && one.failed);
    if (!send) throw new ClientError('UNKNOWN', 'There is no failed message with this id.');
    return send;
  }

  /** Local id of a message of this device, while it waits and for some time after. */
  localId(room: string, sendId: number): string | undefined {
    return this.#names.get(`${room} ${sendId}`) ?? this.of(room).find((send) => send.sendId === sendId)?.localId;
  }

  /** The hub's answer to a message that still stands here. */
  accepted(send: LocalSend): Accepted | undefined {
    return this.#accepted.get(send.position);
  }

  /** Does it wait here, and is it not on its way out? */
  stands(send: LocalSend): boolean {
    return !this.#leaving.has(send.position) && this.of(send.room).some((one) => one.position === send.position);
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
    for (const send of sends) this.#ports.changed(send, { to: 'waiting' });
    return sends;
  }

  /** Takes a message whose row the caller writes with rows of its own; `added` is called once it is settled. */
  prepare(outgoing: Outgoing, added: () => void): OutboxChange {
    const send = this.#make(outgoing);
    const settle = () => {
      this.#queue(send.room).push(send);
      this.#ports.changed(send, { to: 'waiting' });
      added();
    };
    return { rows: [keptRow(send)], settle };
  }

  /** The log on this device is about to show a message of this device, whether its answer came or not: what leaves the store in the record's own
   * write, and what is done once that is durable. Until then the message stands here. */
  arriving(room: string, header: Uint8Array): OutboxChange | undefined {
    const send = this.of(room).find((one) => one.event && equalBytes(one.event.header, header));
    if (!send) return undefined;
    this.#leaving.add(send.position);
    return { rows: [goneRow(send)], settle: () => this.#leave(send, { to: 'accepted' }) };
  }

  /** The hub answered; the log here will show it. */
  answered(send: LocalSend, accepted: Accepted): void {
    this.#name(send);
    if (this.stands(send)) this.#accepted.set(send.position, accepted);
    this.#ports.changed(send, { to: 'accepted', accepted });
  }

  /** Takes the sealed form of a message, whose row is written already; one that was let go of meanwhile is taken out again. False = that is so. */
  async sealed(send: LocalSend, sealed: LocalSend): Promise<boolean> {
    if (this.stands(send)) this.#swap(send, sealed);
    else await this.#ports.store.write([goneRow(send)]);
    return this.stands(send);
  }

  /** Keeps a message in another form. Not one that was taken out meanwhile: its row would send it again after the next start. */
  async replace(old: LocalSend, send: LocalSend): Promise<void> {
    if (!this.stands(old)) return;
    this.#swap(old, send);
    await this.#ports.store.write([keptRow(send)]);
    this.#ports.changed(send, { to: send.failed ? 'failed' : 'waiting' });
  }

  /** Takes a message out. */
  async remove(send: LocalSend, change: SendChange): Promise<void> {
    this.#leaving.add(send.position);
    await this.#ports.store.write([goneRow(send)]);
    this.#leave(send, change);
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
      plainBody: outgoing.plainBody ?? noBytes,
      slot: outgoing.slot ?? '',
      slotVersion: outgoing.slotVersion ?? 0,
      failed: 0,
    };
  }

  #leave(send: LocalSend, change: SendChange): void {
    if (change.to === 'accepted') this.#name(send);
    this.#take(send);
    this.#accepted.delete(send.position);
    this.#leaving.delete(send.position);
    this.#ports.changed(send, change);
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

  #queue(room: string): LocalSend[] {
    const queue = this.#queues.get(room) ?? [];
    this.#queues.set(room, queue);
    return queue;
  }
}

function keptRow(send: LocalSend): LocalChange {
  return { table: 'outbox', ...rowOf(send) };
}

function goneRow(send: LocalSend): LocalChange {
  return { table: 'outbox', key: orderedNumber(send.position), value: undefined };
}

/** Key and value of a message's row. */
export function rowOf(send: LocalSend): { key: string; value: Uint8Array } {
  return { key: orderedNumber(send.position), value: LocalSend.encode(send).finish() };
}
