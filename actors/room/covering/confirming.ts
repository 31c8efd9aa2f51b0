// What is said of how the room stands, and rests on no event that is on its way. Guarantee: it is said only once the log has confirmed, by a read of the
// fence that began later, that it is still this room's, and as the room stands then. A process that was fenced goes on with the room as it knew it until
// it notices: devices would hear of an older head than they know, take their server for a liar, and freeze the room.
// One question is under way at a time; what comes meanwhile waits for the next one.
import type { Effect } from '#actors/kernel/effects.ts';
import type { RoomLimits } from '../limits.ts';

type Say = () => readonly Effect[];

const confirm: Effect = { kind: 'log', command: { kind: 'confirm', token: 0 } };

/** The queue of one room. */
export class Confirming {
  readonly #max: number;
  /** Waits for the question that is under way. */
  #asked: readonly Say[] = [];
  #waiting: Say[] = [];

  constructor({ confirmingMax }: RoomLimits) {
    this.#max = confirmingMax;
  }

  /** How much waits. */
  get size(): number {
    return this.#asked.length + this.#waiting.length;
  }

  /** One more: `say` makes the effects when it is time. Null where as many wait as may. */
  add(say: Say): readonly Effect[] | null {
    if (this.size >= this.#max) return null;
    this.#waiting.push(say);
    return this.#ask();
  }

  /** The room is still this actor's. */
  confirmed(): readonly Effect[] {
    const said = this.#asked.flatMap((say) => say());
    this.#asked = [];
    return [...said, ...this.#ask()];
  }

  #ask(): readonly Effect[] {
    if (this.#asked.length > 0 || this.#waiting.length === 0) return [];
    this.#asked = this.#waiting;
    this.#waiting = [];
    return [confirm];
  }
}
