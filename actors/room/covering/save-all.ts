// Saving what changed of a room's state without waiting for the log to ask: so that no write is larger than a store takes, and who is forgotten is so on the disk.
import { nothing } from '#actors/kernel/actor.ts';
import type { Effect } from '#actors/kernel/effects.ts';
import type { RoomContext } from '../context.ts';
import { takeChanges } from '../state/rows.ts';

/** Saves all that changed; `then` once it is durable. One at a time, for a later one must not be durable without it: nothing happens while one is under way. */
export function saveAll({ state, calls }: RoomContext, then: readonly Effect[] = nothing): readonly Effect[] {
  if (state.saving > 0) return nothing;
  const changes = takeChanges(state);
  state.saving = changes.length;
  const saved = () => {
    state.saving = 0;
    return then;
  };
  return [calls.save(changes, saved)];
}

/** Saves where much has changed, or somebody was forgotten: the room may never be opened again. */
export function saveMuch(context: RoomContext): readonly Effect[] {
  const { state, options } = context;
  return state.dirty.size >= options.limits.saveAtRows || state.hasForgotten ? saveAll(context) : nothing;
}
