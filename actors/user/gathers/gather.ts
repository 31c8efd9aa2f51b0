// Requests that need others: who was asked, who has not answered, and what happens when all have or ten seconds passed. At most 16 at once.
// Kept in memory only: after a crash the kernel tells the asker UNAVAILABLE, and answers that still come match no token.
import { Rejection } from '#proto/gen/codes.ts';
import type { Requester, UserMessage } from '../../kernel/messages.ts';
import { userLimits } from '../limits.ts';
import type { Turn } from '../turn.ts';

/** An answer to something that a gather asked. */
export type GatherAnswer = Extract<
  UserMessage,
  { kind: 'authorised' | 'deposited' | 'claimed' | 'keysRead' | 'summaries' | 'grantChecked' }
>;

/** One request under way. */
export interface Gather {
  /** Names of those who have not answered. Empty: it is finished. */
  readonly waiting: ReadonlySet<string>;
  /** Asks the first ones. `token` comes back in their answers. */
  begin(turn: Turn, token: number): void;
  /** One answer; may ask further ones. An answer from someone who is not waited for must change nothing. */
  heard(turn: Turn, token: number, answer: GatherAnswer): void;
  /** Everybody answered, or time is up and `waiting` names the silent: answers the request. */
  finish(turn: Turn): void;
}

const timerPrefix = 'gather/';

/** The requests under way of one user. */
export class Gathers {
  readonly #gathers = new Map<number, Gather>();

  /** Requests under way. */
  get size(): number {
    return this.#gathers.size;
  }

  /** Starts a gather, or refuses with BUSY when 16 are under way. */
  start(turn: Turn, from: Requester, gather: Gather): void {
    if (this.#gathers.size >= userLimits.gathersMax) {
      turn.reject(from, Rejection.REJECTION_BUSY);
      return;
    }
    const token = turn.desk.tokens.next();
    gather.begin(turn, token);
    if (gather.waiting.size === 0) {
      gather.finish(turn);
      return;
    }
    this.#gathers.set(token, gather);
    turn.emit({ kind: 'startTimer', name: `${timerPrefix}${token}`, delayMs: userLimits.gatherMs });
  }

  /** Passes an answer on; one that nobody waits for any more is dropped. */
  heard(turn: Turn, answer: GatherAnswer): void {
    const gather = this.#gathers.get(answer.token);
    if (gather === undefined) return;
    gather.heard(turn, answer.token, answer);
    if (gather.waiting.size > 0) return;
    turn.emit({ kind: 'cancelTimer', name: `${timerPrefix}${answer.token}` });
    this.#finish(turn, answer.token, gather);
  }

  /** Ends the gather whose time is up. */
  timeUp(turn: Turn, name: string): void {
    if (!name.startsWith(timerPrefix)) return;
    const token = Number(name.slice(timerPrefix.length));
    const gather = this.#gathers.get(token);
    if (gather !== undefined) this.#finish(turn, token, gather);
  }

  #finish(turn: Turn, token: number, gather: Gather): void {
    this.#gathers.delete(token);
    gather.finish(turn);
  }
}
