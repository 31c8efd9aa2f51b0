// Families of tokens by the day on which they may end, so that finding those that ended costs what may have ended, not what is kept. Guarantees: a family
// whose entry was answered is looked at from its day on until it was named and removed, or has moved to a later day. An active device leaves one entry
// for each day of use, and each is looked at once, on its day.
import type { Connection } from './connection.ts';
import type { Floors } from './floors.ts';
import { ttlSeconds } from './retention.ts';

const dayMs = 24 * 3_600_000;
const queue = 'family_ends';
const sliceCount = 64;
/** The floor stays so far back: longer than any process stands still and goes on. */
const slackMs = 2 * dayMs;
/** An entry that nobody dropped goes so long after its day. */
const keptMs = 90 * dayMs;
const pageMax = 500;
/** Entries that are remembered as written; the oldest goes. */
const knownMax = 50_000;

const insert = 'insert into family_ends (day, slice, key) values (?, ?, ?) using ttl ?';
const remove = 'delete from family_ends where day = ? and slice = ? and key = ?';
const select = 'select key from family_ends where day = ? and slice = ? and key > ? limit ?';

export interface FamilyEndsOptions {
  readonly floors: Floors;
  readonly now: () => number;
}

export class FamilyEnds {
  readonly #connection: Connection;
  readonly #options: FamilyEndsOptions;
  /** By key: the day of the entry written last. */
  readonly #known = new Map<string, number>();

  constructor(connection: Connection, options: FamilyEndsOptions) {
    this.#connection = connection;
    this.#options = options;
  }

  /** To be answered before the family itself is written. */
  async write(key: string, expiresMs: number): Promise<void> {
    const now = this.#options.now();
    const day = dayOf(Math.max(expiresMs, now));
    if (this.#known.get(key) === day) return;
    const ttl = ttlSeconds(day * dayMs + dayMs + keptMs, { now, slackMs: 0 });
    await this.#connection.write(insert, [day, sliceOf(key), key, ttl]);
    this.#known.delete(key);
    this.#known.set(key, day);
    if (this.#known.size > knownMax) this.#known.delete(this.#known.keys().next().value!);
  }

  /** Families that may have ended before this time, one after the other. Whoever looks at one says whether its entry has served: it is dropped then. */
  async *due(nowMs: number): AsyncGenerator<DueFamily> {
    const { floors, now } = this.#options;
    const floor = dayOf(await floors.read(queue));
    const today = dayOf(Math.max(nowMs, now()));
    let lowest = today;
    for (let day = floor; day <= today; day++) {
      const slices = Array.from({ length: sliceCount }, (_, slice) => slice);
      const first = await Promise.all(slices.map((slice) => this.#page({ day, slice }, '')));
      for (const [slice, page] of first.entries()) {
        for await (const due of this.#ofSlice({ day, slice }, page)) {
          yield due;
          if (!due.served) lowest = Math.min(lowest, day);
        }
      }
    }
    if (lowest > floor) await floors.raise(queue, Math.min(lowest * dayMs, (await floors.storeNow()) - slackMs));
  }

  async *#ofSlice(place: Place, first: DueFamily[]): AsyncGenerator<DueFamily> {
    for (let page = first; ; page = await this.#page(place, page.at(-1)!.key)) {
      try {
        yield* page;
      } finally {
        const served = page.filter((due) => due.served);
        const removals = served.map(({ key }) => ({ query: remove, params: [place.day, place.slice, key] }));
        await this.#connection.writeTogether(removals);
      }
      if (page.length < pageMax) return;
    }
  }

  async #page({ day, slice }: Place, after: string): Promise<DueFamily[]> {
    const rows = await this.#connection.read(select, [day, slice, after, pageMax]);
    return rows.map(({ key }): DueFamily => ({ key: key as string, day, served: false }));
  }
}

/** A partition. */
interface Place {
  readonly day: number;
  readonly slice: number;
}

/** A family to look at; whoever does says whether its entry has served. */
export interface DueFamily {
  readonly key: string;
  readonly day: number;
  served: boolean;
}

export function dayOf(ms: number): number {
  return Math.floor(ms / dayMs);
}

function sliceOf(key: string): number {
  let hash = 0;
  for (let i = 0; i < key.length; i++) hash = (Math.imul(hash, 31) + key.charCodeAt(i)) | 0;
  return (hash >>> 0) % sliceCount;
}
