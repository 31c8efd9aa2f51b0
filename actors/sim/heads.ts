// Heads of many rooms for one list, as the server gathers them: each room is asked once, the answers are collected, one message goes back.
import type { Address } from '#actors/kernel/address.ts';
import type { RoomSummary, UserMessage } from '#actors/kernel/messages.ts';

export interface HeadsPorts {
  ask(room: string, user: string, token: number): void;
  answer(user: Address, incarnation: number, message: UserMessage): void;
  later(delayMs: number, run: () => void): void;
}

/** Who asks for which rooms. */
export interface HeadsRequest {
  readonly user: Address;
  readonly incarnation: number;
  readonly token: number;
  readonly rooms: readonly string[];
}

/** Milliseconds until the silent rooms are left out. */
const patienceMs = 8_000;

/** The gatherings of one process. */
export class Heads {
  readonly #ports: HeadsPorts;
  readonly #open = new Map<number, { request: HeadsRequest; missing: Set<string>; found: RoomSummary[] }>();
  #tokens = 0;

  constructor(ports: HeadsPorts) {
    this.#ports = ports;
  }

  get size(): number {
    return this.#open.size;
  }

  begin(request: HeadsRequest): void {
    const token = ++this.#tokens;
    this.#open.set(token, { request, missing: new Set(request.rooms), found: [] });
    this.#ports.later(patienceMs, () => this.#end(token));
    for (const room of request.rooms) this.#ports.ask(room, request.user.slice('user/'.length), token);
  }

  /** A room answered; null = it can't. */
  take(token: number, room: string, summary: RoomSummary | null): void {
    const gathering = this.#open.get(token);
    if (gathering?.missing.delete(room) !== true) return;
    if (summary !== null) gathering.found.push(summary);
    if (gathering.missing.size === 0) this.#end(token);
  }

  #end(token: number): void {
    const gathering = this.#open.get(token);
    if (gathering === undefined) return;
    this.#open.delete(token);
    const { user, incarnation, token: asked } = gathering.request;
    this.#ports.answer(user, incarnation, { kind: 'summaries', token: asked, summaries: gathering.found });
  }
}
