// Ordered slots: named encrypted values that an event sets. Judged here, set when their event is covered. Values are opaque.
import type { Rejection } from '#proto/gen/codes.ts';
import type { EventHeader } from '#proto/gen/record.ts';
import type { ControlState } from '#proto/rules/control/state.ts';
import { checkSlotWrite, decodeSlotWrite } from '#proto/rules/record/slots.ts';
import type { RoomContext } from '../context.ts';
import type { Change } from '../state/room-state.ts';

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
