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
  readonly refused: string[];
}

/** What became of a room's part. `stray`: nobody waits for it, yet the room has made the session live. */
export type PartOutcome = 'waiting' | 'complete' | 'stray' | 'ignored';

export class Subscriptions {
  readonly #max: number;
  /** Subscribed, or asked for and not refused. */
  readonly #rooms = new Set<string>();
  readonly #gatherings = new Map<number, Gathering>();

  constructor(max: number) {
    this.#max = max;
  }

  /** Rooms that count. */
  get size(): number {
    return this.#rooms.size;
  }

  /** Begins to gather; false = that would be too many rooms in all, and nothing has changed. */
  begin(token: number, request: number, rooms: ReadonlySet<string>): boolean {
    let size = this.#rooms.size;
    for (const room of rooms) if (!this.#rooms.has(room)) size++;
    if (size > this.#max) return false;
    for (const room of rooms) this.#rooms.add(room);
    this.#gatherings.set(token, { request, waiting: new Set(rooms), entries: [], refused: [] });
    return true;
  }

  /** A room answered. */
  part({ token, room, entry }: SubscribedPart): PartOutcome {
    const gathering = this.#gatherings.get(token);
    if (gathering === undefined || !gathering.waiting.delete(room)) {
      return entry !== null && !this.#rooms.has(room) ? 'stray' : 'ignored';
    }
    if (entry === null) this.#refuse(gathering, room);
    else {
      gathering.entries.push(entry);
      this.#rooms.add(room);
    }
    return gathering.waiting.size === 0 ? 'complete' : 'waiting';
  }

  /** Ends a gathering; rooms that have not answered are refused. Undefined = it ended before. */
  end(token: number): Gathering | undefined {
    const gathering = this.#gatherings.get(token);
    if (gathering === undefined) return undefined;
    this.#gatherings.delete(token);
    for (const room of gathering.waiting) this.#refuse(gathering, room);
    return gathering;
  }

  #refuse(gathering: Gathering, room: string): void {
    gathering.refused.push(room);
    this.#rooms.delete(room);
  }
}

/** Most bytes of an encoded entry without its name: ids of full length, numbers of 2^53. */
const entryBytesMax = 384;

/** The answer to a Subscribe. Names that would take it over `bytesMax` are left out: the room list has them too. */
export function subscribedBody({ entries, refused }: Gathering, bytesMax: number): AnswerBody {
  let left = bytesMax - (entries.length + refused.length) * entryBytesMax;
  const rooms = entries.map((entry) => {
    if (entry.name === undefined) return entry;
    left -= Slot.encode(entry.name).finish().length + 8;
    return left >= 0 ? entry : { ...entry, name: undefined };
  });
  return { $case: 'subscribed', value: { rooms, refused, deferred: [] } };
}
