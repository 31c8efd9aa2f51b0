// What each device went through: it showed what it may read, all of it, in order, once, over all its connections, and of what it was given; and
// where a server called a recovery complete, it was.
import type { History, HistoryEvent } from '../events.ts';
import type { LogIndex } from '../final-log.ts';
import type { Wrong } from '../violations.ts';
import { Seat } from './seat.ts';

export function checkDevices(history: History, logs: ReadonlyMap<string, LogIndex>, wrong: Wrong): void {
  const world = new World(logs, wrong);
  for (const event of history) world.hear(event);
  world.end();
}

/** A connection that is there now. */
interface Connection {
  readonly device: string;
  /** What came on it, by room. */
  readonly given: Map<string, Set<number>>;
  /** The highest seq of a room that anybody had been told accepted when this connection last asked for it. */
  readonly owed: Map<string, number>;
}

class World {
  readonly #logs: ReadonlyMap<string, LogIndex>;
  readonly #wrong: Wrong;
  readonly #connections = new Map<number, Connection>();
  readonly #seats = new Map<string, Seat>();
  readonly #away = new Set<string>();
  readonly #accepted = new Map<string, number>();

  constructor(logs: ReadonlyMap<string, LogIndex>, wrong: Wrong) {
    this.#logs = logs;
    this.#wrong = wrong;
  }

  hear(event: HistoryEvent): void {
    if (event.kind === 'opened') {
      this.#away.delete(event.device);
      this.#connections.set(event.connection, { device: event.device, given: new Map(), owed: new Map() });
    } else if (event.kind === 'closed') this.#connections.delete(event.connection);
    else if (event.kind === 'away') this.#away.add(event.device);
    else if (event.kind === 'joined') this.#seat(event).mayReadFrom(event.from);
    else if (event.kind === 'left') this.#seat(event).mayReadThrough(event);
    else if (event.kind === 'accepted')
      this.#accepted.set(event.room, Math.max(event.seq, this.#accepted.get(event.room) ?? 0));
    else if (event.kind === 'delivered') this.#delivered(event);
    else if (event.kind === 'shown') this.#seat(event).shows(event);
    else if (event.kind === 'asked')
      this.#connections.get(event.connection)?.owed.set(event.room, this.#accepted.get(event.room) ?? 0);
    else if (event.kind === 'recovered') this.#recovered(event);
  }

  end(): void {
    for (const seat of this.#seats.values()) {
      seat.endGiven();
      if (!this.#away.has(seat.device)) seat.end();
    }
  }

  #seat({ device, room }: { readonly device: string; readonly room: string }): Seat {
    const key = `${device} ${room}`;
    let seat = this.#seats.get(key);
    if (seat === undefined) {
      seat = new Seat(device, room, { log: this.#logs.get(room), wrong: this.#wrong });
      this.#seats.set(key, seat);
    }
    return seat;
  }

  #delivered({ connection: number, room, records }: HistoryEvent & { readonly kind: 'delivered' }): void {
    const connection = this.#connections.get(number);
    if (connection === undefined) return;
    const seat = this.#seat({ device: connection.device, room });
    const given = connection.given.get(room) ?? new Set();
    connection.given.set(room, given);
    for (const { seq } of records) {
      given.add(seq);
      seat.given.add(seq);
    }
  }

  #recovered(event: HistoryEvent & { readonly kind: 'recovered' }): void {
    const { connection: number, room, from, through, gap } = event;
    const connection = this.#connections.get(number);
    if (connection === undefined || gap) return;
    const seat = this.#seat({ device: connection.device, room });
    const who = `${connection.device} on connection ${number}`;
    const owed = seat.readableThrough(connection.owed.get(room) ?? 0);
    if (through < owed) {
      const what = `${who} recovered up to ${through}, when ${owed} was accepted already`;
      this.#wrong({ code: 'recovery-stale', where: room, what });
    }
    const given = connection.given.get(room);
    const missing = seat.missing(from, through, (seq) => given?.has(seq) === true);
    if (missing.length === 0) return;
    const what = `${who} recovered ${from} to ${through} without ${missing.join(' ')}`;
    this.#wrong({ code: 'recovery-incomplete', where: room, what });
  }
}
