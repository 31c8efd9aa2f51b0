// The one way in which a user actor asks others: first the room whether they may be reached, then each of them. Accounts of the own provider alone
// (in this version), and of these only who is in the shared room or invited. Being unknown, foreign or not allowed is one and the same to the asker;
// an invited one never agreed to be found, so each costs what a stranger costs.
import { Rejection } from '#proto/gen/codes.ts';
import { isRoomId, parseUserId } from '#proto/rules/ids.ts';
import { roomAddress, userAddress } from '../../kernel/address.ts';
import type { UserMessage } from '../../kernel/messages.ts';
import { userLimits } from '../limits.ts';
import { takeStranger } from '../strangers.ts';
import type { Turn } from '../turn.ts';
import type { Gather, GatherAnswer } from './gather.ts';

/** What a user actor answers another one. */
export type UserAnswer = Extract<GatherAnswer, { kind: 'deposited' | 'claimed' | 'keysRead' }>;
/** What a user actor asks another one. */
export type UserAsk = Extract<UserMessage, { kind: 'deposit' | 'claim' | 'readKeys' }>;

/** Why someone did not answer: NOT_FOUND for who can't be reached, BUSY, or UNAVAILABLE where it is not known what became of it. */
export interface Lost {
  readonly code: Rejection;
  readonly retryAfterMs: number;
}

/** A request to others, as those who make one describe it. */
export interface Questions {
  /** The room by which they are reached; null = without one, which was paid for. */
  readonly room: string | null;
  /** Who is asked; oneself is not among them. */
  readonly users: readonly string[];
  /** What needs nobody else; not called where the request is refused. */
  begin?(turn: Turn): void;
  /** The question to one of them; the answer carries the token. */
  ask(user: string, way: { readonly replyTo: UserAsk['replyTo']; readonly token: number }): UserAsk;
  take(turn: Turn, answer: UserAnswer): void;
  /** Everyone has answered or is lost. Answers the request. */
  finish(turn: Turn, lost: ReadonlyMap<string, Lost>): void;
}

/** Stands for the room among those who are waited for; no user id looks like it. */
const theRoom = 'room';
const { REJECTION_NOT_FOUND, REJECTION_BUSY, REJECTION_UNAVAILABLE } = Rejection;
const busy: Lost = { code: REJECTION_BUSY, retryAfterMs: userLimits.retryAfterMs };
const silent: Lost = { code: REJECTION_UNAVAILABLE, retryAfterMs: userLimits.retryAfterMs };

/** Is this a well-formed id of another account at the asker's own provider? */
export function isNeighbour({ account }: Turn, user: string): boolean {
  const provider = parseUserId(user)?.provider;
  return user !== account.user && provider !== undefined && provider === parseUserId(account.user)?.provider;
}

/** Questions under way. */
export class Inquiry implements Gather {
  readonly waiting = new Set<string>();
  readonly #questions: Questions;
  readonly #lost = new Map<string, Lost>();

  constructor(questions: Questions) {
    this.#questions = questions;
  }

  begin(turn: Turn, token: number): void {
    const { room, users } = this.#questions;
    this.#questions.begin?.(turn);
    const isWay = room === null || isRoomId(room);
    const reachable = isWay ? users.filter((user) => isNeighbour(turn, user)) : [];
    for (const user of users) if (!reachable.includes(user)) this.#lose(user, REJECTION_NOT_FOUND);
    if (reachable.length === 0) return;
    if (room === null) {
      for (const user of reachable) this.#ask(turn, token, user);
      return;
    }
    this.waiting.add(theRoom);
    const { user } = turn.account;
    const message = { kind: 'authorise', replyTo: userAddress(user), token, user, users: reachable } as const;
    turn.emit({ kind: 'send', to: roomAddress(room), message });
  }

  heard(turn: Turn, token: number, answer: GatherAnswer): void {
    if (answer.kind === 'authorised') {
      if (this.waiting.delete(theRoom)) this.#authorised(turn, token, answer);
    } else if ('user' in answer && this.waiting.delete(answer.user)) {
      if ('busy' in answer) this.#lost.set(answer.user, busy);
      else this.#questions.take(turn, answer);
    }
  }

  finish(turn: Turn): void {
    const names = this.waiting.has(theRoom) ? this.#questions.users : this.waiting;
    for (const user of names) if (!this.#lost.has(user)) this.#lost.set(user, silent);
    this.#questions.finish(turn, this.#lost);
  }

  #authorised(
    turn: Turn,
    token: number,
    { allowed, invited, busy: isBusy }: GatherAnswer & { kind: 'authorised' },
  ): void {
    for (const user of this.#questions.users) {
      if (this.#lost.has(user)) continue;
      if (isBusy) this.#lost.set(user, busy);
      else if (allowed.includes(user)) this.#ask(turn, token, user);
      else if (!invited.includes(user)) this.#lose(user, REJECTION_NOT_FOUND);
      else {
        const waitMs = takeStranger(turn, user);
        if (waitMs === 0) this.#ask(turn, token, user);
        else this.#lose(user, REJECTION_BUSY, waitMs);
      }
    }
  }

  #ask(turn: Turn, token: number, user: string): void {
    this.waiting.add(user);
    const message = this.#questions.ask(user, { replyTo: userAddress(turn.account.user), token });
    turn.emit({ kind: 'send', to: userAddress(user), message });
  }

  #lose(user: string, code: Rejection, retryAfterMs = 0): void {
    this.#lost.set(user, { code, retryAfterMs });
  }
}
