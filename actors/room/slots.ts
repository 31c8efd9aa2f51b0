// Slots: named encrypted values. Ordered ones are judged here and set by their event; a member's receipt is put without an event, saved as a
// state row, and pushed once that is durable. Values are opaque.
import type { Effect } from '#actors/kernel/effects.ts';
import type { Requester } from '#actors/kernel/messages.ts';
import { ServerFrame } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { type EventHeader, MemberStatus, type Slot } from '#proto/gen/record.ts';
import type { ControlState } from '#proto/rules/control-state.ts';
import { limits as protocol } from '#proto/rules/limits.ts';
import { checkSlotWrite, decodeSlotWrite, receiptSlot } from '#proto/rules/slots.ts';
import { answer, joinedMember, type RoomContext, refuse } from './context.ts';
import type { Change } from './state/room-state.ts';
import { changeNow } from './state/rows.ts';

/** Judges the body of an EVENT_KIND_SLOT. */
export function judgeSlot(
  { state }: RoomContext,
  header: EventHeader,
  body: Uint8Array,
  chain: ControlState,
): Change | Rejection {
  const write = decodeSlotWrite(body);
  if (typeof write === 'number') return write;
  const heldVersion = state.slotVersions.get(write.slot) ?? 0;
  const code = checkSlotWrite(write, { state: chain, member: header.member, ordered: true, heldVersion });
  return code ?? { kind: 'slot', write, bytes: body };
}

/** When each member last put a receipt. At most `receiptMembersMax` of them. */
export type ReceiptTimes = Map<number, number>;

/** PutReceipt: checked, saved, then shown to all and answered. */
export function putReceipt(
  context: RoomContext,
  from: Requester,
  put: { readonly write: Uint8Array; readonly times: ReceiptTimes; readonly now: number },
): readonly Effect[] {
  const { state } = context;
  const slot = judgeReceipt(context, from, put);
  if (typeof slot === 'number') {
    const retryAfterMs = slot === Rejection.REJECTION_RATE_LIMITED ? waitMs(context, from, put) : 0;
    return [refuse(context, from, slot, retryAfterMs)];
  }
  const name = receiptSlot(slot.member);
  put.times.set(slot.member, put.now);
  state.setSlot(name, slot);
  const frame = ServerFrame.encode({
    request: 0,
    body: { $case: 'slotChanged', value: { room: context.room, slot } },
  }).finish();
  const save = context.calls.save([changeNow(state, `slot/${name}`)], () => [
    answer(from, { $case: 'done', value: {} }),
    { kind: 'deliver', audience: { room: context.room }, frame },
  ]);
  return [save];
}

function judgeReceipt(
  context: RoomContext,
  from: Requester,
  put: { readonly write: Uint8Array; readonly times: ReceiptTimes; readonly now: number },
): Slot | Rejection {
  const { state, calls, options } = context;
  const member = joinedMember(context, from.user);
  if (typeof member === 'number') return member;
  if (state.statusOf(member) === MemberStatus.MEMBER_STATUS_SUSPENDED) return Rejection.REJECTION_SUSPENDED;
  const write = decodeSlotWrite(put.write);
  if (typeof write === 'number') return write;
  const writer = { state: state.chain as ControlState, member: member.number, ordered: false };
  const heldVersion = state.slotVersions.get(write.slot) ?? 0;
  const code = checkSlotWrite(write, { ...writer, heldVersion });
  if (code !== null) return code;
  if (waitMs(context, from, put) > 0) return Rejection.REJECTION_RATE_LIMITED;
  if (calls.size >= options.limits.logCallsMax) return Rejection.REJECTION_BUSY;
  return {
    write: new Uint8Array(put.write),
    member: member.number,
    device: from.device,
    seq: state.head.seq,
    sendId: 0,
  };
}

function waitMs(
  { state }: RoomContext,
  from: Requester,
  put: { readonly times: ReceiptTimes; readonly now: number },
): number {
  const last = put.times.get(state.member(from.user)?.number ?? 0);
  return last === undefined ? 0 : Math.max(0, last + protocol.receiptIntervalMs - put.now);
}
