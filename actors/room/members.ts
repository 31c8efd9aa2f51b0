// What members do that leaves no record: typing and presence, and a new identity or manifest. And who may reach whom through the room.
import { userAddress } from '#actors/kernel/address.ts';
import type { Effect } from '#actors/kernel/effects.ts';
import type { RoomMessage } from '#actors/kernel/messages.ts';
import { EphemeralKind, ServerFrame } from '#proto/gen/client.ts';
import { MemberStatus } from '#proto/gen/record.ts';
import { equalBytes } from '#proto/rules/bytes.ts';
import { limits as protocol } from '#proto/rules/limits.ts';
import type { RoomContext } from './context.ts';
import { changeNow } from './state/rows.ts';

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

/** Which of these users are in or invited, and all who are: nothing to one who is neither. */
export function authorise(
  { state }: RoomContext,
  { replyTo, token, user, users }: RoomMessage & { kind: 'authorise' },
): Effect {
  const isPresent = (each: string) => {
    const member = state.member(each);
    return member !== undefined && state.isPresent(member);
  };
  const members: string[] = [];
  if (isPresent(user)) {
    for (const member of state.chain?.members ?? []) {
      const each = state.people.userOf(member.number);
      if (each !== undefined && state.isPresent(member)) members.push(each);
    }
  }
  const allowed = members.length === 0 ? [] : users.filter(isPresent);
  return { kind: 'send', to: replyTo, message: { kind: 'authorised', token, allowed, members } };
}

/**
 * A member published a manifest: the others hear of it, and where the master key is not the one that the chain commits to, the member is suspended
 * from now on. The key is kept, for no event says it. Bounded by the members of the room; rare.
 */
export function identityMoved(
  { state, calls }: RoomContext,
  { user, fingerprint, head }: RoomMessage & { kind: 'identityMoved' },
): readonly Effect[] {
  const mover = state.member(user);
  if (mover === undefined || !state.isPresent(mover)) return [];
  const effects: Effect[] = [];
  const known = state.identities.get(mover.number) ?? state.people.person(mover.person)?.fingerprint;
  if (known === undefined || !equalBytes(known, fingerprint)) {
    state.identities.set(mover.number, fingerprint);
    effects.push(calls.save([changeNow(state, `identity/${mover.number}`)], () => []));
  }
  for (const member of state.chain?.members ?? []) {
    const other = state.people.userOf(member.number);
    if (other === undefined || other === user || !state.isPresent(member)) continue;
    effects.push({ kind: 'send', to: userAddress(other), message: { kind: 'manifestMoved', user, head } });
  }
  return effects;
}
