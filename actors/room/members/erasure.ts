// Members whose account is erased. Their number stays, and so does what it stands for in the chain; who was behind it is forgotten once nobody needs that any more
// to follow the chain: they are out, and a CHECKPOINT covers everything that they signed, or it is a group where nobody is or can come any more. Until then it is kept that they are to be forgotten.
// Does not: touch rows of the log, which hold the same beside old entries until their own time is over.
import { nothing } from '#actors/kernel/actor.ts';
import type { Effect } from '#actors/kernel/effects.ts';
import { ErasedRow } from '#proto/gen/room.ts';
import type { RoomContext } from '../context.ts';
import { saveAll } from '../covering/save-all.ts';
import type { RoomState } from '../state/room-state.ts';
import { changeTo } from '../state/rows.ts';

/** The user actor says that this account is erased. `then` once that is durable here, and so is that they are forgotten where nobody needs them any more, since nobody may
 * ever open the room again; until then not at all: the user actor tells it again. */
export function learnErasure(context: RoomContext, user: string, then: () => readonly Effect[]): readonly Effect[] {
  const { state, calls } = context;
  const number = state.people.numberOf(user);
  // They may be forgotten here, and not on the disk.
  if (number === undefined) return state.hasForgotten || state.saving > 0 ? saveAll(context, then()) : then();
  // The entry that brings them in is not covered, and may never be: then the number is another's.
  if (state.chain?.members.get(number) === undefined || state.unsavedErasures.has(number)) return nothing;
  if (state.erased.has(number)) return then();
  state.unsavedErasures.add(number);
  const row = ErasedRow.encode({ forgotten: false }).finish();
  const saved = () => {
    state.unsavedErasures.delete(number);
    state.erased.set(number, false);
    forgetErased(state);
    return state.hasForgotten ? saveAll(context, then()) : then();
  };
  return [calls.save([changeTo(state, `erased/${number}`, row)], saved)];
}

/** Forgets whom nobody needs any more. To be called when entries were covered, and when the room opened. */
export function forgetErased(state: RoomState): void {
  for (const [number, isForgotten] of state.erased) if (!isForgotten && mayForget(state, number)) state.forget(number);
}

function mayForget(state: RoomState, number: number): boolean {
  const { chain, chainAhead, checkpoint, control } = state;
  const member = chain?.members.get(number);
  if (chain === null || member === undefined || state.isPresent(member)) return false;
  // Somebody brings them back, and it is not covered yet.
  if (chainAhead?.members.get(number)?.changed !== member.changed) return false;
  // Nobody invites into it, and in nobody is who was in it: its chain is read no more.
  if (!chain.policy.direct && chain.counted === 0) return true;
  if (checkpoint === null) return false;
  for (let at = checkpoint.number; at <= control.last; at++) if (control.get(at)?.body.actor === number) return false;
  return true;
}
