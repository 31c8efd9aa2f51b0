// The rooms a session is subscribed to, and the Subscribe requests whose rooms have not all answered. Bounded: rooms in all by the protocol, and
// open requests by the window. It does not make anybody live: the rooms do.

import type { AnswerBody, SubscribedPart } from '#actors/kernel/messages.ts';
import type { RoomEntry } from '#proto/gen/client.ts';
import { Slot } from '#proto/gen/record.ts';

/** One Subscribe that is being answered. */
export interface Gathering {
  readonly request: number;
  readonly waiting: Set<string>;
  readonly entries: RoomEntry[];
  /** Not a member, or no such room. */
  readonly refused: string[];
  /** Busy or silent: nothing is known. */
  readonly deferred: string[];
}

/** What became of a room's part. `stray`: nobody waits for it, yet the room has made the session live. */
export type PartOutcome = 'waiting' | 'complete' | 'stray' | 'ignored';

export class Subscriptions {
  readonly #max: number;
  /** Rooms that have made the session live. */
  readonly #live = new Set<string>();
  readonly #gatherings = new Map<number, Gathering>();

  constructor(max: number) {
    this.#max = max;
  }

  /** Begins to gather, with what is refused at once; false = with those that are live or asked already that would be too many rooms, and nothing has changed. */
  begin(token: number, request: number, rooms: ReadonlySet<string>, refused: readonly string[] = []): boolean {
    const all = new Set([...this.#live, ...rooms]);
    for (const { waiting } of this.#gatherings.values()) for (const room of waiting) all.add(room);
    if (all.size > this.#max) return false;
    this.#gatherings.set(token, { request, waiting: new Set(rooms), entries: [], refused: [...refused], deferred: [] });
    return true;
  }

  /** A room answered. */
  part({ token, room, entry, busy }: SubscribedPart): PartOutcome {
    const gathering = this.#gatherings.get(token);
    if (gathering === undefined || !gathering.waiting.delete(room)) {
      return entry === null || this.#live.has(room) || this.#isAsked(room) ? 'ignored' : 'stray';
    }
    if (entry !== null) {
      gathering.entries.push(entry);
      this.#live.add(room);
    } else if (busy) {
      gathering.deferred.push(room);
    } else {
      gathering.refused.push(room);
      this.#live.delete(room);
    }
    return gathering.waiting.size === 0 ? 'complete' : 'waiting';
  }

  /** Ends a gathering; rooms that have not answered are put off. Undefined = it ended before. */
  end(token: number): Gathering | undefined {
    const gathering = this.#gatherings.get(token);
    if (gathering === undefined) return undefined;
    this.#gatherings.delete(token);
    gathering.deferred.push(...gathering.waiting);
    return gathering;
  }

  /** The user is out of this room: the session is not live there any more. */
  evicted(room: string): void {
    this.#live.delete(room);
  }

  #isAsked(room: string): boolean {
    return [...this.#gatherings.values()].some(({ waiting }) => waiting.has(room));
  }
}

/** Most bytes of an encoded entry without its name: ids of full length, numbers of 2^53. */
const entryBytesMax = 384;

/** The answer to a Subscribe. Names that would take it over `bytesMax` are left out: the room list has them too. */
export function subscribedBody({ entries, refused, deferred }: Gathering, bytesMax: number): AnswerBody {
  let left = bytesMax - (entries.length + refused.length + deferred.length) * entryBytesMax;
  const rooms = entries.map((entry) => {
    if (entry.name === undefined) return entry;
    left -= Slot.encode(entry.name).finish().length + 8;
    return left >= 0 ? entry : { ...entry, name: undefined };
  });
  return { $case: 'subscribed', value: { rooms, refused, deferred } };
}
