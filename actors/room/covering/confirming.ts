// What is said of how the room stands, and rests on no event that is on its way. Guarantee: it is said only once the log has confirmed, by a read of the
// fence that began later, that it is still this room's, and as the room stands then. A process that was fenced goes on with the room as it knew it until
// it notices: devices would hear of an older head than they know, take their server for a liar, and freeze the room.
// One question is under way at a time; what comes meanwhile waits for the next one.
import type { Effect } from '#actors/kernel/effects.ts';
import type { RoomLimits } from '../limits.ts';

type Say = () => readonly Effect[];

const confirm: Effect = { kind: 'log', command: { kind: 'confirm', token: 0 } };

/** Timer by which it is gone on saying, in another turn. */
export const sayTimer = 'say';
const later: Effect = { kind: 'startTimer', name: sayTimer, delayMs: 0 };

/** The queue of one room. */
export class Confirming {
  readonly #limits: Pick<RoomLimits, 'confirmingMax' | 'confirmedPerTurn'>;
  #waiting: Say[] = [];
  /** Waits for the question that is under way. */
  #asked: readonly Say[] = [];
  /** Confirmed, and not said yet. */
  #due: readonly Say[] = [];

  constructor(limits: Pick<RoomLimits, 'confirmingMax' | 'confirmedPerTurn'>) {
    this.#limits = limits;
  }

  /** How much waits. */
  get size(): number {
    return this.#waiting.length + this.#asked.length + this.#due.length;
  }

  /** One more: `say` makes the effects when it is time. Null where as many wait as may. */
  add(say: Say): readonly Effect[] | null {
    if (this.size >= this.#limits.confirmingMax) return null;
    this.#waiting.push(say);
    return this.#ask();
  }

  /** The room is still this actor's. */
  confirmed(): readonly Effect[] {
    this.#due = this.#asked;
    this.#asked = [];
    return this.say();
  }

  /** Says what is due, as much as a turn may take. */
  say(): readonly Effect[] {
    const { confirmedPerTurn } = this.#limits;
    const now = this.#due.slice(0, confirmedPerTurn);
    this.#due = this.#due.slice(confirmedPerTurn);
    const said = now.flatMap((say) => say());
    return [...said, ...(this.#due.length > 0 ? [later] : this.#ask())];
  }

  #ask(): readonly Effect[] {
    if (this.#asked.length + this.#due.length > 0 || this.#waiting.length === 0) return [];
    this.#asked = this.#waiting;
    this.#waiting = [];
    return [confirm];
  }
}
