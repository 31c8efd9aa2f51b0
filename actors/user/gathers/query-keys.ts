// QueryKeys: own keys at once, those of room members through the room, those of one stranger by exact id without devices. Users that nothing
// is known about now (busy, silent, or the frame is full) are `deferred`; unknown ones and those out of reach are `missing`.
import { type KeysAnswer, type QueryKeys, UserKeys } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { limits } from '#proto/rules/limits.ts';
import { userAddress } from '../../kernel/address.ts';
import { rejected } from '../../kernel/effects.ts';
import type { Requester } from '../../kernel/messages.ts';
import { userLimits } from '../limits.ts';
import { keysOf } from '../public-keys.ts';
import type { Turn } from '../turn.ts';
import type { Gather, GatherAnswer } from './gather.ts';
import { askRoom, isNeighbour, theRoom } from './reach.ts';

/** Starts a query, or refuses one that is malformed or too frequent. */
export function queryKeys(turn: Turn, from: Requester, query: QueryKeys): void {
  const { room, users } = query;
  const asked = [...new Set(users)];
  const strangers = room === '' ? asked.filter((user) => user !== turn.account.user) : [];
  if (users.length < 1 || users.length > limits.queryUsersMax || (strangers.length > 0 && asked.length > 1)) {
    turn.reject(from, Rejection.REJECTION_BAD_REQUEST);
    return;
  }
  if (query.manifestsAbove > 0 && asked.length > 1) {
    turn.reject(from, Rejection.REJECTION_BAD_REQUEST);
    return;
  }
  const waitMs = strangers.length > 0 ? turn.desk.buckets.take('stranger', strangers.length, turn.now) : 0;
  if (waitMs > 0) {
    turn.answer(from, rejected(Rejection.REJECTION_RATE_LIMITED, waitMs));
    return;
  }
  turn.desk.gathers.start(turn, from, new Query(from, query, asked));
}

class Query implements Gather {
  readonly waiting = new Set<string>();
  readonly #from: Requester;
  readonly #room: string;
  readonly #manifestsAbove: number;
  readonly #asked: readonly string[];
  readonly #found = new Map<string, UserKeys>();
  readonly #deferred = new Set<string>();

  constructor(from: Requester, query: QueryKeys, asked: readonly string[]) {
    this.#from = from;
    this.#room = query.room;
    this.#manifestsAbove = query.manifestsAbove;
    this.#asked = asked;
  }

  begin(turn: Turn, token: number): void {
    const others = this.#asked.filter((user) => isNeighbour(turn, user));
    if (others.length === 0) return;
    if (this.#room === '') this.#ask(turn, token, others);
    else if (askRoom(turn, token, { room: this.#room, users: others })) this.waiting.add(theRoom);
  }

  heard(turn: Turn, token: number, answer: GatherAnswer): void {
    if (answer.kind === 'authorised' && this.waiting.delete(theRoom)) {
      if (answer.busy) this.#defer(this.#asked);
      else {
        const allowed = [...answer.allowed, ...answer.invited];
        this.#ask(
          turn,
          token,
          this.#asked.filter((user) => allowed.includes(user) && isNeighbour(turn, user)),
        );
      }
    } else if (answer.kind === 'keysRead' && this.waiting.delete(answer.user)) {
      if (answer.busy) this.#deferred.add(answer.user);
      else if (answer.keys !== null) this.#found.set(answer.user, answer.keys);
    }
  }

  finish(turn: Turn): void {
    const { account } = turn;
    if (this.waiting.has(theRoom)) this.#defer(this.#asked);
    else this.#defer([...this.waiting]);
    const answer: KeysAnswer = { users: [], missing: [], deferred: [] };
    let bytes = this.#asked.reduce((sum, user) => sum + user.length + 8, 0);
    const manifestsAbove = this.#manifestsAbove;
    for (const user of this.#asked) {
      const own = user === account.user;
      const keys = own ? keysOf(account, { devices: true, own, manifestsAbove }) : this.#found.get(user);
      if (keys !== undefined && keys !== null) {
        const size = UserKeys.encode(keys).finish().length + 8;
        if (bytes + size <= userLimits.pageBytesMax || answer.users.length === 0) {
          bytes += size;
          answer.users.push(keys);
        } else {
          answer.deferred.push(user);
        }
      } else if (this.#deferred.has(user) && isNeighbour(turn, user)) {
        answer.deferred.push(user);
      } else {
        answer.missing.push(user);
      }
    }
    turn.answer(this.#from, { $case: 'keysAnswer', value: answer });
  }

  #ask(turn: Turn, token: number, users: readonly string[]): void {
    const replyTo = userAddress(turn.account.user);
    const devices = this.#room !== '';
    const manifestsAbove = this.#manifestsAbove;
    for (const user of users) {
      this.waiting.add(user);
      const message = { kind: 'readKeys', replyTo, token, devices, own: false, manifestsAbove } as const;
      turn.emit({ kind: 'send', to: userAddress(user), message });
    }
  }

  #defer(users: readonly string[]): void {
    for (const user of users) this.#deferred.add(user);
  }
}
