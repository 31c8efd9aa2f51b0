// Rooms that a session heard until their node went, and asks for anew: until it is live or watches there again, or is told that it may not.
import type { Effect } from '#actors/kernel/effects.ts';

/** How it heard a room. */
export type Heard = 'live' | 'watch';

/** Number of these asks; those of devices begin at 1. */
export const rehearToken = 0;

export const rehearName = 'rehear';

/** Between two asks of a room that said not now: 0.7 to 1.3 s, so that the sessions of a node do not all ask at once. */
export function rehearTimer(session: number): Effect {
  return { kind: 'startTimer', name: rehearName, delayMs: 700 + (session % 600) };
}

export class Rehearing {
  readonly #rooms = new Map<string, Heard>();
  readonly #late = new Set<string>();

  add(room: string, heard: Heard): void {
    if (this.#rooms.get(room) !== 'live') this.#rooms.set(room, heard);
  }

  of(room: string): Heard | undefined {
    return this.#rooms.get(room);
  }

  /** The room can't answer now; false = nobody waits for it. */
  again(room: string): boolean {
    if (!this.#rooms.has(room)) return false;
    this.#late.add(room);
    return true;
  }

  /** Rooms to ask again now. */
  late(): string[] {
    const rooms = [...this.#late].filter((room) => this.#rooms.has(room));
    this.#late.clear();
    return rooms;
  }

  /** It is heard again, or never will be. */
  drop(room: string): Heard | undefined {
    const heard = this.#rooms.get(room);
    this.#rooms.delete(room);
    return heard;
  }
}
