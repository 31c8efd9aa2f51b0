// QueryKeys: own keys at once, those of room members through the room, those of one stranger by exact id without devices. Users that nothing
// is known about now (busy, silent, not paid for, or the frame is full) are `deferred`; unknown ones and those out of reach are `missing`.
import { type KeysAnswer, type QueryKeys, UserKeys } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { limits } from '#proto/rules/limits.ts';
import { rejected } from '../../kernel/effects.ts';
import type { Requester } from '../../kernel/messages.ts';
import { userLimits } from '../limits.ts';
import { keysOf } from '../public-keys.ts';
import { noteMet, takeStranger } from '../strangers.ts';
import type { Turn } from '../turn.ts';
import { Inquiry } from './inquiry.ts';

/** Starts a query, or refuses one that is malformed or too frequent. */
export function queryKeys(turn: Turn, from: Requester, query: QueryKeys): void {
  const { room, users, manifestsAbove } = query;
  const { user: own } = turn.account;
  const asked = [...new Set(users)];
  const others = asked.filter((user) => user !== own);
  const isAlone = asked.length === 1;
  const oneByOne = manifestsAbove > 0 || (room === '' && others.length > 0);
  if (users.length < 1 || users.length > limits.queryUsersMax || (oneByOne && !isAlone)) {
    turn.reject(from, Rejection.REJECTION_BAD_REQUEST);
    return;
  }
  const [stranger] = room === '' ? others : [];
  const waitMs = stranger === undefined ? 0 : takeStranger(turn, stranger);
  if (waitMs > 0) {
    turn.answer(from, rejected(Rejection.REJECTION_RATE_LIMITED, waitMs));
    return;
  }
  const found = new Map<string, UserKeys>();
  const inquiry = new Inquiry({
    room: room === '' ? null : room,
    users: others,
    ask: (_user, way) => ({ kind: 'readKeys', ...way, devices: room !== '', own: false, manifestsAbove }),
    take: (later, answer) => {
      if (answer.kind !== 'keysRead' || answer.keys === null) return;
      found.set(answer.user, answer.keys);
      noteMet(later, answer.user);
    },
    finish: (later, lost) => {
      const keys = asked.includes(own) ? keysOf(later, { devices: true, own: true, manifestsAbove }) : null;
      if (keys !== null) found.set(own, keys);
      const isLater = (user: string) =>
        (lost.get(user)?.code ?? Rejection.REJECTION_NOT_FOUND) !== Rejection.REJECTION_NOT_FOUND;
      later.answer(from, { $case: 'keysAnswer', value: answerOf(asked, found, isLater) });
    },
  });
  turn.desk.gathers.start(turn, from, inquiry);
}

// As many as the frame holds, at least one; the rest are to be asked for again.
function answerOf(
  asked: readonly string[],
  found: ReadonlyMap<string, UserKeys>,
  isLater: (user: string) => boolean,
): KeysAnswer {
  const answer: KeysAnswer = { users: [], missing: [], deferred: [] };
  let bytes = asked.reduce((sum, user) => sum + user.length + 8, 0);
  for (const user of asked) {
    const keys = found.get(user);
    if (keys === undefined) {
      (isLater(user) ? answer.deferred : answer.missing).push(user);
      continue;
    }
    const size = UserKeys.encode(keys).finish().length + 8;
    if (bytes + size > userLimits.pageBytesMax && answer.users.length > 0) {
      answer.deferred.push(user);
      continue;
    }
    bytes += size;
    answer.users.push(keys);
  }
  return answer;
}
