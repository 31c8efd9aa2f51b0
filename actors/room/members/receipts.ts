// Receipts: how far a member has read, as a slot of their own that no event sets. Saved as a state row, and shown to anyone only once that is durable.
// One of a member is saved at a time.
import type { Effect } from '#actors/kernel/effects.ts';
import type { Requester, RoomMessage } from '#actors/kernel/messages.ts';
import { ServerFrame } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { MemberStatus, Slot, type SlotWrite } from '#proto/gen/record.ts';
import { copyBytes } from '#proto/rules/bytes/bytes.ts';
import type { ControlState } from '#proto/rules/control/state.ts';
import { limits as protocol } from '#proto/rules/limits.ts';
import { checkSlotWrite, decodeSlotWrite, receiptSlot } from '#proto/rules/record/slots.ts';
import { answer, joinedMember, type RoomContext, refuse } from '../context.ts';
import { changeTo } from '../state/rows.ts';

/** The receipts of one room. */
export class Receipts {
  readonly #context: RoomContext;
  /** When each member last put one. At most `receiptMembersMax` can. */
  readonly #times = new Map<number, number>();
  /** Members whose receipt is being saved. */
  readonly #saving = new Set<number>();

  constructor(context: RoomContext) {
    this.#context = context;
  }

  /** PutReceipt: checked, saved, then shown to all and answered. */
  put({ from, write: bytes }: RoomMessage & { kind: 'putReceipt' }, now: number): readonly Effect[] {
    const context = this.#context;
    const judged = this.#judge(from, bytes, now);
    if (typeof judged === 'number') {
      const retryAfterMs = judged === Rejection.REJECTION_RATE_LIMITED ? this.#waitMs(from.user, now) : 0;
      return [refuse(context, from, judged, retryAfterMs)];
    }
    const { state, calls, room } = context;
    const { member } = judged;
    const slot: Slot = { write: copyBytes(bytes), member, device: from.device, seq: state.head.seq, sendId: 0 };
    const name = receiptSlot(member);
    this.#times.set(member, now);
    this.#saving.add(member);
    state.slotVersions.set(name, judged.write.version);
    const save = calls.save([changeTo(state, `slot/${name}`, Slot.encode(slot).finish())], () => {
      this.#saving.delete(member);
      state.setReceipt(member, slot);
      const body = { $case: 'slotChanged', value: { room, slot } } as const;
      const done = answer(from, { $case: 'done', value: {} });
      // Who left meanwhile has nothing to show any more.
      if (typeof joinedMember(context, from.user) === 'number') return [done];
      return [done, { kind: 'deliver', audience: { room }, frame: ServerFrame.encode({ request: 0, body }).finish() }];
    });
    return [save];
  }

  #judge(
    from: Requester,
    bytes: Uint8Array,
    now: number,
  ): { readonly member: number; readonly write: SlotWrite } | Rejection {
    const { state, calls, options } = this.#context;
    const member = joinedMember(this.#context, from.user);
    if (typeof member === 'number') return member;
    if (state.statusOf(member) === MemberStatus.MEMBER_STATUS_SUSPENDED) return Rejection.REJECTION_SUSPENDED;
    const write = decodeSlotWrite(bytes);
    if (typeof write === 'number') return write;
    // Before the version is looked at: it may be one that is not saved yet.
    if (this.#waitMs(from.user, now) > 0) return Rejection.REJECTION_RATE_LIMITED;
    if (this.#saving.has(member.number) || calls.size >= options.limits.logCallsMax) return Rejection.REJECTION_BUSY;
    const heldVersion = state.slotVersions.get(write.slot) ?? 0;
    const writer = { state: state.chain as ControlState, member: member.number, ordered: false, heldVersion };
    return checkSlotWrite(write, writer) ?? { member: member.number, write };
  }

  #waitMs(user: string, now: number): number {
    const last = this.#times.get(this.#context.state.member(user)?.number ?? 0);
    return last === undefined ? 0 : Math.max(0, last + protocol.receiptIntervalMs - now);
  }
}
