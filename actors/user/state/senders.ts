// Which device messages came already, so that a repeat is answered and not stored again: the last 128 (receiver, id) of each sending device,
// for the 128 sending devices heard last. A repeat that comes later than that is stored twice; receivers drop it, since Olm decrypts once.
import type { SenderRow } from '#proto/gen/account.ts';
import { toHex } from '#proto/rules/bytes/base.ts';
import { concatBytes, putUint32 } from '#proto/rules/bytes/bytes.ts';
import { limits } from '#proto/rules/limits.ts';
import { userLimits } from '../limits.ts';

/** A sending device, as proven to its own user actor. */
export interface Sending {
  readonly sender: string;
  readonly senderDevice: number;
}

interface Sender extends Sending {
  readonly slot: number;
  heardSeq: number;
  /** By hexadecimal text, oldest first. */
  readonly ids: Map<string, Uint8Array>;
}

/** The memory of all sending devices of one inbox. */
export class Senders {
  /** Longest silent first. */
  readonly #senders = new Map<string, Sender>();

  /** From rows, by their slot. */
  constructor(rows: ReadonlyMap<number, SenderRow> = new Map()) {
    const oldestFirst = [...rows].sort(([, a], [, b]) => a.heardSeq - b.heardSeq);
    for (const [slot, { user, device, heardSeq, ids }] of oldestFirst) {
      const sender = {
        sender: user,
        senderDevice: device,
        slot,
        heardSeq,
        ids: new Map(ids.map((id) => [toHex(id), id])),
      };
      this.#senders.set(nameOf(sender), sender);
    }
  }

  /** Did this message come already? */
  knows(sending: Sending, receiver: number, id: Uint8Array): boolean {
    return this.#senders.get(nameOf(sending))?.ids.has(toHex(receiverId(receiver, id))) ?? false;
  }

  /** Remembers a message; returns the slot whose row changed. The longest silent sender is forgotten where there are too many. */
  add(sending: Sending, { device, id, seq }: { device: number; id: Uint8Array; seq: number }): number {
    const name = nameOf(sending);
    const known = this.#senders.get(name);
    const sender = known ?? { ...sending, slot: this.#freeSlot(), heardSeq: 0, ids: new Map<string, Uint8Array>() };
    const key = receiverId(device, id);
    sender.ids.set(toHex(key), key);
    sender.heardSeq = seq;
    const [oldest] = sender.ids.keys();
    if (sender.ids.size > limits.deviceMessageIdsKept && oldest !== undefined) sender.ids.delete(oldest);
    this.#senders.delete(name);
    this.#senders.set(name, sender);
    return sender.slot;
  }

  /** Who they are, by id. */
  list(): { user: string; device: number }[] {
    const all = [...this.#senders.values()].map(({ sender: user, senderDevice: device }) => ({ user, device }));
    return all.sort((a, b) => (a.user === b.user ? a.device - b.device : a.user < b.user ? -1 : 1));
  }

  /** Forgets all; returns the slots whose rows go. */
  clear(): number[] {
    const slots = [...this.#senders.values()].map(({ slot }) => slot);
    this.#senders.clear();
    return slots;
  }

  /** For the row of a slot; null where it is free. */
  toRow(slot: number): SenderRow | null {
    for (const sender of this.#senders.values()) {
      if (sender.slot !== slot) continue;
      const { sender: user, senderDevice: device, heardSeq, ids } = sender;
      return { user, device, heardSeq, ids: [...ids.values()] };
    }
    return null;
  }

  #freeSlot(): number {
    if (this.#senders.size < userLimits.sendersMax) return this.#senders.size;
    const [silent] = this.#senders;
    if (silent === undefined) throw new Error('no sender to forget');
    this.#senders.delete(silent[0]);
    return silent[1].slot;
  }
}

function nameOf({ sender, senderDevice }: Sending): string {
  return `${sender}/${senderDevice}`;
}

function receiverId(receiver: number, id: Uint8Array): Uint8Array {
  const prefix = new Uint8Array(4);
  putUint32(prefix, 0, receiver);
  return concatBytes(prefix, id);
}
