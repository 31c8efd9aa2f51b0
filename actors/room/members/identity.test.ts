import { describe, expect, it } from 'vitest';
import { Rejection } from '#proto/gen/codes.ts';
import { ControlKind, MemberStatus, Role } from '#proto/gen/record.ts';
import { makeActor, testPrimitives } from '#proto/golden/cast.ts';
import { codeOf, type Seen, Stage } from '../testing/stage.ts';

const ada = makeActor('@ada:lux.example');
const ben = makeActor('@ben:lux.example');
const reborn = makeActor(ada.user, 2);
const invented = makeActor(ada.user, 3);
const code = (seen: Seen) => seen.answers.map(({ body }) => codeOf(body))[0];

/** Ada owns the room, Ben is an admin. */
function room(): Stage {
  const stage = Stage.group(ada, testPrimitives);
  stage.join(ada, ben, Role.ROLE_ADMIN);
  return stage;
}

/** Ben signs an identity of Ada in. */
function vouch(stage: Stage, as: typeof ada): Seen {
  const wish = { kind: ControlKind.CONTROL_KIND_IDENTITY, target: 1, person: as.commitment };
  return stage.control(ben, wish, { person: as.person(1) });
}

describe('a new identity of a member', () => {
  it('is signed in only if its owner published it: else any admin could take the role of an owner, and their voice', () => {
    const stage = room();
    expect(code(vouch(stage, invented))).toBe(Rejection.REJECTION_INVALID_CONTROL);
    expect(stage.state.chain?.members.get(1)?.role).toBe(Role.ROLE_OWNER);
    expect(code(stage.say(ada))).toBe('accepted');
    stage.moved(reborn);
    expect(code(vouch(stage, invented))).toBe(Rejection.REJECTION_INVALID_CONTROL);
    expect(code(vouch(stage, reborn))).toBe('accepted');
    expect(code(stage.say(reborn))).toBe('accepted');
  });

  it('is known after a crash, and can be signed in then', () => {
    const stage = room();
    stage.moved(reborn);
    stage.crash();
    stage.fetch(ada);
    expect(code(vouch(stage, reborn))).toBe('accepted');
  });

  it('that was published while its owner was out is heard with the standing', () => {
    const stage = room();
    stage.mustAccept(stage.control(ben, { kind: ControlKind.CONTROL_KIND_LEAVE, target: 2 }));
    const again = makeActor(ben.user, 2);
    expect(stage.moved(again).effects.map(({ kind }) => kind)).toEqual(['send']);
    stage.mustAccept(stage.control(ada, { kind: ControlKind.CONTROL_KIND_INVITE, target: 2, role: Role.ROLE_MEMBER }));
    const seen = stage.kept(ben, 5, again.master.publicKey);
    expect(seen.effects.map(({ kind }) => kind)).toContain('log');
    const { chain } = stage.state;
    expect(stage.state.statusOf(chain!.members.get(2)!)).toBe(MemberStatus.MEMBER_STATUS_SUSPENDED);
    const wish = { kind: ControlKind.CONTROL_KIND_IDENTITY, target: 2, person: again.commitment };
    expect(code(stage.control(ada, wish, { person: again.person(2) }))).toBe('accepted');
    expect(code(stage.control(again, { kind: ControlKind.CONTROL_KIND_ACCEPT, target: 2 }))).toBe('accepted');
  });

  it('is confirmed once it is durable, so that its user actor may stop telling', () => {
    const stage = room();
    const confirmed = (seen: Seen) =>
      seen.effects.flatMap((effect) =>
        effect.kind === 'send' && effect.message.kind === 'identityKept' ? { ...effect.message, to: effect.to } : [],
      );
    const kept = { kind: 'identityKept', room: stage.room, version: 1, to: `user/${ada.user}` };
    expect(confirmed(stage.moved(ada))).toEqual([kept]);
    expect(confirmed(stage.moved(makeActor('@stranger:lux.example')))).toHaveLength(1);
    stage.log.holds = true;
    expect(confirmed(stage.moved(reborn))).toEqual([]);
    expect(confirmed(stage.moved(reborn))).toEqual([]);
    stage.log.release();
    expect(confirmed(stage.cover())).toEqual([kept]);
    expect(confirmed(stage.moved(reborn))).toEqual([kept]);
  });

  it('is saved once, and a user without one changes nothing', () => {
    const stage = room();
    const { saves } = stage.state;
    stage.kept(ben, 3, ben.master.publicKey);
    stage.kept(ben, 3);
    expect(stage.state.saves).toBe(saves);
    stage.moved(reborn);
    stage.moved(reborn);
    stage.kept(ada, 1, reborn.master.publicKey);
    expect(stage.state.saves).toBe(saves + 1);
  });

  // Each word of a new identity was a call at the log of its own, whatever was under way: one member could pass the bound of them all.
  it('takes one save at a time, however often its owner starts over while the log is slow, and keeps the last word', () => {
    const stage = room();
    const calls = () => stage.actor.kept().find(({ what }) => what === 'log calls')?.count;
    stage.log.holds = true;
    const { saves } = stage.state;
    const last = makeActor(ada.user, 9);
    for (let n = 0; n < 5; n++) stage.moved(n % 2 === 0 ? reborn : invented);
    expect(stage.moved(last).effects).toEqual([]);
    expect([calls(), stage.state.saves - saves]).toEqual([1, 1]);
    stage.log.release();
    stage.cover();
    expect([calls(), stage.state.saves - saves]).toEqual([0, 2]);
    expect(stage.moved(last).effects.map(({ kind }) => kind)).toEqual(['send']);
    stage.crash();
    stage.fetch(ada);
    expect(code(vouch(stage, reborn))).toBe(Rejection.REJECTION_INVALID_CONTROL);
    expect(code(vouch(stage, last))).toBe('accepted');
  });
});
