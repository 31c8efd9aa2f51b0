// Slots of a held room: name, topic, picture, pins as ordered events set them, and how far others have read. Slots outlive the records that set
// them, so a snapshot of the room's state brings those that were set before this device looked.
import type { Content } from '#proto/gen/content.ts';
import type { LocalRecord, LocalSlot } from '#proto/gen/local.ts';
import { EventHeader, EventKind, type Person, type Slot, SlotWrite } from '#proto/gen/record.ts';
import { equalBytes } from '#proto/rules/bytes/bytes.ts';
import { decodeCanonical } from '#proto/rules/bytes/canonical.ts';
import { isJoined, maySetSlot } from '#proto/rules/control/state.ts';
import { limits } from '#proto/rules/limits.ts';
import { isVersionWithin, receiptSlot, slotKind } from '#proto/rules/record/slots.ts';
import { identityIn } from '../chain/room-identity.ts';
import { openSlot } from '../sending/content.ts';
import type { RoomCopy } from './room-copy.ts';
import { recordAt } from './room-rows.ts';

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
export function setSlot(room: RoomCopy, kept: LocalRecord, header: EventHeader, seq: number): void {
  if (!kept.record || kept.record.emptiedBy > 0 || misplaced.has(kept.trouble)) return;
  const write = decodeCanonical(SlotWrite, kept.record.body);
  if (!write) return;
  const { member, device, sendId } = header;
  put(room, write.slot, { slot: { write: kept.record.body, member, device, seq, sendId }, content: kept.content });
}

/** The SLOT event of a value that is held was decrypted late, or came with an older page: it knows more than the room's state did. */
export function repairSlot(room: RoomCopy, { content }: LocalRecord, seq: number): void {
  if (content) room.local.slots = room.local.slots.map((one) => (one.slot?.seq === seq ? { ...one, content } : one));
}

/** Takes a slot out of the room's state (a snapshot, or a receipt that was pushed). What the chain says can't be there freezes the room. */
export async function takeSlot(room: RoomCopy, slot: Slot): Promise<void> {
  const write = decodeCanonical(SlotWrite, slot.write);
  const kind = write && slotKind(write.slot);
  // A name of a later version.
  if (!write || kind === null || !room.chain.state) return;
  const isOrdered = slot.sendId > 0;
  if (isOrdered !== (kind === 'ordered')) await room.freeze('RECORD_INVALID');
  else if (isOrdered) await takeOldSlot(room, slot, write);
  else await takeReceipt(room, slot, write);
}

/** Takes what another own device decrypted of a slot whose key this one does not have. */
export async function adoptSlot(room: RoomCopy, name: string, version: number, content: Content): Promise<void> {
  const held = slotNamed(room.local.slots, name);
  if (!held || held.content || slotVersion(room.local.slots, name) !== version) return;
  put(room, name, { ...held, content });
  await room.save();
  room.ports.changed();
}

/** Reads all slots of the room's state. Rejects as requests do. */
export async function readSlots(room: RoomCopy): Promise<void> {
  for (let afterSlot = ''; ; ) {
    const read = { room: room.room, fromControl: 0, slots: true, stateOffset: 0, afterSlot };
    const { slots, nextSlot } = await room.ports.parts.request({ $case: 'readRoom', value: read }, 'roomSnapshot');
    for (const slot of slots) await takeSlot(room, slot);
    if (nextSlot === '' || nextSlot <= afterSlot) return;
    afterSlot = nextSlot;
  }
}

async function takeReceipt(room: RoomCopy, slot: Slot, write: SlotWrite): Promise<void> {
  const { parts } = room.ports;
  const user = room.chain.user(slot.member);
  const { state } = room.chain;
  // One who has left, or whose joining is still on its way here: nothing is lost, the next receipt says more.
  if (!state || !isJoined(state, slot.member) || write.slot !== receiptSlot(slot.member)) return;
  // Own devices share the one slot: the next version goes above the newest, whatever a server makes of it in steps that it must take itself.
  const { receiptVersion } = room.local;
  if (slot.member === room.own && write.version > receiptVersion)
    room.local.receiptVersion = Math.min(write.version, receiptVersion + limits.slotVersionStepMax);
  const body = (await openSlot(parts, room.room, slot, authorOf(room, slot)))?.body;
  if (body?.$case !== 'read' || body.value.seq <= (room.receipts.get(slot.member) ?? 0)) return;
  room.receipts.set(slot.member, body.value.seq);
  parts.emit('receipt', { room: room.room, user, seq: body.value.seq });
}

/** A slot set before the records that this device holds: nothing but chain and signature can say whether it is one. */
async function takeOldSlot(room: RoomCopy, slot: Slot, write: SlotWrite): Promise<void> {
  // Above what is held its event comes yet, and sets it.
  if (slot.seq > room.headSeq || isKnown(room, slot, write)) return;
  if (!(await mayStand(room, slot, write))) {
    await room.freeze('RECORD_INVALID');
    return;
  }
  // Where its event is here, that alone says what the slot holds.
  if (await recordAt(room, slot.seq)) return;
  const content = await openSlot(room.ports.parts, room.room, slot, authorOf(room, slot));
  // An event may have set it while this one was being opened.
  if (isKnown(room, slot, write)) return;
  put(room, write.slot, { slot, content });
  await room.save();
  room.ports.changed();
}

function authorOf(room: RoomCopy, { member }: Slot): Person | undefined {
  const person = room.chain.person(member);
  return person && { ...person, fingerprint: identityIn(room, person) };
}

function isKnown(room: RoomCopy, { seq }: Slot, write: SlotWrite): boolean {
  const held = slotNamed(room.local.slots, write.slot);
  if (!held?.slot) return false;
  if (held.slot.seq === seq) return held.content !== undefined;
  return held.slot.seq > seq || slotVersion(room.local.slots, write.slot) >= write.version;
}

/** Could this writer have set this version there, and does the event at that place say so where it is here? */
async function mayStand(room: RoomCopy, slot: Slot, write: SlotWrite): Promise<boolean> {
  const { chain } = room;
  const state = chain.stateAt(slot.seq);
  // Where a CHECKPOINT stood in for the entries of then nobody's role is known.
  const might = chain.isUntold(slot.seq) && chain.wasThere(slot.member, slot.seq);
  if (!might && !(state && maySetSlot(state, slot.member))) return false;
  if (!isVersionWithin(write.version, slot.seq)) return false;
  const record = (await recordAt(room, slot.seq))?.record;
  if (!record) return true;
  const { kind, member, device, sendId } = EventHeader.decode(record.header);
  const same = member === slot.member && device === slot.device && sendId === slot.sendId;
  const isEmptied = record.emptiedBy > 0;
  return kind === EventKind.EVENT_KIND_SLOT && same && (isEmptied || equalBytes(record.body, slot.write));
}

function put(room: RoomCopy, name: string, kept: LocalSlot): void {
  const others = room.local.slots.filter((one) => one.slot && SlotWrite.decode(one.slot.write).slot !== name);
  room.local.slots = [...others, kept];
}
