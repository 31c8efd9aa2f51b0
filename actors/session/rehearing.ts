// Rooms that a session heard until their node went, and asks for anew: until it is live or watches there again, or is told that it may not.
import type { Effect } from '#actors/kernel/effects.ts';

/** How it heard a room. */
export type Heard = 'live' | 'watch';

/** Numbers of these asks are above this; those of devices begin at 1. */
const tokensFrom = 2 ** 40;

interface Asked {
  heard: Heard;
  /** Of the newest ask; 0 = none. */
  token: number;
}

export const rehearName = 'rehear';

/** Between two asks of a room that said not now: 0.7 to 1.3 s, so that the sessions of a node do not all ask at once. */
export function rehearTimer(session: number): Effect {
  return { kind: 'startTimer', name: rehearName, delayMs: 700 + (session % 600) };
}

export class Rehearing {
  readonly #rooms = new Map<string, Asked>();
  readonly #late = new Set<string>();
  #tokens = tokensFrom;

  add(room: string, heard: Heard): void {
    const asked = this.#rooms.get(room);
    if (asked === undefined) this.#rooms.set(room, { heard, token: 0 });
    else if (heard === 'live') asked.heard = heard;
  }

  of(room: string): Heard | undefined {
    return this.#rooms.get(room)?.heard;
  }

  /** The room is asked now: the number of that ask. */
  ask(room: string): number {
    const token = ++this.#tokens;
    const asked = this.#rooms.get(room);
    if (asked !== undefined) asked.token = token;
    return token;
  }

  /** Is this the number of such an ask? */
  isToken(token: number): boolean {
    return token > tokensFrom;
  }

  /** The room has moved since, and was asked again: this answer says nothing about where it is now. */
  isOld(room: string, token: number): boolean {
    const asked = this.#rooms.get(room);
    return asked !== undefined && asked.token !== token;
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
    const heard = this.of(room);
    this.#rooms.delete(room);
    return heard;
  }
}
