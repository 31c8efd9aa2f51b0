// New identities and manifests of members, which leave no record. Who starts over with another master key is suspended until someone signs the new
// one in: what the chain commits to is compared with what the user actor says.
import { userAddress } from '#actors/kernel/address.ts';
import type { Effect } from '#actors/kernel/effects.ts';
import type { RoomMessage } from '#actors/kernel/messages.ts';
import { equalBytes } from '#proto/rules/bytes.ts';
import type { RoomContext } from './context.ts';
import { changeNow } from './state/rows.ts';

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
