// Heads of many rooms for one list: sleeping rooms are read where that is certain, all others are asked once, the answers are gathered, one message
// goes back. Bounded: at most the rooms of a user at a time. A room that does not answer in time is missing from the list, and said to be.
import type { Address } from '#actors/kernel/address.ts';
import type { RoomSummary } from '#actors/kernel/messages.ts';

const answerTimeoutMs = 8_000;

/** What gathering needs. */
export interface SummariesPorts {
  /** The summary of a room that sleeps; null = ask it. */
  readonly peek: (room: string) => Promise<RoomSummary | null>;
  readonly ask: (room: string, user: string, token: number) => void;
  readonly answer: (user: Address, incarnation: number, token: number, summaries: readonly RoomSummary[]) => void;
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
  readonly timer: NodeJS.Timeout;
}

/** The gatherings under way. */
export class Summaries {
  readonly #ports: SummariesPorts;
  readonly #gatherings = new Map<number, Gathering>();
  #tokens = 0;

  constructor(ports: SummariesPorts) {
    this.#ports = ports;
  }

  /** Asks all rooms. */
  begin(request: SummariesRequest): void {
    const token = ++this.#tokens;
    const timer = setTimeout(() => this.#end(token), answerTimeoutMs);
    this.#gatherings.set(token, { request, missing: new Set(request.rooms), found: [], timer });
    if (request.rooms.length === 0) return this.#end(token);
    const user = request.user.slice(request.user.indexOf('/') + 1);
    for (const room of request.rooms) {
      const wake = () => this.#ports.ask(room, user, token);
      this.#ports.peek(room).then((summary) => (summary ? this.take(token, room, summary) : wake()), wake);
    }
  }

  /** A room answered; null = it can't. */
  take(token: number, room: string, summary: RoomSummary | null): void {
    const gathering = this.#gatherings.get(token);
    if (!gathering?.missing.delete(room)) return;
    if (summary) gathering.found.push(summary);
    if (gathering.missing.size === 0) this.#end(token);
  }

  #end(token: number): void {
    const gathering = this.#gatherings.get(token);
    if (!gathering) return;
    clearTimeout(gathering.timer);
    this.#gatherings.delete(token);
    const { user, incarnation, token: asked } = gathering.request;
    this.#ports.answer(user, incarnation, asked, gathering.found);
  }
}
