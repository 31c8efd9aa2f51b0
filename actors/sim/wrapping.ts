// How a mistake is wrapped around an actor: what it hears, or what it says, is another than it would be.
import type { Actor } from '#actors/kernel/actor.ts';
import type { Effect } from '#actors/kernel/effects.ts';
import type { RoomMessage, UserMessage } from '#actors/kernel/messages.ts';

/** What an actor of a log is told. */
export type Told = RoomMessage | UserMessage;

/** An actor that hears something else than it was told. */
export function hearing<Message extends Told>(
  actor: Actor<Message>,
  alter: (message: Message) => Message,
): Actor<Message> {
  return { receive: (message, now) => actor.receive(alter(message), now), idle: () => actor.idle() };
}

/** An actor whose effects are altered; null = dropped. */
export function saying<Message extends Told>(
  actor: Actor<Message>,
  alter: (effect: Effect) => Effect | null,
): Actor<Message> {
  return {
    receive: (message, now) => actor.receive(message, now).flatMap((effect) => alter(effect) ?? []),
    idle: () => actor.idle(),
  };
}

/** Alters every n-th one of those that it changes at all. */
export function every<T>(n: number, alter: (thing: T) => T | null): (thing: T) => T | null {
  let count = 0;
  return (thing) => {
    const altered = alter(thing);
    return altered === thing || ++count % n !== 0 ? thing : altered;
  };
}

/** It opens its log, and these rows of state are not there. */
export function withoutState<Message extends Told>(message: Message, prefix: string): Message {
  if (message.kind !== 'log' || message.answer.kind !== 'opened') return message;
  const state = message.answer.state.filter(({ key }) => !key.startsWith(prefix));
  return { ...message, answer: { ...message.answer, state } };
}
