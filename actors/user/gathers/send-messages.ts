// SendDeviceMessages: own devices at once, others through the room, each receiver's actor stores its own. One report when everyone answered or
// ten seconds passed; what is not named in it is durable in its inbox.
import type { AddressedDeviceMessage, SendDeviceMessages, Undelivered } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { limits } from '#proto/rules/limits.ts';
import { userAddress } from '../../kernel/address.ts';
import type { Requester } from '../../kernel/messages.ts';
import { deposit } from '../deposit.ts';
import { userLimits } from '../limits.ts';
import type { Turn } from '../turn.ts';
import type { Gather, GatherAnswer } from './gather.ts';
import { askRoom, isNeighbour, theRoom } from './reach.ts';

/** One message with its position in the request. */
export interface Indexed {
  readonly index: number;
  readonly message: AddressedDeviceMessage;
}

/** Starts the delivery, or refuses a request of none or more than 500 (BAD_REQUEST). */
export function sendDeviceMessages(turn: Turn, from: Requester, { room, messages }: SendDeviceMessages): void {
  if (messages.length < 1 || messages.length > limits.deviceMessagesMax) {
    turn.reject(from, Rejection.REJECTION_BAD_REQUEST);
    return;
  }
  const indexed = messages.map((message, index) => ({ index, message }));
  const byUser = Map.groupBy(indexed, ({ message }) => message.user);
  turn.desk.gathers.start(turn, from, new Delivery(from, room, byUser));
}

class Delivery implements Gather {
  readonly waiting = new Set<string>();
  readonly #from: Requester;
  readonly #room: string;
  readonly #messages: ReadonlyMap<string, readonly Indexed[]>;
  readonly #undelivered: Undelivered[] = [];

  constructor(from: Requester, room: string, messages: ReadonlyMap<string, readonly Indexed[]>) {
    this.#from = from;
    this.#room = room;
    this.#messages = messages;
  }

  begin(turn: Turn, token: number): void {
    const neighbours: string[] = [];
    for (const [user, messages] of this.#messages) {
      if (user === turn.account.user) {
        const { device } = this.#from;
        this.#undelivered.push(...deposit(turn, { sender: user, senderDevice: device }, messages));
      } else if (isNeighbour(turn, user)) {
        neighbours.push(user);
      } else {
        this.#fail(user, Rejection.REJECTION_NOT_FOUND);
      }
    }
    if (neighbours.length === 0) return;
    if (askRoom(turn, token, { room: this.#room, users: neighbours })) this.waiting.add(theRoom);
    else for (const user of neighbours) this.#fail(user, Rejection.REJECTION_NOT_FOUND);
  }

  heard(turn: Turn, token: number, answer: GatherAnswer): void {
    if (answer.kind === 'authorised' && this.waiting.delete(theRoom)) {
      for (const user of this.#messages.keys()) {
        if (!isNeighbour(turn, user)) continue;
        if (answer.busy) this.#fail(user, Rejection.REJECTION_BUSY);
        else if (answer.allowed.includes(user) || answer.invited.includes(user)) this.#send(turn, token, user);
        else this.#fail(user, Rejection.REJECTION_NOT_FOUND);
      }
    } else if (answer.kind === 'deposited' && this.waiting.delete(answer.user)) {
      this.#undelivered.push(...answer.undelivered);
    }
  }

  finish(turn: Turn): void {
    for (const user of this.#messages.keys()) {
      const silent = this.waiting.has(user) || (this.waiting.has(theRoom) && isNeighbour(turn, user));
      if (silent) this.#fail(user, Rejection.REJECTION_UNAVAILABLE);
    }
    const undelivered = this.#undelivered.sort((a, b) => a.index - b.index);
    turn.answer(this.#from, { $case: 'deliveryReport', value: { undelivered } });
  }

  #send(turn: Turn, token: number, user: string): void {
    const messages = this.#messages.get(user) ?? [];
    this.waiting.add(user);
    const { user: sender, device: senderDevice } = this.#from;
    const replyTo = userAddress(sender);
    const message = { kind: 'deposit', replyTo, token, sender, senderDevice, messages } as const;
    turn.emit({ kind: 'send', to: userAddress(user), message });
  }

  #fail(user: string, code: Rejection): void {
    const retryAfterMs = code < Rejection.REJECTION_STALE_STATE ? userLimits.retryAfterMs : 0;
    for (const { index } of this.#messages.get(user) ?? []) this.#undelivered.push({ index, code, retryAfterMs });
  }
}
