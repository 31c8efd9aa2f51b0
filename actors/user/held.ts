// What came before the account is read. Work is bounded by count and bytes; an order of login has no bound here, for there is at most one a
// device. A held request keeps no frame: it is encoded anew, which also tells its size.

import { ClientFrame } from '#proto/gen/client.ts';
import { laneOf, wakes, weigh } from '../kernel/message-kinds.ts';
import type { UserMessage, UserRequest } from '../kernel/messages.ts';
import { userLimits } from './limits.ts';

/** The messages of one user. */
export class Held {
  #messages: UserMessage[] = [];
  #work = 0;
  #bytes = 0;

  /** Messages that count against the bound. */
  get work(): number {
    return this.#work;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Takes a message in; an answer to an earlier incarnation is nobody's. False: there is too much, and the sender must hear so. */
  add(message: UserMessage): boolean {
    if (laneOf(message) === 'control') {
      if (wakes(message) && !this.#messages.some((held) => isSameOrder(held, message))) this.#messages.push(message);
      return true;
    }
    const { own, bytes } = takenApart(message);
    if (this.#work >= userLimits.heldMessagesMax || this.#bytes + bytes > userLimits.heldBytesMax) return false;
    this.#messages.push(own);
    this.#work++;
    this.#bytes += bytes;
    return true;
  }

  /** Takes all out, in the order they came. */
  take(): readonly UserMessage[] {
    const messages = this.#messages;
    this.#messages = [];
    this.#work = 0;
    this.#bytes = 0;
    return messages;
  }
}

/** An order that is told again while the first one waits is held once. */
function isSameOrder(held: UserMessage, message: UserMessage): boolean {
  return held.kind === 'deviceRevoked' && message.kind === 'deviceRevoked' && held.device === message.device;
}

function takenApart(message: UserMessage): { own: UserMessage; bytes: number } {
  if (message.kind !== 'request') return { own: message, bytes: weigh(message) };
  const frame = ClientFrame.encode({ request: 0, body: message.body }).finish();
  const body = ClientFrame.decode(frame).body as UserRequest;
  return { own: { ...message, body }, bytes: weigh(message) + frame.length };
}
