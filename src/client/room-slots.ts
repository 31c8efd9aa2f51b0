// Slots of a held room: name, topic, picture, pins as ordered events set them, and how far others have read. Slots outlive the records that set
// them, so a snapshot of the room's state brings those that were set before this device looked.
import type { Content } from '#proto/gen/content.ts';
import type { LocalRecord, LocalSlot } from '#proto/gen/local.ts';
import { type EventHeader, type Slot, SlotWrite } from '#proto/gen/record.ts';
import { decodeCanonical } from '#proto/rules/bytes/canonical.ts';
import { openSlot } from './content.ts';
import type { RoomReplica } from './room.ts';

/** A slot as kept, by name. */
export function slotNamed(slots: readonly LocalSlot[], name: string): LocalSlot | undefined {
  return slots.find((kept) => kept.slot && SlotWrite.decode(kept.slot.write).slot === name);
}

/** Version that a slot holds; 0 = empty. */
export function slotVersion(slots: readonly LocalSlot[], name: string): number {
  const slot = slotNamed(slots, name)?.slot;
  return slot ? SlotWrite.decode(slot.write).version : 0;
}

/** Decrypted text of a slot, or ''. */
export function slotText(slots: readonly LocalSlot[], name: string): string {
  const body = slotNamed(slots, name)?.content?.body;
  return body?.$case === 'slotText' ? body.value.text : '';
}

/** Someone else's word, or an old one: such a value takes no one's place. */
const misplaced: ReadonlySet<string> = new Set(['REPLAY', 'BINDING_MISMATCH', 'SENDER_MISMATCH']);

/** Takes a SLOT event into the room's row (written by the caller). One that is emptied, repeated or another's sets nothing. */
export function setSlot(room: RoomReplica, kept: LocalRecord, header: EventHeader, seq: number): void {
  if (!kept.record || kept.record.emptiedBy > 0 || misplaced.has(kept.trouble)) return;
  const write = decodeCanonical(SlotWrite, kept.record.body);
  if (!write) return;
  const { member, device, sendId } = header;
  put(room, write.slot, { slot: { write: kept.record.body, member, device, seq, sendId }, content: kept.content });
}

/** A SLOT event was decrypted late. */
export function repairSlot(room: RoomReplica, kept: LocalRecord, seq: number): void {
  room.local.slots = room.local.slots.map((one) => (one.slot?.seq === seq ? { ...one, content: kept.content } : one));
}

/** Takes a slot out of the room's state (a snapshot, or a receipt that was pushed). */
export async function takeSlot(room: RoomReplica, slot: Slot): Promise<void> {
  const write = decodeCanonical(SlotWrite, slot.write);
  if (!write) return;
  if (write.slot.startsWith('receipt/')) await takeReceipt(room, slot, write);
  else await takeOldSlot(room, slot, write);
}

/** Takes what another own device decrypted of a slot whose key this one does not have. */
export async function adoptSlot(room: RoomReplica, name: string, version: number, content: Content): Promise<void> {
  const held = slotNamed(room.local.slots, name);
  if (!held || held.content || slotVersion(room.local.slots, name) !== version) return;
  put(room, name, { ...held, content });
  await room.save();
  room.ports.changed(room);
}

/** Reads all slots of the room's state. Rejects as requests do. */
export async function readSlots(room: RoomReplica): Promise<void> {
  for (let afterSlot = ''; ; ) {
    const read = { room: room.room, fromControl: 0, slots: true, stateOffset: 0, afterSlot };
    const { slots, nextSlot } = await room.ports.parts.request({ $case: 'readRoom', value: read }, 'roomSnapshot');
    for (const slot of slots) await takeSlot(room, slot);
    if (nextSlot === '' || nextSlot <= afterSlot) return;
    afterSlot = nextSlot;
  }
}

async function takeReceipt(room: RoomReplica, slot: Slot, write: SlotWrite): Promise<void> {
  const { parts } = room.ports;
  const user = room.chain.user(slot.member);
  if (write.slot !== `receipt/${slot.member}`) return;
  // Own devices share the one slot: the next version goes above the newest.
  if (slot.member === room.own) room.local.receiptVersion = Math.max(room.local.receiptVersion, write.version);
  const body = (await openSlot(parts, room.room, slot, user))?.body;
  if (body?.$case !== 'read' || body.value.seq <= (room.receipts.get(slot.member) ?? 0)) return;
  room.receipts.set(slot.member, body.value.seq);
  parts.emit('receipt', { room: room.room, user, seq: body.value.seq });
}

/** A slot set before the records that this device holds. */
async function takeOldSlot(room: RoomReplica, slot: Slot, write: SlotWrite): Promise<void> {
  const newer = () => {
    const held = slotNamed(room.local.slots, write.slot);
    return held?.slot !== undefined && (held.slot.seq > slot.seq || held.content !== undefined);
  };
  if (newer()) return;
  const content = await openSlot(room.ports.parts, room.room, slot, room.chain.user(slot.member));
  // An event may have set it while this one was being opened.
  if (newer()) return;
  put(room, write.slot, { slot, content });
  await room.save();
  room.ports.changed(room);
}

function put(room: RoomReplica, name: string, kept: LocalSlot): void {
  const others = room.local.slots.filter((one) => one.slot && SlotWrite.decode(one.slot.write).slot !== name);
  room.local.slots = [...others, kept];
}
