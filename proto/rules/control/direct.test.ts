// The room of two: whose it is, who gets in, and what it does not know.
import { describe, expect, it } from 'vitest';
import { ControlKind, MemberStatus, Role } from '../../gen/record.ts';
import { makeActor, testPrimitives } from '../../golden/cast.ts';
import { accept, ada, ben, cid, leave } from '../../golden/people.ts';
import { directPolicy, Story } from '../../golden/story.ts';
import { isPair } from './person.ts';

const K = ControlKind;

describe('a 1:1 room', () => {
  it('has the same id for both and is born at the provider of the smaller user id', () => {
    const room = Story.direct(ada, ben).room;
    expect(Story.direct(ben, ada).room).toBe(room);
    expect(room.endsWith(':alpha.lu')).toBe(true);
    expect(isPair(room, ben.user, ada.user, testPrimitives)).toBe(true);
    expect(isPair(room, ada.user, cid.user, testPrimitives)).toBe(false);
    expect(isPair(room, ada.user, ada.user, testPrimitives)).toBe(false);
  });

  it('takes the partner and nobody else', () => {
    const story = Story.direct(ada, ben);
    story.know(2, cid);
    const wish = { kind: K.CONTROL_KIND_INVITE, target: 2, role: Role.ROLE_ADMIN };
    expect(story.attempt(1, { ...wish, person: cid.commitment })).toBe('WRONG_PAIR');
    story.know(2, ben);
    expect(story.attempt(1, { ...wish, role: Role.ROLE_MEMBER, person: ben.commitment })).toBe('WRONG_ROLE');
    story.join(1, ben);
    story.know(3, cid);
    expect(story.attempt(1, { ...wish, target: 3, person: cid.commitment })).toBe('MEMBERS_FULL');
    story.do(2, leave(2));
    expect(story.attempt(1, { ...wish, target: 3, person: cid.commitment })).toBe('DIRECT_FIXED');
  });

  it('lets the partner in who was not invited yet, but no stranger', () => {
    const story = Story.direct(ada, ben);
    story.know(2, cid);
    expect(story.attempt(2, { ...accept(2), person: cid.commitment })).toBe('WRONG_PAIR');
    story.know(2, ben);
    expect(story.attempt(2, { ...accept(2), person: ben.commitment })).toBe(null);
    expect(story.state?.members.get(2)?.role).toBe(Role.ROLE_ADMIN);
  });

  it('is opened again by whoever left or declined, or by a new invitation', () => {
    const story = Story.direct(ada, ben);
    story.invite(1, ben);
    story.do(2, { kind: K.CONTROL_KIND_DECLINE, target: 2 });
    expect(story.attempt(2, accept(2))).toBe(null);
    story.do(1, leave(1));
    expect(story.attempt(2, leave(2))).toBe(null);
    expect(story.attempt(1, accept(1))).toBe(null);
    expect(story.attempt(1, { kind: K.CONTROL_KIND_INVITE, target: 2, role: Role.ROLE_ADMIN })).toBe(null);
    expect(story.attempt(2, accept(2))).toBe(null);
  });

  it.each([
    ['REMOVE', { kind: K.CONTROL_KIND_REMOVE, target: 2 }],
    ['BAN', { kind: K.CONTROL_KIND_BAN, target: 2 }],
    ['UNBAN', { kind: K.CONTROL_KIND_UNBAN, target: 2 }],
    ['ROLE', { kind: K.CONTROL_KIND_ROLE, target: 2, role: Role.ROLE_MEMBER }],
    ['ROLE of oneself', { kind: K.CONTROL_KIND_ROLE, target: 1, role: Role.ROLE_MEMBER }],
    ['POLICY', { kind: K.CONTROL_KIND_POLICY, policy: directPolicy }],
  ])('knows no %s', (_name, wish) => {
    const story = Story.direct(ada, ben);
    story.join(1, ben);
    expect(story.attempt(1, wish)).toBe('DIRECT_FIXED');
  });

  it("takes the partner's word for a new identity", () => {
    const story = Story.direct(ada, ben);
    story.join(1, ben);
    const reborn = makeActor(ben.user, 2);
    story.context.roll.addPerson(reborn.person(2));
    const wish = { kind: K.CONTROL_KIND_IDENTITY, target: 2, person: reborn.commitment };
    expect(story.attempt(2, wish)).toBe('WRONG_TARGET');
    expect(story.attempt(1, wish)).toBe(null);
    expect(story.state?.members.get(2)?.status).toBe(MemberStatus.MEMBER_STATUS_JOINED);
  });
});
