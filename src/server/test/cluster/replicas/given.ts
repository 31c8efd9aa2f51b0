// What the faults of one provider under load have in common: they are done one after the other to the same nodes, and one crowd goes through all of them.
import type { Trial } from '../trial.ts';
import type { Wired } from './wired.ts';

export interface Given extends Wired {
  readonly trial: Trial;
}

/** How long a fault lasts: not a wait for anything. */
export function pass(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
