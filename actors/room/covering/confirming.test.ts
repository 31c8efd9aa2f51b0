import { describe, expect, it } from 'vitest';
import type { Effect } from '#actors/kernel/effects.ts';
import { ControlKind } from '#proto/gen/record.ts';
import { makeActor, testPrimitives } from '#proto/golden/cast.ts';
import { Stage } from '../testing/stage.ts';

const ada = makeActor('@ada:lux.example');
const ben = makeActor('@ben:lux.example');

const subscribe = (stage: Stage, user: typeof ada, token: number) =>
  ({ kind: 'subscribe', from: stage.from(user), replyTo: 'session/1' as never, token }) as const;
const confirmed = { kind: 'log', answer: { kind: 'confirmed', token: 0 } } as const;
/** Tokens of those who are answered, and the heads they are told. */
const told = (effects: readonly Effect[]) =>
  effects.flatMap((effect) =>
    effect.kind === 'send' && effect.message.kind === 'subscribedPart'
      ? [[effect.message.token, effect.message.entry?.headSeq]]
      : [],
  );
const questions = (effects: readonly Effect[]) =>
  effects.filter((effect) => effect.kind === 'log' && effect.command.kind === 'confirm').length;

/** Ada's group with Ben; the log answers nothing by itself. */
function room(): Stage {
  const stage = Stage.group(ada, testPrimitives);
  stage.join(ada, ben);
  return stage;
}

describe('a session that asks to be live', () => {
  it("waits until the log says that it is still this room's, and hears the head of then", () => {
    const stage = room();
    expect(stage.actor.receive(subscribe(stage, ada, 1), 0)).toEqual([
      { kind: 'log', command: { kind: 'confirm', token: 0 } },
    ]);
    const waiting = () => stage.actor.kept().find(({ what }) => what === 'confirming')?.count;
    expect(waiting()).toBe(1);
    stage.say(ben);
    expect(told(stage.actor.receive(confirmed, 0))).toEqual([[1, 4]]);
    expect(waiting()).toBe(0);
  });

  it('waits for a question that is asked after it came: one is under way at a time', () => {
    const stage = room();
    stage.actor.receive(subscribe(stage, ada, 1), 0);
    for (const token of [2, 3]) expect(stage.actor.receive(subscribe(stage, ben, token), 0)).toEqual([]);
    const first = stage.actor.receive(confirmed, 0);
    expect(told(first)).toEqual([[1, 3]]);
    expect(questions(first)).toBe(1);
    const second = stage.actor.receive(confirmed, 0);
    expect(told(second)).toEqual([
      [2, 3],
      [3, 3],
    ]);
    expect(questions(second)).toBe(0);
  });

  // What the tests of three replicas found: a node that had been paused, and not heard yet that it was fenced, took devices in at the head of then.
  it('hears nothing of a process that was fenced', () => {
    const stage = room();
    stage.actor.receive(subscribe(stage, ada, 1), 0);
    const effects = stage.actor.receive({ kind: 'log', answer: { kind: 'failed', code: 'FENCED' } }, 0);
    expect(told(effects)).toEqual([]);
    expect(effects.map(({ kind }) => kind)).toEqual(['count', 'stop']);
  });

  it('is not live where its user is put out meanwhile', () => {
    const stage = room();
    stage.actor.receive(subscribe(stage, ben, 1), 0);
    stage.mustAccept(stage.control(ada, { kind: ControlKind.CONTROL_KIND_REMOVE, target: 2 }));
    const effects = stage.actor.receive(confirmed, 0);
    expect(told(effects)).toEqual([[1, undefined]]);
    expect(effects.map(({ kind }) => kind)).toEqual(['send']);
  });
});

// A room that has not kept an erasure names the member for ever: its user actor has stopped telling it.
describe('a user actor that tells of an account', () => {
  const moved = {
    kind: 'identityMoved',
    user: '@cid:lux.example',
    fingerprint: new Uint8Array(0),
    head: { version: 0, hash: new Uint8Array(0) },
  } as const;

  it("hears that the room has kept it, where its user is no member, once the room is known to be this actor's", () => {
    const stage = room();
    expect(stage.actor.receive(moved, 0)).toEqual([{ kind: 'log', command: { kind: 'confirm', token: 0 } }]);
    expect(stage.actor.receive(confirmed, 0)).toMatchObject([{ kind: 'send', message: { kind: 'identityKept' } }]);
  });

  it('hears nothing of a process that was fenced: the user may have come in elsewhere', () => {
    const stage = room();
    stage.actor.receive(moved, 0);
    const effects = stage.actor.receive({ kind: 'log', answer: { kind: 'failed', code: 'FENCED' } }, 0);
    expect(effects.map(({ kind }) => kind)).toEqual(['count', 'stop']);
  });
});
