// Receipts: how far one has read, as an encrypted slot of the own member. At most one every five seconds a room, the newest wins; off above a
// hundred members. Lost receipts are no loss: the next one says more.
import { EventKind } from '#proto/gen/record.ts';
import { limits } from '#proto/rules/limits.ts';
import { receiptSlot } from '#proto/rules/record/slots.ts';
import type { Parts } from '../parts.ts';
import type { HeldRoom } from '../room/rooms.ts';
import { sealReceipt } from '../sending/content.ts';
import { textContent } from '../sending/text-content.ts';

const offKey = 'receipts off';

/** A position in a room. */
export interface Position {
  readonly seq: number;
  readonly count: number;
}

/** Sends the own receipts. */
export class ReceiptSender {
  #parts: () => Parts;
  #next = new Map<string, Position>();
  #timers = new Map<string, ReturnType<typeof setTimeout>>();
  #on = true;

  constructor(parts: () => Parts) {
    this.#parts = parts;
  }

  /** Reads what is kept. */
  async load(): Promise<void> {
    this.#on = (await this.#parts().store.get('account', offKey)) === undefined;
  }

  /** Off = others do not see any more what is read from now on. */
  get on(): boolean {
    return this.#on;
  }

  /** Switches them; durable when it resolves. Rejects with STORE. */
  async switch(on: boolean): Promise<void> {
    const value = on ? undefined : Uint8Array.of(1);
    await this.#parts().store.write([{ table: 'account', key: offKey, value }]);
    this.#on = on;
    if (!on) this.#next.clear();
  }

  /** The own position moved. */
  moved(held: HeldRoom, position: Position): void {
    const { room, chain } = held.replica;
    if (!this.#on || (chain.state?.joined ?? 0) > limits.receiptMembersMax) return;
    this.#next.set(room, position);
    if (!this.#timers.has(room)) this.#send(held);
  }

  /** Forgets what has not gone out. */
  close(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
  }

  #send(held: HeldRoom): void {
    const { room } = held.replica;
    const position = this.#next.get(room);
    this.#next.delete(room);
    if (!position) {
      this.#timers.delete(room);
      return;
    }
    this.#timers.set(
      room,
      setTimeout(() => this.#send(held), limits.receiptIntervalMs),
    );
    this.#parts().background(() => this.#put(held, position));
  }

  async #put({ replica, sender }: HeldRoom, position: Position): Promise<void> {
    const parts = this.#parts();
    if (!parts.live() || !sender.maySend()) return;
    const write = await replica.exclusive(async () => {
      replica.local.receiptVersion += 1;
      await replica.save();
      const content = {
        ...textContent(''),
        body: { $case: 'read' as const, value: { room: replica.room, ...position } },
      };
      const slot = receiptSlot(replica.own);
      return sealReceipt(parts, sender.place(0), {
        kind: EventKind.EVENT_KIND_SLOT,
        content,
        counts: false,
        writtenMs: parts.now(),
        slot,
        slotVersion: replica.local.receiptVersion,
      });
    });
    await parts.request({ $case: 'putReceipt', value: { room: replica.room, write } }, 'done');
  }
}
