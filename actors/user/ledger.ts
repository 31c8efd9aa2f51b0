// The account in memory, twice, and what waits between the two. `live` has everything that was appended: decisions are made on it. `covered`
// has only what is durable: state rows are made from it, at any moment. Effects that may show something of `live` wait here, in order, until
// `covered` has caught up with it (and, where asked, until the rows are written). It talks to nobody: it returns effects.
import { ServerFrame } from '#proto/gen/client.ts';
import { InboxEntry } from '#proto/gen/record.ts';
import { limits } from '#proto/rules/limits.ts';
import type { Tokens } from '../kernel/asks.ts';
import type { Effect } from '../kernel/effects.ts';
import type { LogAnswer, LogCommand, NewRow, StateChange } from '../log/messages.ts';
import { userLimits } from './limits.ts';
import type { Account } from './state/account.ts';
import { markKey, markOf, restoreAccount, takeChanges } from './state/rows.ts';
import type { Change, Turn } from './turn.ts';

const dayMs = 86_400_000;

/** Effects that wait until `seq` is covered; if `rows`, until the rows are written: `saving` is the token of that write; and until `confirming`, the
 *  token of a question to the log, is answered (0: none). */
interface Held {
  readonly seq: number;
  readonly rows: boolean;
  saving: number | null;
  readonly confirming: number;
  readonly heard: boolean;
  readonly effects: readonly Effect[];
}

/** An account with its log. */
export class Ledger {
  readonly live: Account;
  /** Rows of the log below it have expired. */
  floor: number;
  readonly #covered: Account;
  readonly #tokens: Tokens;
  readonly #pending: { readonly seq: number; readonly change: Change }[] = [];
  #held: Held[] = [];
  /** Token of the write of rows that is under way. One at a time: a later one must not be durable without those before it. */
  #saving: number | null = null;
  /** Token of the newest question that the log has answered. */
  #confirmed = 0;
  #mark;
  #flushedSeq: number;
  /** Is there a log at all? */
  #exists: boolean;

  /** From what the log answered to `open`: rows of the state, and the entries after them. */
  constructor(user: string, opened: Extract<LogAnswer, { kind: 'opened' }>, tokens: Tokens) {
    this.live = restoreAccount(user, opened.state, { tracked: false });
    this.#covered = restoreAccount(user, opened.state, { tracked: true });
    for (const row of opened.rows) {
      this.live.apply(InboxEntry.decode(row.bytes));
      this.#covered.apply(InboxEntry.decode(row.bytes));
    }
    if (this.live.seq !== opened.nextSeq - 1) throw new Error('the rows do not reach the head of the log');
    this.#mark = markOf(opened.state);
    this.#flushedSeq = this.#mark.seq;
    this.#exists = opened.exists;
    this.#tokens = tokens;
    this.floor = opened.floor;
  }

  /** Newest entry that is durable. */
  get coveredSeq(): number {
    return this.#covered.seq;
  }

  /** Nothing is under way. */
  get quiet(): boolean {
    return this.#pending.length === 0 && this.#held.length === 0 && this.#saving === null;
  }

  /** Turns whose effects wait. */
  get waiting(): number {
    return this.#held.length;
  }

  /** Takes over what a turn did; returns the effects that may go out now. */
  settle(turn: Turn): Effect[] {
    const effects = [...turn.immediate];
    const entries = turn.changes.flatMap(({ entry }) => (entry === undefined ? [] : [entry]));
    const [first] = entries;
    if (first !== undefined) {
      this.#exists = true;
      const restless = entries.some((entry) => leavesWork(entry, this.live));
      effects.push(logEffect({ kind: 'append', fromSeq: first.seq, rows: entries.map(rowOf), restless }));
    }
    let { seq } = this.#pending.at(-1) ?? this.#covered;
    for (const change of turn.changes) {
      seq = change.entry?.seq ?? seq;
      this.#pending.push({ seq, change });
    }
    if (turn.held.length > 0 || turn.heard || turn.rowsFirst) {
      const { held, heard, rowsFirst: rows } = turn;
      // Who has no account is answered by what an opening has just confirmed, and what is durable here by what made it so.
      const isAsked = turn.confirms && this.#exists && first === undefined && !rows;
      const confirming = isAsked ? this.#tokens.next() : 0;
      if (isAsked) effects.push(logEffect({ kind: 'confirm', token: confirming }));
      this.#held.push({ seq: this.live.seq, rows, saving: null, confirming, heard, effects: held });
    }
    return [...effects, ...this.#advance(this.#covered.seq)];
  }

  /** Sessions outlive this actor: an entry may have become durable whose word to them was lost with an earlier one. */
  began(): Effect[] {
    return this.#covered.seq > 0 ? [this.#inboxMoved()] : [];
  }

  /** Everything up to `seq` is covered; returns the effects that may go out now. */
  cover(seq: number): Effect[] {
    return this.#advance(seq);
  }

  /** A write of rows is durable; returns the effects that may go out now. */
  saved(token: number): Effect[] {
    if (this.#saving === token) this.#saving = null;
    return this.#advance(this.#covered.seq);
  }

  /** The log was still this actor's when it was asked; returns the effects that may go out now. */
  confirmed(token: number): Effect[] {
    // A read of the fence that began after this question began after all before it.
    this.#confirmed = Math.max(this.#confirmed, token);
    return this.#advance(this.#covered.seq);
  }

  /** The answer to a log that seals a segment: all that changed and is covered. */
  seal(): Effect {
    const changes = this.#takeChanges();
    // Nobody tells when these are durable, and a later write must not be so without them: it brings the same rows again.
    for (const { key } of changes) if (key !== markKey) this.#covered.dirty?.add(key);
    return logEffect({ kind: 'sealed', changes, restless: this.#restless });
  }

  /** The last command: a clean close, or null where there is no log to close. */
  close(): Effect | null {
    if (!this.#exists) return null;
    return logEffect({ kind: 'close', changes: this.#takeChanges(), restless: this.#restless });
  }

  // Is something left to do for which nobody else would wake this user?
  get #restless(): boolean {
    const covered = this.#covered;
    return covered.untold.size > 0 || covered.isUnnamed || covered.lettingGo || covered.due().length > 0;
  }

  #advance(seq: number): Effect[] {
    while (this.#pending[0] !== undefined && this.#pending[0].seq <= seq) {
      const { change } = this.#pending.shift()!;
      if (change.entry !== undefined) this.#covered.apply(change.entry);
      else change.change(this.#covered);
    }
    const effects: Effect[] = [];
    let moved = false;
    for (let head = this.#held[0]; head !== undefined && head.seq <= seq; head = this.#held[0]) {
      if (head.rows && head.saving === null) this.#save(effects);
      if (head.rows && (head.saving === null || head.saving === this.#saving)) break;
      if (head.confirming > this.#confirmed) break;
      effects.push(...head.effects);
      moved ||= head.heard;
      this.#held.shift();
    }
    if (moved) effects.push(this.#inboxMoved());
    if (this.#covered.seq - this.#flushedSeq >= userLimits.flushEntries) this.#save(effects);
    return effects;
  }

  // Starts a write of all that changed, unless one is under way, and notes who waits for it.
  #save(effects: Effect[]): void {
    if (this.#saving !== null) return;
    const token = this.#tokens.next();
    const changes = this.#takeChanges();
    for (const held of this.#held) if (held.seq <= this.#covered.seq) held.saving ??= token;
    if (changes.length === 0) return;
    this.#saving = token;
    effects.push(logEffect({ kind: 'save', token, changes }));
  }

  #takeChanges(): readonly StateChange[] {
    const taken = takeChanges(this.#covered, this.#mark);
    if (taken === null) return [];
    this.#mark = taken.mark;
    this.#flushedSeq = taken.mark.seq;
    return taken.changes;
  }

  #inboxMoved(): Effect {
    const frame = ServerFrame.encode({ request: 0, body: { $case: 'inboxMoved', value: { head: this.#covered.seq } } });
    return { kind: 'deliver', audience: { user: this.live.user }, frame: frame.finish() };
  }
}

/** Is something to be done of which the entry alone tells after a crash? */
function leavesWork({ body }: InboxEntry, { untold, isUnnamed, lettingGo }: Account): boolean {
  if (body?.$case === 'accountChanged') return lettingGo;
  return body?.$case === 'manifestPublished' && (untold.size > 0 || isUnnamed);
}

function logEffect(command: LogCommand): Effect {
  return { kind: 'log', command };
}

function rowOf(entry: InboxEntry): NewRow {
  const { acceptedMs } = entry;
  return { bytes: InboxEntry.encode(entry).finish(), acceptedMs, expiresMs: acceptedMs + limits.inboxDays * dayMs };
}
