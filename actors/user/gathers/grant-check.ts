// A request that takes a step-up's grant: login is asked whether it counts for this very request, and only then the request is judged, by what the account is by
// then. Guarantees: where the account was closed or the device removed meanwhile the answer is NOT_LOGGED_IN, whatever login said, and nothing happens.
import { Rejection } from '#proto/gen/codes.ts';
import type { Effect } from '../../kernel/effects.ts';
import type { Requester } from '../../kernel/messages.ts';
import type { Turn } from '../turn.ts';
import type { Gather, GatherAnswer } from './gather.ts';

/** A grant as the request shows it, what it is to be good for, and what else its attempt is bound to. */
export type ShownGrant = Pick<Extract<Effect, { kind: 'checkGrant' }>, 'purpose' | 'grant' | 'content'>;

/** Asks login. `granted` goes on in the turn in which login says that it counts, and answers; else the request is refused: FORBIDDEN where it does not count, and
 * UNAVAILABLE where login can't say. */
export function checkGrant(
  turn: Turn,
  from: Requester,
  { shown, granted }: { readonly shown: ShownGrant; readonly granted: (turn: Turn) => void },
): void {
  turn.desk.gathers.start(turn, from, new GrantCheck(from, shown, granted));
}

/** Waits for the word of login. */
class GrantCheck implements Gather {
  readonly waiting = new Set(['login']);
  readonly #from: Requester;
  readonly #shown: ShownGrant;
  readonly #granted: (turn: Turn) => void;
  #counts: boolean | null = null;

  constructor(from: Requester, shown: ShownGrant, granted: (turn: Turn) => void) {
    this.#from = from;
    this.#shown = shown;
    this.#granted = granted;
  }

  begin(turn: Turn, token: number): void {
    turn.emit({ kind: 'checkGrant', user: turn.account.user, device: this.#from.device, ...this.#shown, token });
  }

  heard(_turn: Turn, _token: number, answer: GatherAnswer): void {
    if (answer.kind !== 'grantChecked') return;
    this.#counts = answer.counts;
    this.waiting.clear();
  }

  finish(turn: Turn): void {
    const { account } = turn;
    if (!account.isOpen || !account.devices.has(this.#from.device))
      turn.reject(this.#from, Rejection.REJECTION_NOT_LOGGED_IN);
    else if (this.#counts === null) turn.reject(this.#from, Rejection.REJECTION_UNAVAILABLE);
    else if (!this.#counts) turn.reject(this.#from, Rejection.REJECTION_FORBIDDEN);
    else this.#granted(turn);
  }
}
