// SendDeviceMessages: own devices at once, others through the room, each receiver's actor stores its own. One report when everyone answered or
// ten seconds passed; what is not named in it is durable in its inbox. A message that is malformed is refused before anybody is asked, so that the
// answer says nothing of its receiver.
import type { SendDeviceMessages, Undelivered } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { limits } from '#proto/rules/limits.ts';
import type { Requester } from '../../kernel/messages.ts';
import { deposit, fault, type Indexed } from '../deposit.ts';
import type { Turn } from '../turn.ts';
import { Inquiry } from './inquiry.ts';

/** Starts the delivery, or refuses a request of none or more than 500 (BAD_REQUEST). */
export function sendDeviceMessages(turn: Turn, from: Requester, { room, messages }: SendDeviceMessages): void {
  if (messages.length < 1 || messages.length > limits.deviceMessagesMax) {
    turn.reject(from, Rejection.REJECTION_BAD_REQUEST);
    return;
  }
  const { user: sender, device: senderDevice } = from;
  const good: Indexed[] = [];
  const undelivered: Undelivered[] = [];
  for (const [index, message] of messages.entries()) {
    const code = fault(message);
    if (code === null) good.push({ index, message });
    else undelivered.push({ index, code, retryAfterMs: 0 });
  }
  const byUser = Map.groupBy(good, ({ message }) => message.user);
  const messagesTo = (user: string) => byUser.get(user) ?? [];
  const inquiry = new Inquiry({
    room,
    users: [...byUser.keys()].filter((user) => user !== sender),
    begin: (now) => {
      undelivered.push(...deposit(now, { sender, senderDevice }, messagesTo(sender)));
    },
    ask: (user, way) => ({ kind: 'deposit', ...way, sender, senderDevice, messages: messagesTo(user) }),
    take: (_turn, answer) => {
      if (answer.kind === 'deposited') undelivered.push(...answer.undelivered);
    },
    finish: (later, lost) => {
      for (const [user, why] of lost) undelivered.push(...messagesTo(user).map(({ index }) => ({ index, ...why })));
      undelivered.sort((a, b) => a.index - b.index);
      later.answer(from, { $case: 'deliveryReport', value: { undelivered } });
    },
  });
  turn.desk.gathers.start(turn, from, inquiry);
}
