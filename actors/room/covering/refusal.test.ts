// What is refused is judged by what is under way, which a crash may take back: such a refusal must not be shown before that is covered.
import { describe, expect, it } from 'vitest';
import { Rejection } from '#proto/gen/codes.ts';
import { ControlKind, Role } from '#proto/gen/record.ts';
import { makeActor, testPrimitives } from '#proto/golden/cast.ts';
import { codeOf, type Seen, Stage } from '../testing/stage.ts';

const ada = makeActor('@ada:lux.example');
const ben = makeActor('@ben:lux.example');
const cid = makeActor('@cid:lux.example');
const K = ControlKind;
const codes = (seen: Seen) => seen.answers.map(({ body }) => codeOf(body));
const invitation = (target: number, user: typeof ada) => ({
  kind: K.CONTROL_KIND_INVITE,
  target,
  role: Role.ROLE_MEMBER,
  person: user.commitment,
});

/** Ada's invitation of Ben is under way; what she signed beside it is stale. */
function crossing() {
  const stage = Stage.group(ada, testPrimitives);
  const late = stage.entry(ada, invitation(2, cid));
  stage.covers = false;
  stage.control(ada, invitation(2, ben), { person: ben.person(2) });
  return { stage, seen: stage.submitControl(ada, late, { member: 1, person: cid.person(2) }) };
}

describe('a refusal that rests on what is not covered', () => {
  it('waits, and names the head that is covered then', () => {
    // Its story: the answer named the covered head, on which the device had signed already; it signed on it again, and again.
    const { stage, seen } = crossing();
    expect(seen.answers).toEqual([]);
    const { answers } = stage.cover();
    const control = { number: 2, hash: stage.state.chain?.hash };
    expect(answers.map(({ body }) => codeOf(body))).toEqual(['accepted', Rejection.REJECTION_STALE_STATE]);
    expect(answers[1]?.body).toMatchObject({ value: { control } });
  });

  it('is never said when the log is lost with it', () => {
    const { stage } = crossing();
    stage.log.fail();
    const seen = stage.cover(1);
    expect(seen.answers).toEqual([]);
    // The kernel answers UNAVAILABLE to all who wait.
    expect(seen.effects.at(-1)).toEqual({ kind: 'stop' });
  });

  it('of a removed member comes after the removal is there for good', () => {
    const stage = Stage.group(ada, testPrimitives);
    stage.join(ada, ben);
    const said = stage.event(ben, new Uint8Array(3));
    stage.covers = false;
    stage.control(ada, { kind: K.CONTROL_KIND_REMOVE, target: 2 });
    expect(stage.send(ben, said).answers).toEqual([]);
    stage.crash(false);
    // The removal is gone, and so is what was not said yet.
    expect(codes(stage.send(ben, said))).toEqual(['accepted']);
    stage.covers = false;
    stage.control(ada, { kind: K.CONTROL_KIND_REMOVE, target: 2 });
    stage.say(ben);
    expect(codes(stage.cover())).toEqual(['accepted', Rejection.REJECTION_NOT_MEMBER]);
  });

  it('waits for the newest record of then, and not for later ones', () => {
    const { stage } = crossing();
    stage.say(ada);
    expect(codes(stage.cover(2))).toEqual(['accepted', Rejection.REJECTION_STALE_STATE]);
    expect(codes(stage.cover())).toEqual(['accepted']);
  });
});

describe('a refusal that rests on nothing under way', () => {
  it('is said at once: of what the submit is by itself, and to strangers, who never learn how busy a room is', () => {
    const stage = Stage.group(ada, testPrimitives);
    stage.covers = false;
    stage.say(ada);
    expect(codes(stage.send(ada, { ...stage.event(ada, new Uint8Array(3)), event: undefined }))).toEqual([
      Rejection.REJECTION_BAD_REQUEST,
    ]);
    expect(codes(stage.say(ada, 'x'.repeat(49_153)))).toEqual([Rejection.REJECTION_TOO_LARGE]);
    expect(codes(stage.say(cid, 'x', { member: 2 }))).toEqual([Rejection.REJECTION_NOT_FOUND]);
  });
});
