// Receipts: how far one has read, as an encrypted slot of the own member. At most one every five seconds a room, the newest wins; off above a
// hundred members. Lost receipts are no loss: the next one says more.
import { EventKind } from '#proto/gen/record.ts';
import { limits } from '#proto/rules/limits.ts';
import { receiptSlot } from '#proto/rules/record/slots.ts';
import { sealReceipt, textContent } from './content.ts';
import type { Parts } from './parts.ts';
import type { HeldRoom } from './rooms.ts';

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
  /** Off = others do not see what was read. */
  enabled = true;

  constructor(parts: () => Parts) {
    this.#parts = parts;
  }

  /** The own position moved. */
  moved(held: HeldRoom, position: Position): void {
    const { room, chain } = held.replica;
    if (!this.enabled || (chain.state?.joined ?? 0) > limits.receiptMembersMax) return;
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
