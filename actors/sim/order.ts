// In which order the requests of a session come to an actor: that of asking, as long as the actor stays where it is and nothing comes back.
import type { Message } from '#actors/kernel/messages.ts';

export class Order {
  /** Newest request by place, session and actor. */
  readonly #newest = new Map<string, number>();
  readonly #returned = new Set<string>();

  /** Its actor was not where it was sent to: it goes another way than those after it. */
  returned(message: Message): void {
    if ('from' in message) this.#returned.add(`${message.from.session}/${message.from.request}`);
  }

  /** An actor on the process of this seat handles a message; what is wrong with that, if anything. */
  handled(seat: number, actor: string, message: Message): string | null {
    if (!('from' in message) || message.from.request === 0) return null;
    const { session, request } = message.from;
    if (this.#returned.has(`${session}/${request}`)) return null;
    const key = `${seat} ${session} ${actor}`;
    const newest = this.#newest.get(key) ?? 0;
    this.#newest.set(key, Math.max(request, newest));
    return request < newest ? `${actor} got request ${request} of session ${session} after ${newest}` : null;
  }
}
