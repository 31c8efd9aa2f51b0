// Sessions that ask to be live here. Guarantee: the answer names a head that is not below anything that was accepted, by whatever process, before the
// session asked. A process that was fenced goes on with the room as it knew it until it notices, so each waits until the log says, by a read of the
// fence that began later, that it is still this room's. One question is under way at a time; who comes meanwhile waits for the next one.
import type { Effect } from '#actors/kernel/effects.ts';
import type { RoomMessage } from '#actors/kernel/messages.ts';
import type { RoomContext } from '../context.ts';
import { entryOf } from './entry.ts';

type Subscribe = RoomMessage & { readonly kind: 'subscribe' };

const confirm: Effect = { kind: 'log', command: { kind: 'confirm', token: 0 } };

export class Subscribing {
  readonly #context: RoomContext;
  /** Asked for by the question that is under way. */
  #asked: readonly Subscribe[] = [];
  #waiting: Subscribe[] = [];

  constructor(context: RoomContext) {
    this.#context = context;
  }

  /** Sessions that wait. */
  get size(): number {
    return this.#asked.length + this.#waiting.length;
  }

  /** One more. Undefined where as many wait as may. Where there is no room there is nothing to wait for: the log has just been opened. */
  add(message: Subscribe): readonly Effect[] | undefined {
    if (this.#context.state.chainAhead === null) return this.#answer(message);
    if (this.size >= this.#context.options.limits.subscribersWaitingMax) return undefined;
    this.#waiting.push(message);
    return this.#ask();
  }

  /** The room is still this actor's. */
  confirmed(): readonly Effect[] {
    const answers = this.#asked.flatMap((message) => this.#answer(message));
    this.#asked = [];
    return [...answers, ...this.#ask()];
  }

  #ask(): readonly Effect[] {
    if (this.#asked.length > 0 || this.#waiting.length === 0) return [];
    this.#asked = this.#waiting;
    this.#waiting = [];
    return [confirm];
  }

  /** Makes the session live: the head in the answer is read after the join took effect, so that nothing falls between. Nobody but who is in. */
  #answer({ from, replyTo, token, watch }: Subscribe): readonly Effect[] {
    const { room } = this.#context;
    const entry = entryOf(this.#context, from.user);
    const told: Effect = { kind: 'send', to: replyTo, message: { kind: 'subscribedPart', token, room, entry } };
    if (entry === null) return [told];
    const { session } = from;
    return [watch ? { kind: 'watch', session, room } : { kind: 'join', session, audience: { room } }, told];
  }
}
