// Heads of many rooms for one list: sleeping rooms are read where that is certain, all others are asked once, the answers are gathered, one message
// goes back. Bounded: at most the rooms of a user at a time. A room that does not answer in time is missing from the list, and said to be. The part of
// the world behind the effects `summaries` and `summarised`; how rooms are read and time passes is its host's.
import { type Address, parseAddress, roomAddress } from './address.ts';
import type { Message, RoomSummary } from './messages.ts';

/** Milliseconds until the silent rooms are left out. */
export const answerTimeoutMs = 8_000;

/** What gathering needs. */
export interface SummariesPorts {
  /** Looks for the summary of a room that sleeps; `found` is called once, with null where the room must be asked. */
  readonly peek: (room: string, found: (summary: RoomSummary | null) => void) => void;
  readonly tell: (to: Address, message: Message) => void;
  /** To one incarnation of an actor. */
  readonly tellFrom: (to: Address, incarnation: number, message: Message) => void;
  /** Runs something later; what it returns calls that off. */
  readonly later: (delayMs: number, run: () => void) => () => void;
  /** Number before the first gathering's: of several nodes each has numbers of its own. Default 0. */
  readonly firstToken?: number;
}

/** Who asks for which rooms. */
export interface SummariesRequest {
  readonly user: Address;
  readonly incarnation: number;
  readonly token: number;
  readonly rooms: readonly string[];
}

interface Gathering {
  readonly request: SummariesRequest;
  readonly missing: Set<string>;
  readonly found: RoomSummary[];
  readonly callOff: () => void;
}

/** The gatherings under way. */
export class Summaries {
  readonly #ports: SummariesPorts;
  readonly #gatherings = new Map<number, Gathering>();
  #tokens: number;

  constructor(ports: SummariesPorts) {
    this.#ports = ports;
    this.#tokens = ports.firstToken ?? 0;
  }

  /** Gatherings under way. */
  get size(): number {
    return this.#gatherings.size;
  }

  /** Asks all rooms. */
  begin(request: SummariesRequest): void {
    const token = ++this.#tokens;
    const { peek, tell, later } = this.#ports;
    const callOff = later(answerTimeoutMs, () => this.#end(token));
    this.#gatherings.set(token, { request, missing: new Set(request.rooms), found: [], callOff });
    if (request.rooms.length === 0) return this.#end(token);
    const user = parseAddress(request.user).id;
    for (const room of request.rooms) {
      peek(room, (summary) => {
        if (summary === null) tell(roomAddress(room), { kind: 'summarise', user, token });
        else this.take(token, room, summary);
      });
    }
  }

  /** A room answered; null = it can't. */
  take(token: number, room: string, summary: RoomSummary | null): void {
    const gathering = this.#gatherings.get(token);
    if (!gathering?.missing.delete(room)) return;
    if (summary !== null) gathering.found.push(summary);
    if (gathering.missing.size === 0) this.#end(token);
  }

  #end(token: number): void {
    const gathering = this.#gatherings.get(token);
    if (gathering === undefined) return;
    gathering.callOff();
    this.#gatherings.delete(token);
    const { user, incarnation, token: asked } = gathering.request;
    this.#ports.tellFrom(user, incarnation, { kind: 'summaries', token: asked, summaries: gathering.found });
  }
}
