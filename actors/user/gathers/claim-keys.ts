// ClaimKeys: one one-time key of each device, own devices at once, others through the room. A device that is missing in the answer gave none:
// the asker can't tell why, and asks again later.
import { ClaimedKey, type ClaimKeys, type ClaimTarget } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { limits } from '#proto/rules/limits.ts';
import { rejected } from '../../kernel/effects.ts';
import type { Requester } from '../../kernel/messages.ts';
import { claimKeys } from '../keys.ts';
import { userLimits } from '../limits.ts';
import type { Turn } from '../turn.ts';
import { Inquiry } from './inquiry.ts';

/** Starts a claim, or refuses one that is malformed (BAD_REQUEST) or too frequent (RATE_LIMITED). */
export function claimFromOthers(turn: Turn, from: Requester, { room, targets }: ClaimKeys): void {
  if (targets.length < 1 || targets.length > limits.claimTargetsMax) {
    turn.reject(from, Rejection.REJECTION_BAD_REQUEST);
    return;
  }
  const waitMs = turn.desk.buckets.take('claim', targets.length, turn.now);
  if (waitMs > 0) {
    turn.answer(from, rejected(Rejection.REJECTION_RATE_LIMITED, waitMs));
    return;
  }
  const { user: own } = turn.account;
  const byUser = Map.groupBy(targets, ({ user }) => user);
  const claimed: ClaimedKey[] = [];
  const inquiry = new Inquiry({
    room,
    users: [...byUser.keys()].filter((user) => user !== own),
    begin: (now) => {
      claimed.push(...claimKeys(now, numbersOf(byUser.get(own))));
    },
    ask: (user, way) => ({ kind: 'claim', ...way, targets: byUser.get(user) ?? [] }),
    take: (_turn, answer) => {
      if (answer.kind === 'claimed') claimed.push(...answer.keys);
    },
    finish: (later) => later.answer(from, { $case: 'claimsAnswer', value: { keys: inFrame(claimed) } }),
  });
  turn.desk.gathers.start(turn, from, inquiry);
}

function numbersOf(targets: readonly ClaimTarget[] = []): number[] {
  return targets.map(({ device }) => device);
}

function inFrame(claimed: readonly ClaimedKey[]): ClaimedKey[] {
  let bytes = 0;
  const over = claimed.findIndex((key) => {
    bytes += ClaimedKey.encode(key).finish().length + 8;
    return bytes > userLimits.pageBytesMax;
  });
  return claimed.slice(0, over < 0 ? claimed.length : over);
}
