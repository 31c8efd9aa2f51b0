// Slots: named, bounded, encrypted values of a room that their next version replaces. Which names there are, who may write them, and when a
// write is newer. The values are opaque here.
import { Rejection } from '../../gen/codes.ts';
import { Algorithm, SlotWrite } from '../../gen/record.ts';
import { decodeCanonical } from '../bytes/canonical.ts';
import { type ControlState, isJoined, maySetSlot } from '../control/state.ts';
import { limits } from '../limits.ts';

/** The slots that an ordered event sets. */
export const orderedSlots = ['name', 'topic', 'picture', 'pins'] as const;

const receiptName = /^receipt\/([1-9][0-9]{0,4})$/;

/** The name of a member's receipt slot. */
export function receiptSlot(member: number): string {
  return `receipt/${member}`;
}

/** Does this name exist, and is it set by an ordered event or put without one? null = no such slot. */
export function slotKind(name: string): 'ordered' | 'receipt' | null {
  if ((orderedSlots as readonly string[]).includes(name)) return 'ordered';
  return receiptName.test(name) ? 'receipt' : null;
}

/** Decodes a write and checks its bounds: the write, or TOO_LARGE, BAD_EVENT, UNSUPPORTED (an algorithm of a later version). */
export function decodeSlotWrite(bytes: Uint8Array): SlotWrite | Rejection {
  if (bytes.length > limits.slotWriteBytesMax) return Rejection.REJECTION_TOO_LARGE;
  const write = decodeCanonical(SlotWrite, bytes);
  if (write === null || slotKind(write.slot) === null || write.version < 1) return Rejection.REJECTION_BAD_EVENT;
  if (write.value.length > limits.slotValueBytesMax) return Rejection.REJECTION_TOO_LARGE;
  if (write.algorithm > Algorithm.ALGORITHM_MEGOLM_V1) return Rejection.REJECTION_UNSUPPORTED;
  return write.algorithm === Algorithm.ALGORITHM_MEGOLM_V1 ? write : Rejection.REJECTION_BAD_EVENT;
}

/** Might a slot hold this version by an event at `seq`? An honest hub lets none get further than a step for each event. */
export function isVersionWithin(version: number, seq: number): boolean {
  return version >= 1 && version <= seq * limits.slotVersionStepMax;
}

/** Who writes, and what stands in the slot now. */
export interface SlotWriter {
  readonly state: ControlState;
  readonly member: number;
  /** Did the write come in an ordered event (EVENT_KIND_SLOT) or by PutReceipt? */
  readonly ordered: boolean;
  /** Version that the slot holds; 0 = empty. */
  readonly heldVersion: number;
}

/**
 * May this write take the slot? Null, or: NOT_MEMBER; FORBIDDEN (role too low, or another member's receipt); BAD_EVENT (a receipt as event or the
 * other way round); BAD_EVENT also for a version too far ahead; UNSUPPORTED (receipts in a room of more than `limits.receiptMembersMax` joined members); STALE_STATE (not newer).
 */
export function checkSlotWrite(write: SlotWrite, writer: SlotWriter): Rejection | null {
  if (!isJoined(writer.state, writer.member)) return Rejection.REJECTION_NOT_MEMBER;
  if ((slotKind(write.slot) === 'ordered') !== writer.ordered) return Rejection.REJECTION_BAD_EVENT;
  if (writer.ordered) {
    if (!maySetSlot(writer.state, writer.member)) return Rejection.REJECTION_FORBIDDEN;
  } else {
    if (write.slot !== receiptSlot(writer.member)) return Rejection.REJECTION_FORBIDDEN;
    if (writer.state.joined > limits.receiptMembersMax) return Rejection.REJECTION_UNSUPPORTED;
  }
  if (write.version <= writer.heldVersion) return Rejection.REJECTION_STALE_STATE;
  // A leap to the largest number would close the slot for everyone, for ever.
  return write.version - writer.heldVersion > limits.slotVersionStepMax ? Rejection.REJECTION_BAD_EVENT : null;
}
