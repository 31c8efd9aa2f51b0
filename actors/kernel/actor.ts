// The actor contract: `receive(message, now)` changes the actor's own state and returns what the world should do about it.
// It is synchronous; it never awaits, reads no clock, draws no randomness. Answers from the world come back as messages.
import type { Effect } from './effects.ts';

/** No effects: shared so that silent turns allocate nothing. */
export const nothing: readonly Effect[] = [];

/** Something that others can make an actor keep, against its bound. */
export interface Kept {
  readonly what: string;
  readonly count: number;
  readonly max: number;
}

/** One actor. A throw drops this actor's state alone: it starts again from the store. */
export interface Actor<Message> {
  /** Handles one message at the virtual or real time `now` (milliseconds since the epoch). */
  receive(message: Message, now: number): readonly Effect[];
  /** True when nothing is waiting in this actor, so that it may be passivated. */
  idle(): boolean;
  /** What it keeps for others, for whoever looks after memory. Without it: nothing. */
  kept?(): readonly Kept[];
}
