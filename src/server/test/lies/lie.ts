// What a lie is: a server does it to Alice, something tells her, and without some defences she would have believed it. It says nothing of how it
// is played out, with them and without them: that is liar.test.ts.
import type { AlarmCode, TroubleCause } from '#client/alarms.ts';
import type { Defence } from '../liar-doubles.ts';
import type { Scene } from '../liar-scene.ts';

/** A lie. */
export interface Lie {
  /** The end of the sentence "a server that …": so the tests name it. */
  readonly lie: string;
  /** What tells Alice: an alarm, or for a single message the cause for which it is not shown. */
  readonly noticed: AlarmCode | TroubleCause;
  /** Sending in the room ends. */
  readonly freezes: boolean;
  /** Nothing else tells her, and no alarm is raised: an honest server might say the same. */
  readonly silent?: true;
  /** Off in the control run. */
  readonly without: readonly Defence[];
  /** Off in both runs: a defence in front of the one that is shown. */
  readonly given?: readonly Defence[];
  /** The room is one of a person whom nobody has met, with one device or two. */
  readonly devices?: 1 | 2;
  /** Alice is not in the room yet. */
  readonly absent?: true;
  /** Tells it. */
  tell(scene: Scene): Promise<void>;
  /** Does Alice believe it? */
  believed(scene: Scene): Promise<boolean>;
}
