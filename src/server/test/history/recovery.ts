// How long rooms stood still after each fault: from the history alone, as the people who wait saw it.
import { type History, sendKey } from './events.ts';

export interface RecoveryTimes {
  /** The mark that they count from; they end at the next mark, or with the history. */
  readonly mark: string;
  /** Rooms in which somebody waited for an answer meanwhile. */
  readonly rooms: number;
  /** Rooms in which somebody still waited at the end. */
  readonly waiting: number;
  /** Of the longest time of each room without an acceptance while somebody waited, milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  readonly slowest: string;
}

/** The times after each mark of a history. Waiting that began before the mark counts from the mark on. */
export function recoveryTimes(history: History): RecoveryTimes[] {
  const rooms = new Map<string, Room>();
  const times: RecoveryTimes[] = [];
  let mark: string | null = null;
  const close = (at: number) => {
    if (mark !== null) times.push(timesOf(mark, rooms, at));
    for (const room of rooms.values()) room.begin(at);
  };
  for (const event of history) {
    if (event.kind === 'mark') {
      close(event.at);
      mark = event.name;
    } else if (event.kind === 'sent' || event.kind === 'accepted' || event.kind === 'rejected') {
      const room = rooms.get(event.room) ?? new Room();
      rooms.set(event.room, room);
      if (event.kind === 'sent') room.sent(sendKey(event), event.at);
      else if (event.kind === 'accepted') room.moved(sendKey(event), event.at);
      else if (event.code >= finalFrom) room.refused(sendKey(event), event.at);
    }
  }
  close(history.at(-1)?.at ?? 0);
  return times;
}

/** Rejections below are tried again as they are: their sender goes on waiting. */
const finalFrom = 20;

/** A room's waiting, in one stretch between marks. */
class Room {
  readonly #open = new Set<string>();
  #since = 0;
  #longest = -1;

  get waits(): boolean {
    return this.#open.size > 0;
  }

  begin(at: number): void {
    this.#since = at;
    this.#longest = -1;
  }

  sent(send: string, at: number): void {
    if (!this.waits) this.#since = at;
    this.#open.add(send);
  }

  moved(send: string, at: number): void {
    if (this.waits) this.#longest = Math.max(this.#longest, at - this.#since);
    this.#since = at;
    this.#open.delete(send);
  }

  /** It waits no more, but the room has not moved. */
  refused(send: string, at: number): void {
    if (this.waits) this.#longest = Math.max(this.#longest, at - this.#since);
    this.#open.delete(send);
  }

  /** Longest time up to now; negative = nobody waited. */
  longest(at: number): number {
    return this.waits ? Math.max(this.#longest, at - this.#since) : this.#longest;
  }
}

function timesOf(mark: string, rooms: ReadonlyMap<string, Room>, at: number): RecoveryTimes {
  const waited = [...rooms]
    .map(([name, room]) => ({ name, ms: room.longest(at) }))
    .filter(({ ms }) => ms >= 0)
    .sort((a, b) => a.ms - b.ms);
  const of = (share: number) => Math.round(waited[Math.ceil(share * waited.length) - 1]?.ms ?? 0);
  const waiting = [...rooms.values()].filter(({ waits }) => waits).length;
  const slowest = waited.at(-1)?.name ?? '';
  return { mark, rooms: waited.length, waiting, p50: of(0.5), p99: of(0.99), max: of(1), slowest };
}
