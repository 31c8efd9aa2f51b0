// In which order the requests of a session come to an actor on one process: that of asking, also where it moves away and some come back.
import type { Actor } from '#actors/kernel/actor.ts';
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

/** The same actor, whose messages are looked at before it gets them: what `wrongWith` says of one is a bug. */
export function inOrder<Told extends Message>(
  actor: Actor<Told>,
  wrongWith: (message: Told) => string | null,
  bug: (what: string) => void,
): Actor<Told> {
  return {
    receive: (message, now) => {
      const wrong = wrongWith(message);
      if (wrong !== null) bug(wrong);
      return actor.receive(message, now);
    },
    idle: () => actor.idle(),
    kept: () => actor.kept?.() ?? [],
  };
}
