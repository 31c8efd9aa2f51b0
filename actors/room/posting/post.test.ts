import { describe, expect, it } from 'vitest';
import { Rejection } from '#proto/gen/codes.ts';
import { type Algorithm, ControlKind, EventHeader, EventKind, HistoryFrom, Role, Stamp } from '#proto/gen/record.ts';
import { bytesOf, makeActor, testPrimitives } from '#proto/golden/cast.ts';
import { noBytes } from '#proto/rules/bytes/bytes.ts';
import { recordHash } from '#proto/rules/bytes/hash.ts';
import { limits as protocol } from '#proto/rules/limits.ts';
import { codeOf, type Seen, Stage } from '../testing/stage.ts';

const ada = makeActor('@ada:lux.example');
const ben = makeActor('@ben:lux.example');
const cid = makeActor('@cid:lux.example');
const code = (seen: Seen) => seen.answers.map(({ body }) => codeOf(body))[0];

function group(): Stage {
  const stage = Stage.group(ada, testPrimitives);
  stage.join(ada, ben);
  return stage;
}

describe('a submit is refused', () => {
  it('NOT_FOUND from a stranger, whatever it holds', () => {
    const stage = group();
    expect(code(stage.say(cid, 'hi', { member: 2 }))).toBe(Rejection.REJECTION_NOT_FOUND);
    expect(code(stage.control(cid, { kind: ControlKind.CONTROL_KIND_ACCEPT, target: 3, actor: 3 }))).toBe(
      Rejection.REJECTION_NOT_FOUND,
    );
  });

  it('NOT_MEMBER under the number of another, and from the invited, the removed and the one who left', () => {
    const stage = group();
    expect(code(stage.say(ben, 'hi', { member: 1 }))).toBe(Rejection.REJECTION_NOT_MEMBER);
    stage.invite(ada, cid);
    expect(code(stage.say(cid))).toBe(Rejection.REJECTION_NOT_MEMBER);
    stage.mustAccept(stage.control(ada, { kind: ControlKind.CONTROL_KIND_REMOVE, target: 3 }));
    expect(code(stage.say(cid))).toBe(Rejection.REJECTION_NOT_MEMBER);
    stage.mustAccept(stage.control(ben, { kind: ControlKind.CONTROL_KIND_LEAVE, target: 2 }));
    expect(code(stage.say(ben))).toBe(Rejection.REJECTION_NOT_MEMBER);
  });

  it('BAD_EVENT for a foreign room, another device, a wrong body or bytes with two readings', () => {
    const stage = group();
    expect(code(stage.say(ben, 'hi', { room: `!g${'a'.repeat(32)}:lux.example` }))).toBe(Rejection.REJECTION_BAD_EVENT);
    const fromTwo = stage.event(ben, noBytes, { device: 2 });
    expect(code(stage.send(ben, fromTwo, 1))).toBe(Rejection.REJECTION_BAD_EVENT);
    expect(code(stage.say(ben, 'hi', { bodyHash: bytesOf('else') }))).toBe(Rejection.REJECTION_BAD_EVENT);
    const doubled = stage.event(ben, noBytes);
    const header = new Uint8Array([...doubled.event!.header, 0x10, 2]);
    expect(code(stage.send(ben, { ...doubled, event: { header, body: noBytes } }))).toBe(Rejection.REJECTION_BAD_EVENT);
  });

  it('BAD_REQUEST without an event or for another room than the one asked', () => {
    const stage = group();
    const submit = stage.event(ben, noBytes);
    expect(code(stage.send(ben, { ...submit, event: undefined }))).toBe(Rejection.REJECTION_BAD_REQUEST);
    expect(code(stage.send(ben, { ...submit, room: '!x' }))).toBe(Rejection.REJECTION_BAD_REQUEST);
  });

  it('TOO_LARGE over 48 KiB, and taken at 48 KiB', () => {
    const stage = group();
    expect(code(stage.say(ben, 'x'.repeat(protocol.bodyBytesMax)))).toBe('accepted');
    expect(code(stage.say(ben, 'x'.repeat(protocol.bodyBytesMax + 1)))).toBe(Rejection.REJECTION_TOO_LARGE);
  });

  it('UNSUPPORTED for kinds and algorithms of a later version', () => {
    const stage = group();
    expect(code(stage.say(ben, 'x', { kind: 9 as EventKind }))).toBe(Rejection.REJECTION_UNSUPPORTED);
    expect(code(stage.say(ben, 'x', { algorithm: 7 as Algorithm }))).toBe(Rejection.REJECTION_UNSUPPORTED);
  });

  it('UNSUPPORTED for a body that is to go early: no hub sweeps yet', () => {
    const stage = group();
    expect(code(stage.say(ben, 'x', { expiryDay: 20_000 }))).toBe(Rejection.REJECTION_UNSUPPORTED);
    expect(code(stage.say(ben, 'x', { expiryDay: 0 }))).toBe('accepted');
  });

  it('STALE_STATE with the head when it knows less than the last removal', () => {
    const stage = group();
    stage.join(ada, cid);
    const before = { number: stage.state.chain!.number, hash: stage.state.chain!.hash };
    stage.mustAccept(stage.control(ada, { kind: ControlKind.CONTROL_KIND_REMOVE, target: 3 }));
    const refused = stage.say(ben, 'to cid too', { control: before });
    expect(refused.answers[0]?.body).toMatchObject({
      value: { code: Rejection.REJECTION_STALE_STATE, control: { number: 6, hash: stage.state.chain!.hash } },
    });
    const next = { number: 6, hash: stage.state.chain!.hash };
    stage.invite(ada, makeActor('@dan:lux.example'));
    expect(code(stage.say(ben, 'an invitation later', { control: next }))).toBe('accepted');
    expect(code(stage.say(ben, 'from the future', { control: { number: 99, hash: bytesOf('x') } }))).toBe(
      Rejection.REJECTION_STALE_STATE,
    );
  });

  it('BAD_EVENT when it names another hash for an entry since the last removal, newest or not, also after a restart', () => {
    const stage = group();
    const numbers = () => [1, 2, 3, 4].map((number) => ({ number, hash: bytesOf('invented') }));
    stage.invite(ada, cid);
    for (const _start of [1, 2]) {
      for (const control of numbers()) {
        expect(code(stage.say(ben, 'freezes the others', { control }))).toBe(Rejection.REJECTION_BAD_EVENT);
      }
      for (const { number } of numbers()) {
        const control = { number, hash: stage.state.controlHash(number)! };
        expect(code(stage.say(ben, 'a little behind', { control }))).toBe('accepted');
      }
      stage.passivate();
    }
  });

  it('STALE_STATE for an entry that has a place and is not covered, unless it is the newest', () => {
    const stage = group();
    stage.covers = false;
    const dan = makeActor('@dan:lux.example');
    for (const [target, newcomer] of [
      [3, cid],
      [4, dan],
    ] as const) {
      const wish = {
        kind: ControlKind.CONTROL_KIND_INVITE,
        target,
        role: Role.ROLE_MEMBER,
        person: newcomer.commitment,
      };
      stage.control(ada, wish, { person: newcomer.person(target) });
    }
    const { number, hash } = stage.state.chainAhead!;
    expect(number).toBe(stage.state.chain!.number + 2);
    const between = { number: number - 1, hash: bytesOf('not shown to anyone yet') };
    stage.say(ben, 'too quick', { control: between });
    stage.say(ben, 'in step', { control: { number, hash } });
    const stale = Rejection.REJECTION_STALE_STATE;
    expect(stage.cover().answers.map(({ body }) => codeOf(body))).toEqual(['accepted', 'accepted', stale, 'accepted']);
  });

  it('FORBIDDEN below the role that may post', () => {
    const stage = Stage.group(ada, testPrimitives, { policy: { postRole: Role.ROLE_MODERATOR } });
    stage.join(ada, ben);
    expect(code(stage.say(ben))).toBe(Rejection.REJECTION_FORBIDDEN);
    expect(code(stage.say(ada))).toBe('accepted');
  });

  it('SUSPENDED after the identity moved, until an admin signs the new one in; leaving is not refused for that', () => {
    const stage = group();
    const again = makeActor('@ben:lux.example', 2);
    const moved = { user: ben.user, fingerprint: again.master.publicKey, head: { version: 1, hash: bytesOf('m') } };
    const notices = stage.tell({ kind: 'identityMoved', ...moved }).effects.filter(({ kind }) => kind === 'send');
    expect(notices).toContainEqual({
      kind: 'send',
      to: `user/${ada.user}`,
      message: { kind: 'manifestMoved', user: ben.user, head: moved.head },
    });
    expect(code(stage.say(ben))).toBe(Rejection.REJECTION_SUSPENDED);
    stage.crash();
    stage.fetch(ada);
    expect(code(stage.say(ben))).toBe(Rejection.REJECTION_SUSPENDED);
    expect(code(stage.control(again, { kind: ControlKind.CONTROL_KIND_INVITE, target: 3 }))).toBe(
      Rejection.REJECTION_SUSPENDED,
    );
    // Signed with the old key, which the chain still commits to.
    const fork = group();
    fork.tell({ kind: 'identityMoved', ...moved });
    expect(code(fork.control(ben, { kind: ControlKind.CONTROL_KIND_LEAVE, target: 2 }))).toBe('accepted');
    const identity = { kind: ControlKind.CONTROL_KIND_IDENTITY, target: 2, person: again.commitment };
    stage.mustAccept(stage.control(ada, identity, { person: again.person(2) }));
    expect(code(stage.say(again))).toBe('accepted');
    stage.crash();
    stage.fetch(ada);
    expect(code(stage.say(again))).toBe('accepted');
  });
});

describe('send ids', () => {
  it('give a repeat its first answer: at once, while it waits, and from the log', () => {
    const stage = Stage.group(ada, testPrimitives, { limits: { ringRecordsMax: 1 } });
    const submit = stage.event(ada, bytesOf('a'));
    const first = stage.send(ada, submit).answers[0]?.body;
    expect(stage.send(ada, submit).answers[0]?.body).toEqual(first);
    stage.say(ada, 'b');
    expect(stage.state.ring.get(2)).toBe(undefined);
    expect(stage.send(ada, submit).answers[0]?.body).toEqual(first);
    stage.covers = false;
    const late = stage.event(ada, bytesOf('c'));
    expect(stage.send(ada, late).answers).toEqual([]);
    expect(stage.send(ada, late).answers).toEqual([]);
    const covered = stage.cover();
    expect(covered.answers).toHaveLength(2);
    expect(covered.answers[0]?.body).toEqual(covered.answers[1]?.body);
    expect(stage.log.rows).toHaveLength(4);
  });

  it('are remembered for 128 of them, across a crash and a passivation', () => {
    const stage = Stage.group(ada, testPrimitives);
    const submits = Array.from({ length: 129 }, (_, index) => stage.event(ada, bytesOf(`${index}`)));
    for (const submit of submits) stage.mustAccept(stage.send(ada, submit));
    const check = () => {
      expect(code(stage.send(ada, submits[1]!))).toBe('accepted');
      expect(code(stage.send(ada, submits[0]!))).toBe(Rejection.REJECTION_TOO_OLD);
    };
    check();
    stage.crash();
    check();
    stage.kept(ada, 1);
    stage.passivate();
    check();
    expect(stage.log.rows).toHaveLength(130);
  });

  it('refuse another event under a used id', () => {
    const stage = Stage.group(ada, testPrimitives);
    stage.say(ada, 'a', { sendId: 7 });
    expect(code(stage.say(ada, 'b', { sendId: 7 }))).toBe(Rejection.REJECTION_ID_REUSED);
    expect(code(stage.say(ada, 'c', { sendId: 6 }))).toBe(Rejection.REJECTION_TOO_OLD);
    expect(code(stage.say(ada, 'c', { sendId: 6, device: 2 }))).toBe('accepted');
  });

  it('tell a repeat whose record has expired TOO_OLD', () => {
    const stage = Stage.group(ada, testPrimitives, { limits: { ringRecordsMax: 1 } });
    const submit = stage.event(ada, bytesOf('a'));
    stage.send(ada, submit);
    stage.say(ada);
    stage.log.floor = 3;
    expect(code(stage.send(ada, submit))).toBe(Rejection.REJECTION_TOO_OLD);
  });
});

describe('a place', () => {
  it('has a stamp that never goes back, a running count and the hash of the one before', () => {
    const stage = Stage.group(ada, testPrimitives);
    stage.now += 5000;
    stage.say(ada, 'a');
    stage.now -= 3000;
    stage.say(ada, 'b', { counts: false });
    stage.say(ada, 'c');
    const page = stage.fetch(ada).answers[0]?.body;
    if (page?.$case !== 'recordPage') throw new Error('no page');
    const stamps = page.value.records.map(({ stamp }) => Stamp.decode(stamp));
    expect(stamps.map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
    expect(stamps.map(({ count }) => count)).toEqual([0, 1, 1, 2]);
    expect(stamps[2]?.acceptedMs).toBe(stamps[1]?.acceptedMs);
    const [first] = page.value.records;
    expect(stamps[1]?.previousHash).toEqual(recordHash(first!.stamp, first!.header, testPrimitives));
  });

  it('is not given while the head is more than a minute ahead of the clock, and expires in order until then', () => {
    const stage = group();
    const { clockBehindMaxMs, retentionMs } = stage.options.limits;
    const first = stage.event(ben, bytesOf('x'));
    expect(code(stage.send(ben, first))).toBe('accepted');
    const startMs = stage.now;
    stage.now = startMs - clockBehindMaxMs;
    expect(code(stage.say(ben))).toBe('accepted');
    stage.now -= 1;
    const refused = stage.say(ben);
    expect(code(refused)).toBe(Rejection.REJECTION_UNAVAILABLE);
    expect(refused.effects).toContainEqual({ kind: 'count', counter: 'room.clock.behind', by: 1 });
    // What has its place keeps its answer.
    expect(code(stage.send(ben, first))).toBe('accepted');
    const ends = stage.log.commands.flatMap((command) =>
      command.kind === 'append' ? command.rows.map(({ expiresMs }) => expiresMs) : [],
    );
    expect(ends.at(-1)).toBe(startMs + retentionMs);
    expect([...ends].sort((a, b) => a - b)).toEqual(ends);
  });

  it('is acked, shown and counted only when it is covered; an uncovered one may be lost', () => {
    const stage = group();
    stage.covers = false;
    const seen = stage.say(ada, 'not yet');
    expect(seen.answers).toEqual([]);
    expect(seen.pushed).toEqual([]);
    expect(stage.fetch(ben).answers[0]?.body).toMatchObject({ value: { headSeq: 3 } });
    stage.crash(false);
    expect(stage.fetch(ben).answers[0]?.body).toMatchObject({ value: { headSeq: 3 } });
    stage.say(ada, 'again');
    expect(stage.fetch(ben).answers[0]?.body).toMatchObject({ value: { headSeq: 4 } });
  });

  it('is found again after a crash between append and cover, and a repeat gets its answer', () => {
    const stage = group();
    stage.covers = false;
    const submit = stage.event(ben, bytesOf('b'));
    stage.send(ben, submit);
    stage.crash(true);
    expect(stage.send(ben, submit).answers[0]?.body).toMatchObject({ $case: 'accepted', value: { seq: 4 } });
    expect(stage.log.rows).toHaveLength(4);
  });
});

describe('an id whose record was lost', () => {
  it('is free again, also when the segment was sealed while the record waited', () => {
    const stage = Stage.group(ada, testPrimitives);
    stage.covers = false;
    const submit = stage.event(ada, bytesOf('b'));
    stage.send(ada, submit);
    stage.log.seal();
    stage.cover(1);
    stage.crash(false);
    stage.fetch(ada);
    expect(stage.log.rows).toHaveLength(1);
    expect(stage.send(ada, submit).answers[0]?.body).toMatchObject({ $case: 'accepted', value: { seq: 2 } });
    expect(stage.log.rows).toHaveLength(2);
  });
});

describe('the two of a 1:1 room', () => {
  it('may both start it at once: it is one room, and the second finds it', () => {
    const stage = Stage.direct(ada, ben, testPrimitives);
    stage.covers = false;
    stage.start(ada, ben);
    expect(stage.start(ben, ada).answers).toEqual([]);
    const answered = stage.cover().answers.map(({ body }) => codeOf(body));
    expect(answered).toEqual(['accepted', Rejection.REJECTION_ROOM_EXISTS]);
    stage.covers = true;
    expect(code(stage.start(ben, ada))).toBe(Rejection.REJECTION_ROOM_EXISTS);
    const read = { room: stage.room, fromControl: 1, slots: false, stateOffset: 0, afterSlot: '' };
    const chain = stage.tell({ kind: 'readRoom', from: stage.from(ben), read }).answers[0]?.body;
    expect(chain).toMatchObject({ $case: 'roomSnapshot', value: { control: [{ seq: 1 }], persons: [{ member: 1 }] } });
    const accept = { kind: ControlKind.CONTROL_KIND_ACCEPT, target: 2, actor: 2, person: ben.commitment };
    stage.mustAccept(stage.control(ben, accept, { person: ben.person(2) }));
    expect(code(stage.say(ben))).toBe('accepted');
    expect(code(stage.start(ben, ada))).toBe(Rejection.REJECTION_ROOM_EXISTS);
    expect(code(stage.start(ada, ben))).toBe(Rejection.REJECTION_ROOM_EXISTS);
  });

  it('are told alike whether the room exists by anyone else', () => {
    const stage = Stage.direct(ada, ben, testPrimitives);
    const probe = () => [code(stage.start(cid, ben)), code(stage.say(cid)), code(stage.fetch(cid))];
    const before = probe();
    stage.mustAccept(stage.start(ada, ben));
    expect(probe()).toEqual(before);
    expect(before).toEqual([
      Rejection.REJECTION_INVALID_CONTROL,
      Rejection.REJECTION_NOT_FOUND,
      Rejection.REJECTION_NOT_FOUND,
    ]);
  });

  it('may come back after leaving', () => {
    const stage = Stage.direct(ada, ben, testPrimitives);
    stage.start(ada, ben);
    stage.join(ada, ben);
    stage.mustAccept(stage.control(ben, { kind: ControlKind.CONTROL_KIND_LEAVE, target: 2 }));
    expect(code(stage.fetch(ben))).toBe(Rejection.REJECTION_NOT_MEMBER);
    stage.mustAccept(stage.control(ben, { kind: ControlKind.CONTROL_KIND_ACCEPT, target: 2 }));
    expect(code(stage.say(ben))).toBe('accepted');
    expect(stage.state.chain?.policy.history).toBe(HistoryFrom.HISTORY_FROM_UNSPECIFIED);
  });
});

describe('what is kept of an event', () => {
  it('is byte for byte what was sent', () => {
    const stage = Stage.group(ada, testPrimitives);
    const submit = stage.event(ada, bytesOf('body'), { kind: EventKind.EVENT_KIND_CONTENT });
    stage.send(ada, submit);
    const page = stage.fetch(ada, { from: 2 }).answers[0]?.body;
    if (page?.$case !== 'recordPage') throw new Error('no page');
    expect(page.value.records[0]?.header).toEqual(submit.event?.header);
    expect(page.value.records[0]?.body).toEqual(submit.event?.body);
    expect(EventHeader.decode(submit.event!.header).member).toBe(1);
  });

  it('does not hold a frame that is mostly something else', () => {
    const stage = Stage.group(ada, testPrimitives);
    const submit = stage.event(ada, bytesOf('body'));
    const { header, body } = submit.event!;
    const frame = new Uint8Array(60_000);
    frame.set(header, 100);
    frame.set(body, 1_000);
    const event = {
      header: frame.subarray(100, 100 + header.length),
      body: frame.subarray(1_000, 1_000 + body.length),
    };
    stage.send(ada, { ...submit, event });
    const { record } = stage.state.ring.get(2)!;
    expect(record.header).toEqual(header);
    expect(record.header.buffer.byteLength + record.body.buffer.byteLength).toBe(header.length + body.length);
  });
});
