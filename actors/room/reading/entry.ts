// What a room list or a Subscribe shows of a room: the entry of one member, and the summary that is the same for all.
import type { Effect } from '#actors/kernel/effects.ts';
import type { RoomMessage, RoomSummary } from '#actors/kernel/messages.ts';
import type { RoomEntry } from '#proto/gen/client.ts';
import { MemberStatus } from '#proto/gen/record.ts';
import { SummaryRow } from '#proto/gen/room.ts';
import { noBytes } from '#proto/rules/bytes/bytes.ts';
import { type ControlState, controlHead } from '#proto/rules/control/state.ts';
import { readableFrom } from '#proto/rules/record/reading.ts';
import type { RoomContext } from '../context.ts';

/** Key of the state row that holds the summary. */
export const summaryKey = 'summary';

/** Reads the state row `summary`; for those who list rooms without waking them. */
export function decodeSummary(room: string, value: Uint8Array): RoomSummary | null {
  const { entry, floor } = SummaryRow.decode(value);
  return entry === undefined ? null : { room, entry, floor };
}

/** The state row `summary`. */
export function encodeSummary({ entry, floor }: RoomSummary): Uint8Array {
  return SummaryRow.encode({ entry, floor }).finish();
}

/** Head, count, control head and name; member number, role and status are left to the asker. Null where there is no room. */
export function summaryOf({ room, state }: RoomContext): RoomSummary | null {
  if (state.chain === null) return null;
  const { seq: headSeq, count: headCount, hash: headHash } = state.head;
  const entry: RoomEntry = {
    ...blank(room, state.chain),
    headSeq,
    headCount,
    headHash,
    name: state.visibleSlot('name'),
  };
  return { room, entry, floor: state.floor };
}

/** Makes the session live: the head in the answer is read after the join took effect, so that nothing falls between. Nobody but who is in. */
export function subscribe(context: RoomContext, message: RoomMessage & { kind: 'subscribe' }): readonly Effect[] {
  const { from, replyTo, token } = message;
  const { room } = context;
  const entry = entryOf(context, from.user);
  const told: Effect = { kind: 'send', to: replyTo, message: { kind: 'subscribedPart', token, room, entry } };
  if (entry === null) return [told];
  const { session } = from;
  return [message.watch ? { kind: 'watch', session, room } : { kind: 'join', session, audience: { room } }, told];
}

/** The entry of one who is in; null for others. */
function entryOf(context: RoomContext, user: string): RoomEntry | null {
  const { state } = context;
  const member = state.member(user);
  const summary = summaryOf(context);
  if (member?.status !== MemberStatus.MEMBER_STATUS_JOINED || summary === null) return null;
  const own = { member: member.number, role: member.role, status: state.statusOf(member) };
  return { ...summary.entry, ...own, readableFrom: readableFrom(member.stays, state.floor) };
}

function blank(room: string, chain: ControlState): RoomEntry {
  return {
    room,
    member: 0,
    role: 0,
    status: 0,
    direct: chain.policy.direct,
    headSeq: 0,
    headCount: 0,
    headHash: noBytes,
    readableFrom: 0,
    control: controlHead(chain),
    name: undefined,
    invitedBy: '',
    invitedByBot: false,
    invitedMs: 0,
  };
}
