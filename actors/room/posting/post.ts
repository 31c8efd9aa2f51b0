// From submit to append: judges, gives the next place, hands the row to the log. A repeat gets its first answer, once that is covered. A submit
// that needs rows looked up waits, and the same device's later ones wait behind it, so that a device's submits keep their order.
import type { Effect } from '#actors/kernel/effects.ts';
import type { Requester } from '#actors/kernel/messages.ts';
import type { Submit } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { Stamp } from '#proto/gen/record.ts';
import { recordHash } from '#proto/rules/bytes/hash.ts';
import { controlHead } from '#proto/rules/control/state.ts';
import { stampEvent } from '#proto/rules/record/record.ts';
import { answer, ofItself, type RoomContext, refuse } from '../context.ts';
import { type Change, leaving, type Placed, type RoomState } from '../state/room-state.ts';
import { encodeRow, recordOf } from '../state/stored.ts';
import { type LookedUp, lookUp } from './emptying.ts';
import { type Good, judgeSubmit } from './judge.ts';

interface WaitingSubmit {
  readonly from: Requester;
  readonly submit: Submit;
}

/** The posting side of one room. */
export class Post {
  readonly #context: RoomContext;
  /** By `<user>/<device>`: what waits behind a lookup of that device. */
  readonly #behind = new Map<string, WaitingSubmit[]>();
  #waiting = 0;

  constructor(context: RoomContext) {
    this.#context = context;
  }

  /** Submits that wait behind a lookup. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Nothing waits here. */
  idle(): boolean {
    return this.#behind.size === 0;
  }

  /** A submit. Answered once everything is covered that the answer rests on. */
  submit(from: Requester, submit: Submit, now: number): readonly Effect[] {
    const waiting = { from, submit: compact(submit) };
    const behind = this.#behind.get(deviceOf(from));
    if (behind === undefined) return this.#decide(waiting, now, null);
    if (this.#waiting >= this.#context.options.limits.waitingSubmitsMax) return this.#refuse(from, busy);
    this.#waiting++;
    behind.push(waiting);
    return [];
  }

  #decide(waiting: WaitingSubmit, now: number, looked: LookedUp | null): readonly Effect[] {
    const { from, submit } = waiting;
    const verdict = judgeSubmit(this.#context, from, submit, looked);
    switch (verdict.kind) {
      case 'refused':
        return this.#refuse(from, verdict.code);
      case 'repeat':
        return this.#repeat(from, verdict.seq);
      case 'look':
        return this.#look(waiting, verdict.seqs);
      case 'good':
        return this.#place(from, verdict, now);
    }
  }

  #place(from: Requester, good: Good, now: number): readonly Effect[] {
    const { state, options, uncovered } = this.#context;
    const { header, headerHash, change, person, credential, event } = good;
    if (uncovered.full(event.header.length + event.body.length)) return this.#refuse(from, busy);
    if (state.saving > 0 && state.dirty.size + state.saving >= options.limits.unsavedRowsMax)
      return this.#refuse(from, busy);
    if (state.ahead.acceptedMs > now + options.limits.clockBehindMaxMs) return this.#refuseByClock(from);
    const waitMs = waitOf(state, change, now);
    if (waitMs > 0) return [refuse(this.#context, from, Rejection.REJECTION_RATE_LIMITED, waitMs)];
    const { primitives, limits } = options;
    const stamped = stampEvent(state.ahead, event, { counts: header.counts, now, primitives });
    const bytes = encodeRow(stamped.record, person, credential);
    const { seq, acceptedMs } = stamped.head;
    const placed: Placed = {
      seq,
      record: stamped.record,
      header,
      headerHash,
      head: stamped.head,
      bytes: bytes.length,
      change,
      credential,
    };
    if (person !== null) state.people.keepPerson(seq, person);
    if (credential !== null) state.people.keepCredential(credential);
    state.place(placed);
    uncovered.add(placed, from);
    // From the stamp, not from the clock, so that rows expire in their order. The stamp may be ahead of the clock by a little that retention allows for.
    const row = { bytes, acceptedMs, expiresMs: acceptedMs + limits.retentionMs };
    return [{ kind: 'log', command: { kind: 'append', fromSeq: seq, rows: [row], restless: owes(change) } }];
  }

  #repeat(from: Requester, seq: number): readonly Effect[] {
    const { state, calls, uncovered, options } = this.#context;
    if (uncovered.join(seq, from)) return [];
    const kept = state.ring.get(seq);
    if (kept !== undefined) return [this.#accepted(from, kept.record)];
    // It was kept once, but its record has expired: all that can be said is that it is old.
    if (seq < state.floor) return this.#refuse(from, Rejection.REJECTION_TOO_OLD);
    if (calls.size >= options.limits.logCallsMax) return this.#refuse(from, busy);
    const range = { fromSeq: seq, throughSeq: seq, limit: 1, bytesMax: 1, backwards: false };
    const read = calls.read(range, ({ rows }) => {
      const [row] = rows;
      if (row === undefined) return this.#refuse(from, Rejection.REJECTION_TOO_OLD);
      return [this.#accepted(from, recordOf(row.bytes))];
    });
    return [read];
  }

  #accepted(from: Requester, record: { readonly stamp: Uint8Array; readonly header: Uint8Array }): Effect {
    const { seq, acceptedMs } = Stamp.decode(record.stamp);
    const hash = recordHash(record.stamp, record.header, this.#context.options.primitives);
    const control = controlHead(this.#context.state.chain);
    return answer(from, { $case: 'accepted', value: { seq, acceptedMs, hash, control } });
  }

  #look(waiting: WaitingSubmit, seqs: readonly number[]): readonly Effect[] {
    const { calls, options } = this.#context;
    if (calls.size >= options.limits.logCallsMax) return this.#refuse(waiting.from, busy);
    const key = deviceOf(waiting.from);
    this.#behind.set(key, this.#behind.get(key) ?? []);
    return lookUp(this.#context, seqs, (found, now) => {
      const effects = [...this.#decide(waiting, now, found)];
      this.#next(key, now, effects);
      return effects;
    });
  }

  /** What waited behind a lookup goes on, up to the next lookup. */
  #next(key: string, now: number, effects: Effect[]): void {
    const behind = this.#behind.get(key) ?? [];
    this.#behind.delete(key);
    for (let next = behind.shift(); next !== undefined; next = behind.shift()) {
      this.#waiting--;
      effects.push(...this.#decide(next, now, null));
      if (!this.#behind.has(key)) continue;
      this.#behind.set(key, behind);
      return;
    }
  }

  /** The head was stamped by a clock that is far ahead of this one. Stamps never go back, and one from the future would keep its row for too long. */
  #refuseByClock(from: Requester): readonly Effect[] {
    const refusal = refuse(this.#context, from, Rejection.REJECTION_UNAVAILABLE);
    return [{ kind: 'count', counter: 'room.clock.behind', by: 1 }, refusal];
  }

  /** The judge looks ahead: what it refuses because of an event that a crash may take back must not be said before that is covered. */
  #refuse(from: Requester, code: Rejection): readonly Effect[] {
    const { uncovered } = this.#context;
    if (uncovered.size === 0 || standsAlone.has(code)) return [refuse(this.#context, from, code)];
    return uncovered.holds({ from, code }) ? [] : [refuse(this.#context, from, busy)];
  }
}

/** A control entry is told to the user of its target, and bodies are emptied, after the event: both must be done even if this process dies. */
function owes({ kind }: Change): boolean {
  return kind === 'control' || kind === 'emptying';
}

/** Milliseconds until the signer of a control entry may make one more. */
function waitOf({ budget }: RoomState, change: Change, now: number): number {
  if (change.kind !== 'control' || leaving.has(change.body.kind)) return 0;
  return budget.waitMs(change.body.actor, now);
}

const busy = Rejection.REJECTION_BUSY;

/** No uncovered event is behind these: NOT_FOUND besides, for numbers are only ever given, and who has none ahead has none that is covered either. */
const standsAlone: ReadonlySet<Rejection> = new Set([...ofItself, Rejection.REJECTION_NOT_FOUND]);

/** What is kept of an event are views into the frame that it came in. A frame that holds much else is not worth keeping for it. */
const besideBytesMax = 1_024;

function compact(submit: Submit): Submit {
  const { event } = submit;
  if (event === undefined) return submit;
  const { header, body } = event;
  if (header.buffer.byteLength <= header.length + body.length + besideBytesMax) return submit;
  return { ...submit, event: { ...event, header: new Uint8Array(header), body: new Uint8Array(body) } };
}

function deviceOf(from: Requester): string {
  return `${from.user}/${from.device}`;
}
