// Every limit of a room at n and at n + 1. A key of RoomLimits without a case does not compile, and fails.
import { describe, expect, it } from 'vitest';
import type { Effect } from '#actors/kernel/effects.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { ControlKind, EmptyingCause, Role, Stamp } from '#proto/gen/record.ts';
import { makeActor, testPrimitives } from '#proto/golden/cast.ts';
import { hashState } from '#proto/rules/control/state.ts';
import { limits as protocol } from '#proto/rules/limits.ts';
import { defaultRoomLimits, type RoomLimits } from './limits.ts';
import { crowd } from './testing/crowd.ts';
import { codeOf, policy, type Seen, Stage } from './testing/stage.ts';

const ada = makeActor('@ada:lux.example');
const ben = makeActor('@ben:lux.example');
const K = ControlKind;
const code = (seen: Seen) => seen.answers.map(({ body }) => codeOf(body))[0];
const codes = (effects: readonly Effect[]) =>
  effects.flatMap((effect) => (effect.kind === 'answer' ? [codeOf(effect.body)] : []));
const kinds = (effects: readonly Effect[]) => effects.map(({ kind }) => kind);
const busy = Rejection.REJECTION_BUSY;

const room = (limits: Partial<RoomLimits> = {}) => Stage.group(ada, testPrimitives, { limits });

/** Nothing that is appended is covered from here on. */
function uncovered(limits: Partial<RoomLimits>): Stage {
  const stage = room(limits);
  stage.covers = false;
  return stage;
}

/** Everything is saved. */
function saved(limits: Partial<RoomLimits>): Stage {
  const stage = room(limits);
  stage.seal();
  return stage;
}

/** Seqs of the records in the answer. */
function paged(seen: Seen): number[] {
  const body = seen.answers[0]?.body;
  if (body?.$case !== 'recordPage') throw new Error('no page');
  return body.value.records.map(({ stamp }) => Stamp.decode(stamp).seq);
}

/** The room's log is asked for every page: nothing is remembered. */
const forgetful = { ringRecordsMax: 1 };

const cases: { readonly [Key in keyof RoomLimits]: () => void } = {
  heldMessagesMax() {
    const stage = room({ heldMessagesMax: 2 });
    stage.crash();
    const ask = () => stage.actor.receive(fetchBy(stage), 0);
    expect([ask(), ask()].map(codes)).toEqual([[], []]);
    expect(codes(ask())).toEqual([busy]);
  },
  heldBytesMax() {
    const submit = room().event(ada, new Uint8Array(9_000));
    const bytes = 128 + submit.event!.header.length + submit.event!.body.length;
    for (const [heldBytesMax, second] of [
      [2 * bytes, []],
      [2 * bytes - 1, [busy]],
    ] as const) {
      const stage = room({ heldBytesMax });
      stage.crash();
      const send = () => codes(stage.actor.receive({ kind: 'submit', from: stage.from(ada), submit }, 0));
      expect([send(), send()]).toEqual([[], second]);
    }
  },
  uncoveredRecordsMax() {
    const stage = uncovered({ uncoveredRecordsMax: 3 });
    for (let n = 0; n < 3; n++) expect(code(stage.say(ada))).toBe(undefined);
    expect(code(stage.say(ada))).toBe(busy);
    expect(stage.cover().answers).toHaveLength(3);
    expect(code(stage.say(ada))).toBe(undefined);
  },
  uncoveredBytesMax() {
    const bytes = rowBytes() + eventBytes();
    for (const [uncoveredBytesMax, second] of [
      [bytes, undefined],
      [bytes - 1, busy],
    ] as const) {
      const stage = uncovered({ uncoveredBytesMax });
      expect(code(stage.say(ada))).toBe(undefined);
      expect(code(stage.say(ada))).toBe(second);
      stage.cover();
      expect(code(stage.say(ada))).toBe(undefined);
    }
  },
  refusalsMax() {
    const stage = uncovered({ refusalsMax: 2 });
    stage.say(ada);
    const wrong = () => code(stage.say(ada, 'x', { member: 9 }));
    expect([wrong(), wrong(), wrong()]).toEqual([undefined, undefined, busy]);
    stage.cover();
    stage.say(ada);
    expect(wrong()).toBe(undefined);
  },
  logCallsMax() {
    const stage = room({ ...forgetful, logCallsMax: 2 });
    stage.say(ada);
    const ask = () => stage.actor.receive(fetchBy(stage, 1), 0);
    expect([...ask(), ...ask()].map(({ kind }) => kind)).toEqual(['watch', 'log', 'watch', 'log']);
    expect(codes(ask())).toEqual([busy]);
  },
  waitingSubmitsMax() {
    const stage = room({ ...forgetful, waitingSubmitsMax: 2 });
    stage.say(ada);
    stage.say(ada);
    const from = stage.from(ada);
    const tell = (submit: ReturnType<typeof stage.event>) => stage.actor.receive({ kind: 'submit', from, submit }, 0);
    tell(stage.emptying(ada, { cause: EmptyingCause.EMPTYING_CAUSE_AUTHOR, seqs: [2] }));
    for (let n = 0; n < 2; n++) expect(tell(stage.event(ada, new Uint8Array(1)))).toEqual([]);
    expect(codes(tell(stage.event(ada, new Uint8Array(1))))).toEqual([busy]);
  },
  confirmingMax() {
    const stage = room({ confirmingMax: 2 });
    const subscribe = { kind: 'subscribe', from: stage.from(ada), replyTo: 'session/1' as never, token: 1 } as const;
    const ask = () => kinds(stage.actor.receive(subscribe, 0));
    expect([ask(), ask(), ask()]).toEqual([['log'], [], ['send']]);
    expect(stage.actor.receive(subscribe, 0)).toMatchObject([{ message: { kind: 'subscribedPart', busy: true } }]);
    expect(codes(stage.actor.receive({ ...fetchBy(stage), from: stage.from(ben) }, 0))).toEqual([busy]);
  },
  confirmedPerTurn() {
    const stage = room({ confirmedPerTurn: 2 });
    const subscribe = { kind: 'subscribe', from: stage.from(ada), replyTo: 'session/1' as never, token: 1 } as const;
    // The first asks at once, and the others are asked for together.
    for (let n = 0; n < 4; n++) stage.actor.receive(subscribe, 0);
    const confirmed = { kind: 'log', answer: { kind: 'confirmed', token: 0 } } as const;
    const told = (effects: readonly Effect[]) => effects.filter(({ kind }) => kind === 'send').length;
    expect(told(stage.actor.receive(confirmed, 0))).toBe(1);
    const first = stage.actor.receive(confirmed, 0);
    expect([told(first), kinds(first).at(-1)]).toEqual([2, 'startTimer']);
    expect(kinds(stage.actor.receive(subscribe, 0))).toEqual([]);
    const second = stage.actor.receive({ kind: 'timer', name: 'say' }, 0);
    expect([told(second), kinds(second).at(-1)]).toEqual([1, 'log']);
  },
  emptyingPageRows() {
    expect([2, 3].map((emptyingPageRows) => pagesOfErasing({ emptyingPageRows }))).toEqual([2, 1]);
  },
  emptyingPageBytes() {
    const stage = room({});
    stage.say(ada);
    const bytes = stage.log.rows.reduce((sum, row) => sum + row.length, stage.log.rows[1]!.length);
    expect([bytes - 1, bytes].map((emptyingPageBytes) => pagesOfErasing({ emptyingPageBytes }))).toEqual([2, 1]);
  },
  ringRecordsMax() {
    const stage = room({ ringRecordsMax: 3 });
    for (let seq = 2; seq <= 5; seq++) stage.say(ada);
    expect(kinds(stage.fetch(ada, { from: 3 }).effects)).not.toContain('log');
    expect(kinds(stage.fetch(ada, { from: 2 }).effects)).toContain('log');
  },
  ringBytesMax() {
    const stage = room();
    stage.say(ada);
    stage.say(ada);
    const bytes = stage.log.rows[1]!.length + stage.log.rows[2]!.length;
    for (const [ringBytesMax, first] of [
      [bytes, 2],
      [bytes - 1, 3],
    ] as const) {
      const small = room({ ringBytesMax });
      small.say(ada);
      small.say(ada);
      expect(small.state.ring.firstSeq).toBe(first);
    }
  },
  pageBytesMax() {
    const bytes = rowBytes();
    for (const [pageBytesMax, records] of [
      [2 * bytes, [2, 3]],
      [2 * bytes - 1, [2]],
    ] as const) {
      const stage = room({ pageBytesMax });
      for (let n = 0; n < 3; n++) stage.say(ada);
      expect(paged(stage.fetch(ada, { from: 2 }))).toEqual(records);
    }
  },
  stateChunkBytes() {
    const size = checkpointed(room()).size;
    expect(checkpointed(room({ stateChunkBytes: size }))).toMatchObject({ size, piece: size, entries: 1 });
    expect(checkpointed(room({ stateChunkBytes: size - 1 }))).toMatchObject({ size, piece: size - 1, entries: 0 });
  },
  credentialsMax() {
    for (const [credentialsMax, second] of [
      [2, 'accepted'],
      [1, Rejection.REJECTION_LIMIT_REACHED],
    ] as const) {
      const stage = room({ credentialsMax });
      const wish = {
        kind: K.CONTROL_KIND_POLICY,
        policy,
        deviceKey: ada.device(2).keys.publicKey,
        device: 1,
        target: 0,
      };
      const credential = { ...ada.credential(1, 2), device: 1 };
      const entry = stage.entry(ada, wish, 2);
      expect(code(stage.submitControl(ada, entry, { member: 1, device: 1 }, credential))).toBe(second);
    }
  },
  controlEntriesKept() {
    const stage = room({ controlEntriesKept: 3 });
    checkpointed(stage);
    stage.invite(ada, ben);
    expect(stage.state.control.first).toBe(1);
    stage.mustAccept(stage.control(ada, { kind: K.CONTROL_KIND_POLICY, policy, target: 0 }));
    expect(stage.state.control.first).toBe(2);
  },
  loadUnitsMax() {
    const stage = room();
    stage.seal();
    // Each state row is a unit, the person and the credential are one more, the entry too, and the piece of the members is eight.
    const units = stage.log.state.size + 3 + 8;
    const turns = (loadUnitsMax: number) => {
      const again = room({ loadUnitsMax });
      again.seal();
      again.crash();
      again.log.command({ kind: 'open', create: false });
      again.actor.receive(fetchBy(again), 0);
      return again.actor.receive({ kind: 'log', answer: again.log.answers.shift()! }, 0);
    };
    expect(kinds(turns(units + 1))).toContain('watch');
    expect(turns(units)).toEqual([{ kind: 'startTimer', name: 'load', delayMs: 0 }]);
  },
  strayPartsMax() {
    const stage = room({ strayPartsMax: 2 });
    stage.join(ada, ben);
    const stray = (n: number) => {
      const user = makeActor(`@stray${n}:lux.example`);
      const wish = { kind: K.CONTROL_KIND_INVITE, target: 9, role: Role.ROLE_MEMBER, person: user.commitment };
      stage.control(ben, wish, { person: user.person(9) });
      return stage.state.people.roll.personsOf('@stray0:lux.example').length;
    };
    expect([stray(0), stray(1)]).toEqual([1, 0]);
  },
  standingsPerTick() {
    expect(toldAtOnce(2, 2)).toBe(2);
    expect(toldAtOnce(2, 3)).toBe(2);
    expect(toldAtOnce(3, 3)).toBe(3);
  },
  standingRetryMs() {
    const stage = room({ standingRetryMs: 70 });
    expect(retries(stage, 1)).toEqual([70]);
  },
  standingRetryMaxMs() {
    expect(retries(room({ standingRetryMs: 10, standingRetryMaxMs: 40 }), 4)).toEqual([10, 20, 40, 40]);
    expect(retries(room({ standingRetryMs: 10, standingRetryMaxMs: 39 }), 4)).toEqual([10, 20, 39, 39]);
  },
  noticesPerTick() {
    const stage = room({ noticesPerTick: 3 });
    crowd(stage, 5);
    const tick = () => stage.tell({ kind: 'timer', name: 'manifests' });
    expect([stage.moved(ada), tick(), tick()].map(noticed)).toEqual([3, 1, 0]);
  },
  noticeTickMs() {
    const stage = room({ noticeTickMs: 33 });
    crowd(stage, 2);
    expect(stage.moved(ada).effects).toContainEqual({ kind: 'startTimer', name: 'manifests', delayMs: 33 });
  },
  retryAfterMs() {
    const stage = uncovered({ uncoveredRecordsMax: 1, retryAfterMs: 123 });
    stage.say(ada);
    expect(stage.say(ada).answers[0]?.body).toMatchObject({ value: { code: busy, retryAfterMs: 123 } });
  },
  clockBehindMaxMs() {
    const stage = room({ clockBehindMaxMs: 50 });
    stage.now -= 50;
    expect(code(stage.say(ada))).toBe('accepted');
    stage.now -= 1;
    expect(code(stage.say(ada))).toBe(Rejection.REJECTION_UNAVAILABLE);
  },
  saveAtRows() {
    // Two rows a message at first: `head`, and the send ids of whoever spoke.
    const stage = saved({ saveAtRows: 4 });
    const saves = ({ effects }: Seen) =>
      effects.flatMap((effect) => (effect.kind === 'log' && effect.command.kind === 'save' ? [effect] : [])).length;
    const [one, two, three, four] = [1, 2, 3, 4].map((device) => () => saves(stage.say(ada, 'x', { device })));
    expect([one!(), two!(), three!()]).toEqual([0, 0, 1]);
    // One at a time, and the next one as soon as it may go.
    stage.log.holds = true;
    expect([one!(), two!(), three!(), four!()]).toEqual([0, 0, 1, 0]);
    expect([one!(), two!(), three!()]).toEqual([0, 0, 0]);
    stage.log.release();
    expect(saves(stage.cover())).toBe(1);
  },
  unsavedRowsMax() {
    const stage = saved({ saveAtRows: 2, unsavedRowsMax: 4 });
    stage.log.holds = true;
    const say = (device: number) => code(stage.say(ada, 'x', { device }));
    expect([say(1), say(2)]).toEqual(['accepted', 'accepted']);
    expect(say(3)).toBe(busy);
    stage.log.release();
    stage.cover();
    expect(say(3)).toBe('accepted');
  },
  retentionMs() {
    // 24 months after sending at the latest: what a stamp may be ahead of the clock, a week of the file, a day of grace.
    const dayMs = 86_400_000;
    const { retentionMs, clockBehindMaxMs } = defaultRoomLimits;
    expect(clockBehindMaxMs + retentionMs + 7 * dayMs + dayMs).toBe(730 * dayMs);
  },
};

describe('a limit of a room holds at n and at n + 1', () => {
  it.each(Object.entries(cases))('%s', (_, holds) => holds());

  it('each of them', () => {
    expect(Object.keys(cases).sort()).toEqual(Object.keys(defaultRoomLimits).sort());
  });
});

describe('the members of a room', () => {
  const invite = (stage: Stage) => {
    const target = (stage.state.chain?.members.size ?? 0) + 1;
    const user = makeActor(`@newcomer${target}:lux.example`);
    const wish = { kind: K.CONTROL_KIND_INVITE, target, role: Role.ROLE_MEMBER, person: user.commitment };
    return code(stage.control(ada, wish, { person: user.person(target) }));
  };

  it.each([
    [0, protocol.membersMaxDefault],
    [7, 7],
    [protocol.membersMax, protocol.membersMax],
  ])('with members_max %i are %i, invited ones included', (membersMax, size) => {
    const stage = room();
    crowd(stage, size - 1, { membersMax });
    expect(invite(stage)).toBe('accepted');
    expect(invite(stage)).toBe(Rejection.REJECTION_LIMIT_REACHED);
    // One who goes makes room for another.
    stage.mustAccept(stage.control(ada, { kind: K.CONTROL_KIND_REMOVE, target: size }));
    expect(invite(stage)).toBe('accepted');
  });

  it('are no more than the policy can say', () => {
    const stage = room();
    const setMax = (membersMax: number) =>
      code(stage.control(ada, { kind: K.CONTROL_KIND_POLICY, policy: { ...policy, membersMax }, target: 0 }));
    expect(setMax(protocol.membersMax)).toBe('accepted');
    expect(setMax(protocol.membersMax + 1)).toBe(Rejection.REJECTION_INVALID_CONTROL);
    expect(setMax(protocol.membersMaxLeast)).toBe('accepted');
    expect(setMax(protocol.membersMaxLeast - 1)).toBe(Rejection.REJECTION_INVALID_CONTROL);
  });
});

function fetchBy(stage: Stage, fromSeq = 0) {
  const fetch = { room: stage.room, fromSeq, throughSeq: 0, limit: 1, newestFirst: fromSeq === 0 };
  return { kind: 'fetch', from: stage.from(ada), fetch } as const;
}

/** Bytes of what `say` submits. */
function eventBytes(): number {
  const { event } = room().event(ada, new Uint8Array(5));
  return event!.header.length + event!.body.length;
}

/** Bytes of the row that `say` makes. */
function rowBytes(): number {
  const stage = room();
  stage.say(ada);
  return stage.log.rows[1]!.length;
}

/** Signs a checkpoint and reads its state: size of the whole, of the first piece, and how many entries came with that. */
function checkpointed(stage: Stage): { size: number; piece: number; entries: number } {
  const stateHash = hashState(stage.state.chain!, testPrimitives);
  stage.mustAccept(stage.control(ada, { kind: K.CONTROL_KIND_CHECKPOINT, stateHash }));
  const read = { room: stage.room, fromControl: 0, slots: false, stateOffset: 1, afterSlot: '' };
  const body = stage.tell({ kind: 'readRoom', from: stage.from(ada), read }).answers[0]?.body;
  if (body?.$case !== 'roomSnapshot') throw new Error('no snapshot');
  const { checkpointStateSize: size, checkpointState, control } = body.value;
  return { size, piece: checkpointState.length, entries: control.length };
}

/** Reads that it takes to walk over a genesis and two messages. */
function pagesOfErasing(limits: Partial<RoomLimits>): number {
  const stage = room(limits);
  stage.say(ada);
  stage.say(ada);
  const cause = EmptyingCause.EMPTYING_CAUSE_ERASURE;
  stage.mustAccept(stage.send(ada, stage.emptying(ada, { cause, fromSeq: 1, throughSeq: 3, member: 1 })));
  return stage.log.commands.filter(({ kind }) => kind === 'read').length;
}

/** Standings that one tick tells where so many are owed. */
function toldAtOnce(standingsPerTick: number, owed: number): number {
  const stage = room({ standingsPerTick });
  for (let n = 1; n < owed; n++) stage.invite(ada, makeActor(`@owed${n}:lux.example`));
  return stage
    .tell({ kind: 'timer', name: 'standings' })
    .effects.filter((effect) => effect.kind === 'send' && effect.message.kind === 'standing').length;
}

/** Delays of so many ticks of the timer of standings. */
function retries(stage: Stage, ticks: number): number[] {
  return Array.from({ length: ticks }, () => stage.tell({ kind: 'timer', name: 'standings' })).flatMap(({ effects }) =>
    effects.flatMap((effect) => (effect.kind === 'startTimer' ? [effect.delayMs] : [])),
  );
}

function noticed({ effects }: Seen): number {
  return effects.filter((effect) => effect.kind === 'send' && effect.message.kind === 'manifestMoved').length;
}
