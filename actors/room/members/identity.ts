// New identities of members, which leave no record. Who starts over with another master key is suspended until someone signs the new
// one in: what the chain commits to is compared with what the user actor says.
import { nothing } from '#actors/kernel/actor.ts';
import type { Effect } from '#actors/kernel/effects.ts';
import { IdentityRow } from '#proto/gen/room.ts';
import { equalBytes } from '#proto/rules/bytes/bytes.ts';
import type { RoomContext } from '../context.ts';
import { changeTo } from '../state/rows.ts';

/**
 * A user's master key today, by the word of the user actor. Where it is not the one that the chain commits to the member is suspended from now on; it is
 * kept, for no event says it. `then` once it is durable; while an earlier word of it is on its way, not at all: the user actor tells it again.
 */
export function learnIdentity(
  context: RoomContext,
  { user, fingerprint }: { readonly user: string; readonly fingerprint: Uint8Array },
  then: readonly Effect[],
): readonly Effect[] {
  const { state } = context;
  const member = state.member(user);
  if (member === undefined || fingerprint.length === 0) return then;
  const { number } = member;
  const known = state.identities.get(number) ?? state.people.person(member.person)?.fingerprint;
  const isSaving = state.unsavedIdentities.has(number);
  if (known !== undefined && equalBytes(known, fingerprint)) return isSaving ? [] : then;
  state.identities.set(number, fingerprint);
  state.unsavedIdentities.set(number, fingerprint);
  return isSaving ? [] : [save(context, { member: number, fingerprint, after: then })];
}

/** One save of a member at a time: who starts over again and again while the log is slow has one call under way, and then one for the last word. */
function save(
  context: RoomContext,
  learnt: { readonly member: number; readonly fingerprint: Uint8Array; readonly after: readonly Effect[] },
): Effect {
  const { state, calls } = context;
  const { member, fingerprint, after } = learnt;
  const row = IdentityRow.encode({ fingerprint }).finish();
  return calls.save([changeTo(state, `identity/${member}`, row)], () => {
    const newest = state.unsavedIdentities.get(member);
    if (newest !== undefined && newest !== fingerprint)
      return [save(context, { member, fingerprint: newest, after: nothing })];
    state.unsavedIdentities.delete(member);
    return after;
  });
}

/**
 * Does an IDENTITY entry name the identity that this member's own user actor told? Devices can't check that, they learn of identities at other moments: so
 * the hub must, or any admin could invent one, which takes an owner's role and mutes them.
 */
export function isTrueIdentity({ state }: RoomContext, member: number, fingerprint: Uint8Array): boolean {
  const told = state.identities.get(member);
  return told !== undefined && equalBytes(told, fingerprint);
}
