// What one message does to a user: entries for the inbox and effects for the world. Entries are applied to the account at once, so the next
// message sees them, but `hold` keeps every effect that may show something until all that this turn could have seen is durable and covered.
// So nothing that a crash could take back is ever answered, pushed or told to another actor.

import { Rejection } from '#proto/gen/codes.ts';
import type { InboxEntry } from '#proto/gen/record.ts';
import type { Primitives } from '#proto/rules/primitives.ts';
import type { Tokens } from '../kernel/asks.ts';
import type { Effect } from '../kernel/effects.ts';
import { rejected } from '../kernel/effects.ts';
import type { AnswerBody, Requester } from '../kernel/messages.ts';
import type { LogAnswer } from '../log/messages.ts';
import type { Gathers } from './gathers/gather.ts';
import { userLimits } from './limits.ts';
import type { Account } from './state/account.ts';
import type { Buckets } from './state/buckets.ts';
import { isHeard } from './state/delivered.ts';

/** What a user actor is given when it is made. */
export interface UserSettings {
  readonly primitives: Primitives;
  /** What sessions are told in the welcome: seconds between two signs of life. */
  readonly heartbeatSeconds: number;
  /** Is this own user a bot? The mark that others see is the provider's word. */
  readonly isBot: (user: string) => boolean;
  /** False = people may invite as many as they like: for load, and for tests of other things. */
  readonly limitInvitations: boolean;
  /** User id of the Info bot, which hears of every newcomer; empty = there is none. */
  readonly infoBot: string;
}

/** What outlives a turn in memory only. */
export interface Desk {
  readonly account: Account;
  readonly settings: UserSettings;
  readonly gathers: Gathers;
  readonly buckets: Buckets;
  readonly tokens: Tokens;
  /** What to do with pages of the log that were asked for, by token. */
  readonly reads: Map<number, (turn: Turn, page: LogPage) => void>;
  /** Newest manifest version heard of others, so that one of several shared rooms is enough. */
  readonly noticed: Map<string, number>;
  /** Users of whom this one was told lately that they exist. */
  readonly met: Set<string>;
  /** Rooms that were told of the newest manifest in this round. */
  readonly toldRooms: Set<string>;
  /** Rows of the log below it have expired. */
  readonly floor: number;
  /** Newest entry that is durable. */
  readonly coveredSeq: number;
}

/** Rows of the log, as asked for. */
export type LogPage = Extract<LogAnswer, { kind: 'rows' }>;

/** To whom an entry goes, where not to every device in the own provider's lane. */
export interface Addressing {
  readonly device: number;
  readonly lane: string;
}

/** One step of a turn. */
export type Change =
  | { readonly entry: InboxEntry; readonly change?: never }
  | { readonly change: (account: Account) => boolean; readonly entry?: never };

/** One turn of a user actor. */
export class Turn {
  readonly now: number;
  readonly desk: Desk;
  /** What changes, in order: entries to append, and what needs none. */
  readonly changes: Change[] = [];
  /** Effects that show nothing of the account. */
  readonly immediate: Effect[] = [];
  /** Effects that wait until everything is covered. */
  readonly held: Effect[] = [];
  /** Some entry concerns a device: tell them that the inbox moved. */
  heard = false;
  /** Rows must be durable before the held effects go out. */
  rowsFirst = false;
  /** The held effects hold only while the account is this actor's. See `confirm`. */
  confirms = false;

  constructor(desk: Desk, now: number) {
    this.desk = desk;
    this.now = now;
  }

  get account(): Account {
    return this.desk.account;
  }

  /** Appends and applies an entry; returns its seq. */
  append(body: NonNullable<InboxEntry['body']>, to: Addressing = { device: 0, lane: '' }): number {
    const account = this.account;
    const seq = account.seq + 1;
    const acceptedMs = Math.max(account.acceptedMs, this.now);
    const entry: InboxEntry = { seq, acceptedMs, device: to.device, lane: to.lane, body };
    this.changes.push({ entry });
    account.apply(entry);
    if (isHeard(entry, account.user)) this.heard = true;
    return seq;
  }

  /**
   * Changes what needs no entry; the rows are written before this turn's held effects go out. `change` runs on more than one copy of the account,
   * so it must look everything up in the one it is given, and says whether anything changed.
   */
  change(change: (account: Account) => boolean): void {
    if (this.note(change)) this.rowsFirst = true;
  }

  /** The same for what a crash may take back: nothing waits for the rows. Did it change anything? */
  note(change: (account: Account) => boolean): boolean {
    const changes = change(this.account);
    if (changes) this.changes.push({ change });
    return changes;
  }

  /** Lets effects out once everything up to the newest entry is covered. */
  hold(...effects: readonly Effect[]): void {
    this.held.push(...effects);
  }

  /**
   * Lets effects out that say how the account stands, or end something because of it: besides, once the log confirms that it is still this actor's. An actor
   * whose process was fenced a moment ago knows of nothing that happened since: a device that is new, a manifest, an order that was taken back. Devices would
   * take their server for a liar. What this turn makes durable is confirmed by that.
   */
  confirm(...effects: readonly Effect[]): void {
    this.hold(...effects);
    this.confirms = true;
  }

  /** Lets effects out at once: only those that show nothing of the account. */
  emit(...effects: readonly Effect[]): void {
    this.immediate.push(...effects);
  }

  /** Answers a request, confirmed unless it holds however the account stands. */
  answer({ session, request }: Requester, body: AnswerBody): void {
    const effect = { kind: 'answer', session, request, body } as const;
    if (body.$case === 'rejected' && !restsOnAccount(body.value.code)) this.hold(effect);
    else this.confirm(effect);
  }

  /** Refuses a request; held too, since a refusal may rest on what is not covered yet. */
  reject(from: Requester, code: Rejection, retryAfterMs = isWaiting(code) ? userLimits.retryAfterMs : 0): void {
    this.answer(from, rejected(code, retryAfterMs));
  }
}

/** What a request is by itself stays so whoever judges it, and who is to wait comes again. */
function restsOnAccount(code: Rejection): boolean {
  const isByItself = code === Rejection.REJECTION_BAD_REQUEST || code === Rejection.REJECTION_TOO_LARGE;
  return !isByItself && !isWaiting(code);
}

/** Codes below 20 say: again as it is, later. */
function isWaiting(code: Rejection): boolean {
  return code < Rejection.REJECTION_STALE_STATE;
}
