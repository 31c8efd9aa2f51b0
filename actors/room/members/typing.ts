// Typing and presence: shown to who is live in the room, never stored, never ordered, first to be shed.
import type { Effect } from '#actors/kernel/effects.ts';
import type { RoomMessage } from '#actors/kernel/messages.ts';
import { EphemeralKind, ServerFrame } from '#proto/gen/client.ts';
import { MemberStatus } from '#proto/gen/record.ts';
import { limits as protocol } from '#proto/rules/limits.ts';
import type { RoomContext } from '../context.ts';

/** Typing and presence of a joined member, at most one a second; anything else is dropped without a word, as the protocol says. */
export function ephemeral(
  { room, state }: RoomContext,
  { from, ephemeral: kind }: RoomMessage & { kind: 'ephemeral' },
  at: { readonly times: Map<number, number>; readonly now: number },
): readonly Effect[] {
  const member = state.member(from.user);
  if (member === undefined || state.statusOf(member) !== MemberStatus.MEMBER_STATUS_JOINED) return [];
  if (kind < EphemeralKind.EPHEMERAL_KIND_TYPING || kind > EphemeralKind.EPHEMERAL_KIND_ONLINE) return [];
  const last = at.times.get(member.number);
  if (last !== undefined && at.now < last + protocol.ephemeralIntervalMs) return [];
  at.times.set(member.number, at.now);
  const body = { $case: 'ephemeral', value: { room, member: member.number, kind } } as const;
  const frame = ServerFrame.encode({ request: 0, body }).finish();
  return [{ kind: 'deliver', audience: { room }, frame, shed: true }];
}
