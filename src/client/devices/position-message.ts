// What own devices say to each other about rooms: how far was read and, to a device that is new, names and topics whose slots were written before
// it had keys, and where the control chain stands. What came is read strictly here; whatever does not fit is left out, since a message of a later version must not stop the inbox.
import { Content } from '#proto/gen/content.ts';
import { SlotWrite } from '#proto/gen/record.ts';
import { fromBase64, toBase64 } from '#proto/rules/bytes/base.ts';
import { noBytes } from '#proto/rules/bytes/bytes.ts';
import { hashBytes } from '#proto/rules/bytes/hash.ts';
import { isRoomId } from '#proto/rules/ids.ts';
import { lookForVouchers } from '../chain/room-control.ts';
import type { RoomCopy } from '../room/room-copy.ts';
import { adoptSlot } from '../room/room-slots.ts';

/** Type of the device message. */
export const positionMessageType = 'lu.luxchat.rooms';

/** A named slot as it is told. */
export interface ToldSlot {
  readonly slot: string;
  readonly version: number;
  /** Encoded Content, base64. */
  readonly content: string;
}

/** What is told of one room. */
export interface Told {
  readonly room: string;
  /** Read up to here. */
  readonly seq: number;
  /** Running count there. */
  readonly count: number;
  readonly slots: readonly ToldSlot[];
  /** The newest control entry there, hash in base64: of a chain that the teller followed, or somebody stood for. */
  readonly control?: { readonly number: number; readonly hash: string };
}

/** What the replica knows: to a new device with name, topic and where the chain stands. */
export function tellOf(replica: RoomCopy, withSlots: boolean): Told {
  const { room, local } = replica;
  const slots = local.slots.flatMap(({ slot, content }) => {
    if (!slot || !content) return [];
    const write = SlotWrite.decode(slot.write);
    const named = write.slot === 'name' || write.slot === 'topic';
    return named
      ? [{ slot: write.slot, version: write.version, content: toBase64(Content.encode(content).finish()) }]
      : [];
  });
  const { state } = replica.chain;
  const head = withSlots && state && local.frozen === '' ? { number: state.number, hash: toBase64(state.hash) } : null;
  const told = { room, seq: local.readSeq, count: local.readCount, slots: withSlots ? slots : [] };
  return head ? { ...told, control: head } : told;
}

/** Reads the rooms of a message's content. */
export function readTold(content: unknown): readonly Told[] {
  const { rooms } = asObject(content);
  return (Array.isArray(rooms) ? rooms : []).flatMap((said) => {
    const { room, seq, count, slots, control } = asObject(said);
    if (typeof room !== 'string' || !isRoomId(room)) return [];
    const position = isCount(seq) && isCount(count) ? { seq, count } : { seq: 0, count: 0 };
    const told = { room, ...position, slots: (Array.isArray(slots) ? slots : []).flatMap(readSlot) };
    const { number, hash } = asObject(control);
    const isHead = isCount(number) && typeof hash === 'string' && fromBase64(hash)?.length === hashBytes;
    return [isHead ? { ...told, control: { number, hash } } : told];
  });
}

/** What is known of a room from two messages: the further position, and the slots of whichever has any. */
export function joinTold(a: Told, b: Told): Told {
  const further = b.seq > a.seq ? b : a;
  const [older, newer] = (b.control?.number ?? 0) < (a.control?.number ?? 0) ? [b, a] : [a, b];
  const control = newer.control ?? older.control;
  return { ...further, slots: b.slots.length > 0 ? b.slots : a.slots, ...(control ? { control } : {}) };
}

/** Takes what was told of a room; durable when it resolves. Repeating is harmless. */
export async function adoptTold(replica: RoomCopy, { seq, count, slots, control }: Told): Promise<void> {
  if (control && control.number > replica.local.toldControl) {
    replica.local.toldControl = control.number;
    replica.local.toldHash = fromBase64(control.hash) ?? noBytes;
    await replica.exclusive(() => lookForVouchers(replica, false));
    await replica.save();
  }
  if (replica.readTo(seq, count)) {
    await replica.save();
    replica.ports.changed();
  }
  for (const { slot, version, content } of slots) {
    const decoded = decodeContent(content);
    if (decoded) await adoptSlot(replica, slot, version, decoded);
  }
}

function readSlot(said: unknown): ToldSlot[] {
  const { slot, version, content } = asObject(said);
  const fits = typeof slot === 'string' && isCount(version) && typeof content === 'string';
  return fits && decodeContent(content) ? [{ slot, version, content }] : [];
}

function decodeContent(base64: string): Content | undefined {
  const bytes = fromBase64(base64);
  if (!bytes) return undefined;
  try {
    return Content.decode(bytes);
  } catch {
    // Bytes of another device, and nothing but the codec.
    return undefined;
  }
}

function asObject(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
