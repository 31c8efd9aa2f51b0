// ClaimKeys: one one-time key of each device, own devices at once, others through the room. A device that is missing in the answer gave none:
// the asker can't tell why, and asks again later.
import { ClaimedKey, type ClaimKeys } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { limits } from '#proto/rules/limits.ts';
import { userAddress } from '../../kernel/address.ts';
import { rejected } from '../../kernel/effects.ts';
import type { Requester } from '../../kernel/messages.ts';
import { claimKeys } from '../keys.ts';
import { userLimits } from '../limits.ts';
import type { Turn } from '../turn.ts';
import type { Gather, GatherAnswer } from './gather.ts';
import { askRoom, isNeighbour, theRoom } from './reach.ts';

/** Starts a claim, or refuses one that is malformed (BAD_REQUEST) or too frequent (RATE_LIMITED). */
export function claimFromOthers(turn: Turn, from: Requester, { room, targets }: ClaimKeys): void {
  if (targets.length < 1 || targets.length > limits.claimTargetsMax) {
    turn.reject(from, Rejection.REJECTION_BAD_REQUEST);
    return;
  }
  const byUser = new Map<string, Set<number>>();
  for (const { user, device } of targets) {
    const devices = byUser.get(user) ?? new Set();
    byUser.set(user, devices.add(device));
  }
  const waitMs = turn.desk.buckets.take('claim', targets.length, turn.now);
  if (waitMs > 0) {
    turn.answer(from, rejected(Rejection.REJECTION_RATE_LIMITED, waitMs));
    return;
  }
  turn.desk.gathers.start(turn, from, new Claim(from, room, byUser));
}

class Claim implements Gather {
  readonly waiting = new Set<string>();
  readonly #from: Requester;
  readonly #room: string;
  readonly #targets: ReadonlyMap<string, ReadonlySet<number>>;
  readonly #claimed: ClaimedKey[] = [];

  constructor(from: Requester, room: string, targets: ReadonlyMap<string, ReadonlySet<number>>) {
    this.#from = from;
    this.#room = room;
    this.#targets = targets;
  }

  begin(turn: Turn, token: number): void {
    const own = this.#targets.get(turn.account.user);
    if (own !== undefined) this.#claimed.push(...claimKeys(turn, [...own]));
    const users = [...this.#targets.keys()].filter((user) => isNeighbour(turn, user));
    if (users.length > 0 && askRoom(turn, token, { room: this.#room, users })) this.waiting.add(theRoom);
  }

  heard(turn: Turn, token: number, answer: GatherAnswer): void {
    if (answer.kind === 'authorised' && this.waiting.delete(theRoom)) {
      for (const user of new Set([...answer.allowed, ...answer.invited])) this.#ask(turn, token, user);
    } else if (answer.kind === 'claimed' && this.waiting.delete(answer.user)) {
      this.#claimed.push(...answer.keys);
    }
  }

  finish(turn: Turn): void {
    const keys: ClaimedKey[] = [];
    let bytes = 0;
    for (const key of this.#claimed) {
      bytes += ClaimedKey.encode(key).finish().length + 8;
      if (bytes > userLimits.pageBytesMax) break;
      keys.push(key);
    }
    turn.answer(this.#from, { $case: 'claimsAnswer', value: { keys } });
  }

  #ask(turn: Turn, token: number, user: string): void {
    const devices = this.#targets.get(user);
    if (devices === undefined || !isNeighbour(turn, user)) return;
    this.waiting.add(user);
    const targets = [...devices].map((device) => ({ user, device }));
    const replyTo = userAddress(turn.account.user);
    turn.emit({ kind: 'send', to: userAddress(user), message: { kind: 'claim', replyTo, token, targets } });
  }
}
