// The room actor: the one writer of a room at its hub. It gives every event its place, and shows, answers and keeps only what the log has covered.
// This file is its life: opening (requests wait, bounded), living, closing; each request is one call into the part that knows it. It ends itself
// where there is no room, and when the log is lost: the next message opens the log anew, and what was covered is there.
import { type Actor, type Kept, nothing } from '#actors/kernel/actor.ts';
import { roomAddress, userAddress } from '#actors/kernel/address.ts';
import { bounce } from '#actors/kernel/bounce.ts';
import type { Effect } from '#actors/kernel/effects.ts';
import type { RoomMessage } from '#actors/kernel/messages.ts';
import { Rejection } from '#proto/gen/codes.ts';
import type { LogAnswer, StateChange } from '../log/messages.ts';
import { joinedMember, type RoomContext, type RoomOptions, surely } from './context.ts';
import { Confirming, sayTimer } from './covering/confirming.ts';
import { coverThrough, headMoved, leaver } from './covering/cover.ts';
import { LogCalls } from './covering/log-calls.ts';
import { saveMuch } from './covering/save-all.ts';
import { Uncovered } from './covering/uncovered.ts';
import { forgetErased, learnErasure } from './members/erasure.ts';
import { learnIdentity } from './members/identity.ts';
import { authorise } from './members/reachability.ts';
import { Receipts } from './members/receipts.ts';
import { ManifestNotices, manifestsTimer } from './members/tell-manifests.ts';
import { StandingsTeller, standingsTimer } from './members/tell-standings.ts';
import { ephemeral } from './members/typing.ts';
import { Held } from './opening/held.ts';
import { loadRoom } from './opening/load.ts';
import { emptyRows } from './posting/emptying.ts';
import { Post } from './posting/post.ts';
import { encodeSummary, subscribe, summaryKey, summaryOf } from './reading/entry.ts';
import { fetchRecords } from './reading/fetch.ts';
import { readRoom } from './reading/read-room.ts';
import { type Placed, RoomState } from './state/room-state.ts';
import { takeChanges } from './state/rows.ts';

/** closed: nothing heard yet. opening: the log is. loading: what it handed over. live. closing: the log is, nothing is accepted. ended: told to stop. */
type Phase = 'closed' | 'opening' | 'loading' | 'live' | 'closing' | 'ended';

/** What a room has still to put into memory before it lives. */
interface Loading {
  readonly steps: Generator<number, void>;
  /** Users who lost the room in rows that were applied again. */
  readonly gone: Set<string>;
  readonly hasMoved: boolean;
  /** The log asked for the state meanwhile. */
  seals: boolean;
}

/** Timer by which loading goes on in another turn. */
const loadTimer = 'load';

/** Timer by which the kernel asks an idle actor to stop. */
const passivateTimer = 'passivate';

export class Room implements Actor<RoomMessage> {
  /** Its parts; read by tests alone. */
  readonly context: RoomContext;
  readonly #post: Post;
  #phase: Phase = 'closed';
  readonly #held: Held;
  readonly #standings: StandingsTeller;
  readonly #notices: ManifestNotices;
  readonly #receipts: Receipts;
  readonly #ephemeralTimes = new Map<number, number>();
  #loading: Loading | null = null;

  /** `room` is `!name:provider`. */
  constructor(room: string, options: RoomOptions) {
    this.context = {
      room,
      options,
      state: new RoomState(room, options),
      calls: new LogCalls(),
      uncovered: new Uncovered(options.limits),
      confirming: new Confirming(options.limits),
    };
    this.#post = new Post(this.context);
    this.#held = new Held(options.limits);
    this.#receipts = new Receipts(this.context);
    this.#standings = new StandingsTeller(this.context);
    this.#notices = new ManifestNotices(this.context);
  }

  receive(message: RoomMessage, now: number): readonly Effect[] {
    switch (this.#phase) {
      case 'closed':
        if (message.kind === 'timer') return this.#end([]);
        this.#phase = 'opening';
        return [{ kind: 'log', command: { kind: 'open', create: false } }, ...this.#hold(message)];
      case 'opening':
        return message.kind === 'log' ? this.#log(message.answer, now) : this.#hold(message);
      case 'loading':
        return this.#whileLoading(this.#loading as Loading, message, now);
      case 'live':
        return this.#orEnd(this.#live(message, now));
      case 'closing':
        return message.kind === 'log' ? this.#log(message.answer, now) : this.#hold(message);
      case 'ended':
        return nothing;
    }
  }

  /** Nothing is under way: no opening, no uncovered event, no call, nothing to be told. */
  idle(): boolean {
    const { calls, uncovered, confirming } = this.context;
    if (this.#phase !== 'live') return this.#phase === 'closed';
    const isQuiet = uncovered.size + calls.size + confirming.size === 0 && this.#post.idle();
    return isQuiet && this.#standings.idle && this.#notices.done;
  }

  /** See Actor. */
  kept(): readonly Kept[] {
    const { calls, uncovered, confirming, options, state } = this.context;
    const { limits } = options;
    // Nobody asks for these: one emptying and one save of much at a time, and one save of each member's new identity or erasure.
    const ownCalls = 2 + state.identities.size + state.unsavedErasures.size;
    return [
      { what: 'held', count: this.#held.requests, max: limits.heldMessagesMax },
      { what: 'held bytes', count: this.#held.bytes, max: limits.heldBytesMax },
      { what: 'uncovered', count: uncovered.size, max: limits.uncoveredRecordsMax },
      { what: 'uncovered bytes', count: uncovered.bytes, max: limits.uncoveredBytesMax },
      { what: 'refusals', count: uncovered.refusals, max: limits.refusalsMax },
      { what: 'log calls', count: calls.size, max: limits.logCallsMax + ownCalls },
      { what: 'confirming', count: confirming.size, max: limits.confirmingMax },
      { what: 'waiting submits', count: this.#post.waiting, max: limits.waitingSubmitsMax },
    ];
  }

  #live(message: RoomMessage, now: number): readonly Effect[] {
    const context = this.context;
    switch (message.kind) {
      case 'submit':
        return surely(context, this.#post.submit(message.from, message.submit, now));
      case 'subscribe':
        return this.#surely(message, () => subscribe(context, message));
      case 'fetch':
        return surely(context, fetchRecords(context, message.from, message.fetch));
      case 'putReceipt':
        return surely(context, this.#receipts.put(message, now));
      case 'ephemeral':
        return ephemeral(context, message, { times: this.#ephemeralTimes, now });
      case 'readRoom':
        return this.#surely(message, () => [readRoom(context, message.from, message.read)]);
      case 'authorise':
        return this.#surely(message, () => [authorise(context, message)]);
      case 'summarise':
        return this.#surely(message, () => [this.#summarised(message)]);
      case 'standingKept':
        return this.#standingKept(message);
      case 'identityMoved':
        // A process that has lost the room would say this of members that it does not know, and nobody would tell the room again.
        return this.#surely(message, () => this.#identityMoved(message));
      case 'log':
        return this.#log(message.answer, now);
      case 'timer':
        return this.#timer(message.name, now);
    }
  }

  #log(answer: LogAnswer, now: number): readonly Effect[] {
    switch (answer.kind) {
      case 'opened':
        return this.#opened(answer, now);
      case 'appended': {
        const covered = coverThrough(this.context, answer.throughSeq, (members) =>
          this.#standings.changed(members, now),
        );
        forgetErased(this.context.state);
        return [...covered, ...saveMuch(this.context)];
      }
      case 'rows':
        this.context.state.floor = Math.max(this.context.state.floor, answer.floor);
        return surely(this.context, this.context.calls.settle(answer, now));
      case 'saved':
      case 'rewritten':
        return [...this.context.calls.settle(answer, now), ...saveMuch(this.context)];
      case 'sealing':
        return [this.#lastWord('sealed', takeChanges(this.context.state))];
      case 'confirmed':
        return this.context.confirming.confirmed();
      case 'closed':
        return this.#end([]);
      case 'failed':
        // Whoever waits is told UNAVAILABLE by the kernel, which knows what this actor was asked.
        return this.#end([{ kind: 'count', counter: `room.log.${answer.code}`, by: 1 }]);
    }
  }

  /** State rows, then the rows that they do not hold: what the live room had covered, and perhaps more that was under way. In as many turns as it takes. */
  #opened(opened: LogAnswer & { kind: 'opened' }, now: number): readonly Effect[] {
    const { state, options } = this.context;
    const gone = new Set<string>();
    const replayed = (placed: Placed) => {
      const user = leaver(this.context, placed);
      if (user !== null) gone.add(user);
    };
    const steps = loadRoom(state, opened, { primitives: options.primitives, replayed });
    this.#loading = { steps, gone, hasMoved: opened.rows.length > 0, seals: false };
    this.#phase = 'loading';
    return this.#load(this.#loading, now);
  }

  #load(loading: Loading, now: number): readonly Effect[] {
    for (let left = this.context.options.limits.loadUnitsMax; left > 0; ) {
      const step = loading.steps.next();
      if (step.done !== true) {
        left -= step.value;
        continue;
      }
      this.#loading = null;
      this.#phase = 'live';
      return this.#orEnd(this.#begin(loading, now));
    }
    return [{ kind: 'startTimer', name: loadTimer, delayMs: 0 }];
  }

  #whileLoading(loading: Loading, message: RoomMessage, now: number): readonly Effect[] {
    if (message.kind === 'timer') return message.name === loadTimer ? this.#load(loading, now) : nothing;
    if (message.kind !== 'log') return this.#hold(message);
    if (message.answer.kind !== 'sealing') return this.#log(message.answer, now);
    loading.seals = true;
    return nothing;
  }

  /** The room is whole again: whoever missed something hears of it, then what waited is handled. */
  #begin({ gone, hasMoved, seals }: Loading, now: number): readonly Effect[] {
    // Sessions outlive this actor: those of a member whose end was under way are still live here. Whoever came back since stays.
    const evicted = [...gone].filter((user) => typeof joinedMember(this.context, user) === 'number');
    const effects: Effect[] = evicted.map((user) => ({ kind: 'evict', user, room: this.context.room }));
    // Rows that were under way when the last actor ended were never fanned out, and live sessions may wait for them.
    if (hasMoved) effects.push(headMoved(this.context));
    forgetErased(this.context.state);
    if (seals) effects.push(...this.#log({ kind: 'sealing' }, now));
    effects.push(...saveMuch(this.context), ...emptyRows(this.context), ...this.#standings.tick(now));
    for (const message of this.#held.take()) effects.push(...this.#live(message, now));
    return effects;
  }

  #hold(message: RoomMessage): readonly Effect[] {
    if (message.kind === 'timer' || message.kind === 'log') return nothing;
    // The kernel keeps work for the next incarnation, and what else comes is told again.
    if (this.#phase === 'closing') return nothing;
    return this.#held.add(message) ? nothing : this.#busy(message);
  }

  /** Says it as soon as the room is known to be this actor's still. */
  #surely(message: RoomMessage, say: () => readonly Effect[]): readonly Effect[] {
    return this.context.confirming.add(say) ?? this.#busy(message);
  }

  #busy(message: RoomMessage): readonly Effect[] {
    const { retryAfterMs } = this.context.options.limits;
    return bounce(roomAddress(this.context.room), message, { code: Rejection.REJECTION_BUSY, retryAfterMs });
  }

  #timer(name: string, now: number): readonly Effect[] {
    if (name === sayTimer) return this.context.confirming.say();
    if (name === standingsTimer) return this.#standings.tick(now);
    if (name === manifestsTimer) return this.#notices.tick();
    if (name !== passivateTimer || this.context.state.chain === null) return nothing;
    this.#phase = 'closing';
    return [this.#lastWord('close', this.#lastChanges())];
  }

  /** With it the log remembers to have this room woken, if anything is left to do for which nobody else would wake it. */
  #lastWord(kind: 'sealed' | 'close', changes: readonly StateChange[]): Effect {
    const { standings, emptyings } = this.context.state;
    return { kind: 'log', command: { kind, changes, restless: standings.size > 0 || emptyings.size > 0 } };
  }

  /** A user actor has kept how its user stands; it says as well who that is today, for the room may not have known the user when it changed. */
  #standingKept(message: RoomMessage & { kind: 'standingKept' }): readonly Effect[] {
    const kept = () => this.#standings.kept(message.user, message.controlNumber);
    if (message.erased) return learnErasure(this.context, message.user, kept);
    return [...learnIdentity(this.context, message, []), ...kept()];
  }

  /** A member published a manifest, or their account is erased. */
  #identityMoved(message: RoomMessage & { kind: 'identityMoved' }): readonly Effect[] {
    const { room, state } = this.context;
    const { user, head } = message;
    const kept = { kind: 'identityKept', room, version: head.version } as const;
    const then: Effect[] = [{ kind: 'send', to: userAddress(user), message: kept }];
    if (message.fingerprint.length === 0) return learnErasure(this.context, user, () => then);
    const member = state.member(user);
    if (member === undefined || !state.isPresent(member)) return then;
    return [...learnIdentity(this.context, message, then), ...this.#notices.add(member.number, head)];
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

  #summarised({ user, token }: RoomMessage & { kind: 'summarise' }): Effect {
    const summary = this.context.state.member(user) === undefined ? null : summaryOf(this.context);
    return { kind: 'summarised', user, token, summary };
  }

  /** Ends where there is no room and nobody is about to make one: such a room leaves no trace. */
  #orEnd(effects: readonly Effect[]): readonly Effect[] {
    const { state, confirming } = this.context;
    const isNeeded = state.chainAhead !== null || confirming.size > 0;
    return this.#phase !== 'live' || isNeeded ? effects : this.#end(effects);
  }

  #end(effects: readonly Effect[]): readonly Effect[] {
    this.#phase = 'ended';
    return [...effects, { kind: 'stop' }];
  }
}
