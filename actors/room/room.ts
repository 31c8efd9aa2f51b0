// The room actor: the one writer of a room at its hub. It gives every event its place, and shows, answers and keeps only what the log has covered.
// This file is its life: opening (requests wait, bounded), living, closing; each request is one call into the part that knows it. It ends itself
// where there is no room, and when the log is lost: the next message opens the log anew, and what was covered is there.
import { type Actor, nothing } from '#actors/kernel/actor.ts';
import { roomAddress } from '#actors/kernel/address.ts';
import { bounce } from '#actors/kernel/bounce.ts';
import type { Effect } from '#actors/kernel/effects.ts';
import type { RoomMessage } from '#actors/kernel/messages.ts';
import { Rejection } from '#proto/gen/codes.ts';
import type { LogAnswer, StateChange } from '../log/messages.ts';
import { joinedMember, type RoomContext, type RoomOptions } from './context.ts';
import { coverThrough, headMoved, leaver } from './cover.ts';
import { emptyRows } from './emptying.ts';
import { encodeSummary, subscribe, summaryKey, summaryOf } from './entry.ts';
import { fetchRecords } from './fetch.ts';
import { identityMoved, learnIdentity } from './identity.ts';
import { LogCalls } from './log-calls.ts';
import { Post } from './post.ts';
import { authorise } from './reachability.ts';
import { readRoom } from './read-room.ts';
import { putReceipt } from './slots.ts';
import { RoomState } from './state/room-state.ts';
import { loadRows, takeChanges } from './state/rows.ts';
import { replayRow } from './state/stored.ts';
import { standingKept, standingsTimer, tellStandings } from './tell-standings.ts';
import { ephemeral } from './typing.ts';
import { Uncovered } from './uncovered.ts';

/** closed: nothing heard yet. opening: the log is. live. closing: the log is, nothing is accepted. ended: told to stop. */
type Phase = 'closed' | 'opening' | 'live' | 'closing' | 'ended';

/** Timer by which the kernel asks an idle actor to stop. */
const passivateTimer = 'passivate';

export class Room implements Actor<RoomMessage> {
  /** Its parts; read by tests alone. */
  readonly context: RoomContext;
  readonly #post: Post;
  #phase: Phase = 'closed';
  /** What came before the log was open. */
  #held: RoomMessage[] = [];
  readonly #receiptTimes = new Map<number, number>();
  readonly #ephemeralTimes = new Map<number, number>();
  #standingsDelayMs = 0;

  /** `room` is `!name:provider`. */
  constructor(room: string, options: RoomOptions) {
    this.context = {
      room,
      options,
      state: new RoomState(room, options),
      calls: new LogCalls(),
      uncovered: new Uncovered(options.limits),
    };
    this.#post = new Post(this.context);
  }

  receive(message: RoomMessage, now: number): readonly Effect[] {
    switch (this.#phase) {
      case 'closed':
        if (message.kind === 'timer') return this.#end([]);
        this.#phase = 'opening';
        return [{ kind: 'log', command: { kind: 'open', create: false } }, ...this.#hold(message)];
      case 'opening':
        return message.kind === 'log' ? this.#log(message.answer, now) : this.#hold(message);
      case 'live':
        return this.#orEnd(this.#live(message, now));
      case 'closing':
        return message.kind === 'log' ? this.#log(message.answer, now) : this.#hold(message);
      case 'ended':
        return nothing;
    }
  }

  /** Nothing is under way: no opening, no uncovered event, no call, no standing that nobody has confirmed. */
  idle(): boolean {
    const { state, calls, uncovered } = this.context;
    if (this.#phase !== 'live') return this.#phase === 'closed';
    return uncovered.size === 0 && calls.size === 0 && this.#post.idle() && state.standings.size === 0;
  }

  #live(message: RoomMessage, now: number): readonly Effect[] {
    const context = this.context;
    switch (message.kind) {
      case 'submit':
        return this.#post.submit(message.from, message.submit, now);
      case 'subscribe':
        return subscribe(context, message);
      case 'fetch':
        return fetchRecords(context, message.from, message.fetch);
      case 'putReceipt':
        return putReceipt(context, message.from, { write: message.write, times: this.#receiptTimes, now });
      case 'ephemeral':
        return ephemeral(context, message, { times: this.#ephemeralTimes, now });
      case 'readRoom':
        return [readRoom(context, message.from, message.read)];
      case 'authorise':
        return [authorise(context, message)];
      case 'summarise':
        return [
          { kind: 'summarised', user: message.user, token: message.token, summary: this.#summaryFor(message.user) },
        ];
      case 'standingKept':
        return this.#standingKept(message);
      case 'identityMoved':
        return identityMoved(context, message);
      case 'log':
        return this.#log(message.answer, now);
      case 'timer':
        return this.#timer(message.name);
    }
  }

  #log(answer: LogAnswer, now: number): readonly Effect[] {
    switch (answer.kind) {
      case 'opened':
        return this.#opened(answer, now);
      case 'appended':
        return coverThrough(this.context, answer.throughSeq);
      case 'rows':
        this.context.state.floor = Math.max(this.context.state.floor, answer.floor);
        return this.context.calls.settle(answer, now);
      case 'saved':
      case 'rewritten':
        return this.context.calls.settle(answer, now);
      case 'sealing':
        return [{ kind: 'log', command: { kind: 'sealed', changes: takeChanges(this.context.state) } }];
      case 'closed':
        return this.#end(this.#resend());
      case 'failed':
        // Whoever waits is told UNAVAILABLE by the kernel, which knows what this actor was asked.
        return this.#end([{ kind: 'count', counter: `room.log.${answer.code}`, by: 1 }]);
    }
  }

  /** State rows, then the rows that they do not hold: what the live room had covered, and perhaps more that was under way. */
  #opened(opened: LogAnswer & { kind: 'opened' }, now: number): readonly Effect[] {
    const { state, options } = this.context;
    loadRows(state, opened.state);
    const gone = new Set<string>();
    for (const { bytes } of opened.rows) {
      const user = leaver(this.context, replayRow(state, bytes, options.primitives));
      if (user !== null) gone.add(user);
    }
    const isWhole = state.head.seq + 1 === opened.nextSeq && (state.chain === null) === (state.head.seq === 0);
    if (!isWhole) throw new Error('the log and its state do not fit');
    state.floor = Math.max(1, opened.floor);
    this.#phase = 'live';
    // Sessions outlive this actor: those of a member whose end was under way are still live here. Whoever came back since stays.
    const evicted = [...gone].filter((user) => typeof joinedMember(this.context, user) === 'number');
    const effects: Effect[] = evicted.map((user) => ({ kind: 'evict', user, room: this.context.room }));
    // Rows that were under way when the last actor ended were never fanned out, and live sessions may wait for them.
    if (opened.rows.length > 0) effects.push(headMoved(this.context));
    effects.push(...emptyRows(this.context), ...this.#tellOwed());
    const held = this.#held;
    this.#held = [];
    for (const message of held) effects.push(...this.#live(message, now));
    return this.#orEnd(effects);
  }

  #hold(message: RoomMessage): readonly Effect[] {
    if (message.kind === 'timer' || message.kind === 'log') return nothing;
    // While closing only what must not be lost: the rest comes to the next incarnation, or is told again.
    if (this.#phase === 'closing' && message.kind !== 'identityMoved') return nothing;
    const { limits } = this.context.options;
    if (this.#held.length < limits.heldMessagesMax) {
      this.#held.push(message);
      return nothing;
    }
    const refusal = { code: Rejection.REJECTION_BUSY, retryAfterMs: limits.retryAfterMs } as const;
    return bounce(roomAddress(this.context.room), message, refusal);
  }

  #timer(name: string): readonly Effect[] {
    if (name === standingsTimer) return this.#tellOwed();
    if (name !== passivateTimer || this.context.state.chain === null) return nothing;
    this.#phase = 'closing';
    return [{ kind: 'log', command: { kind: 'close', changes: this.#lastChanges() } }];
  }

  /** Everything that is not saved yet, and the summary for those who list rooms while this one sleeps. */
  #lastChanges(): readonly StateChange[] {
    const { state } = this.context;
    const summary = summaryOf(this.context);
    if (summary === null || state.summarySeq === state.head.seq) return takeChanges(state);
    state.dirty.add('head');
    const changes = takeChanges(state);
    return [...changes, { key: summaryKey, value: encodeSummary(summary), seq: state.head.seq, sub: state.saves }];
  }

  #tellOwed(): readonly Effect[] {
    const { state, options } = this.context;
    if (state.standings.size === 0) {
      this.#standingsDelayMs = 0;
      return nothing;
    }
    const { standingRetryMs, standingRetryMaxMs, standingsPerTick } = options.limits;
    this.#standingsDelayMs = Math.min(standingRetryMaxMs, 2 * this.#standingsDelayMs || standingRetryMs);
    return tellStandings(this.context, state.standings.next(standingsPerTick), this.#standingsDelayMs);
  }

  #standingKept({ user, controlNumber, fingerprint }: RoomMessage & { kind: 'standingKept' }): readonly Effect[] {
    const learned = learnIdentity(this.context, user, fingerprint);
    if (!standingKept(this.context, user, controlNumber)) return learned;
    this.#standingsDelayMs = 0;
    return [...learned, { kind: 'cancelTimer', name: standingsTimer }];
  }

  #summaryFor(user: string): ReturnType<typeof summaryOf> {
    return this.context.state.member(user) === undefined ? null : summaryOf(this.context);
  }

  /** Ends where there is no room and nobody is about to make one: such a room leaves no trace. */
  #orEnd(effects: readonly Effect[]): readonly Effect[] {
    const isRoom = this.context.state.chainAhead !== null;
    return this.#phase !== 'live' || isRoom ? effects : this.#end(effects);
  }

  #end(effects: readonly Effect[]): readonly Effect[] {
    this.#phase = 'ended';
    return [...effects, { kind: 'stop' }];
  }

  #resend(): Effect[] {
    const to = roomAddress(this.context.room);
    return this.#held.map((message) => ({ kind: 'send', to, message }));
  }
}
