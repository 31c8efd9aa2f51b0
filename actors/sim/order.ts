// In which order the requests of a session come to an actor on one process: that of asking, also where it moves away and some come back.
import type { Message } from '#actors/kernel/messages.ts';

export class Order {
  /** Newest request by place, session and actor. */
  readonly #newest = new Map<string, number>();

  /** An actor on the process of this seat handles a message; what is wrong with that, if anything. */
  handled(seat: number, actor: string, message: Message): string | null {
    if (!('from' in message) || message.from.request === 0) return null;
    const { session, request } = message.from;
    const key = `${seat} ${session} ${actor}`;
    const newest = this.#newest.get(key) ?? 0;
    this.#newest.set(key, Math.max(request, newest));
    return request < newest ? `${actor} got request ${request} of session ${session} after ${newest}` : null;
  }
}
