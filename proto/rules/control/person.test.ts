// Who a member number belongs to: one person, known when brought in, suspended while another identity is shown for them.
import { describe, expect, it } from 'vitest';
import { ControlKind, MemberStatus, Role } from '../../gen/record.ts';
import { bytesOf, makeActor } from '../../golden/cast.ts';
import { ada, ben, inviteBen, leave } from '../../golden/people.ts';
import { Story } from '../../golden/story.ts';
import { checkPerson } from './person.ts';
import { standing } from './state.ts';

const K = ControlKind;

const pair = () => Story.acquainted(ada, ben);

describe('a person', () => {
  it('gets one number, whatever salt and identity', () => {
    const story = pair();
    story.join(1, ben);
    const again = { ...ben.person(3), salt: bytesOf('fresh salt', 16) };
    story.context.roll.addPerson(again);
    const third = makeActor(ben.user, 2);
    story.know(3, third);
    const wish = { kind: K.CONTROL_KIND_INVITE, target: 3, role: Role.ROLE_MEMBER, person: third.commitment };
    expect(story.attempt(1, wish)).toBe('SECOND_NUMBER');
  });

  // The room's engineer found it: with one Person known of a user, its commitment passed under a second number.
  it('gets no second number under the very same commitment', () => {
    const story = pair();
    story.join(1, ben);
    const wish = { kind: K.CONTROL_KIND_INVITE, target: 3, role: Role.ROLE_MEMBER, person: ben.commitment };
    expect(story.attempt(1, wish)).toBe('SECOND_NUMBER');
  });

  it('has to be known when it is brought in, and may be erased later', () => {
    const story = Story.group(ada);
    const entry = story.sign(1, inviteBen);
    expect(story.fork().offer(entry).invalid).toBe('MISSING_PERSON');
    expect(story.fork().offer(entry, { fresh: false }).invalid).toBe(undefined);
  });

  it('that arrives after its entry is checked then', () => {
    const story = Story.group(ada);
    story.offer(story.sign(1, inviteBen), { fresh: false });
    story.context.roll.addPerson({ ...ada.person(2), salt: bytesOf('s', 16) });
    const newcomer = { number: 2, commitment: ben.commitment, fresh: true };
    expect(checkPerson(story.state!, newcomer, story.context)).toBe('MISSING_PERSON');
    story.context.roll.addPerson(ben.person(2));
    expect(checkPerson(story.state!, newcomer, story.context)).toBe(null);
  });

  it('is suspended while its fingerprint differs from the committed one', () => {
    const story = pair();
    story.join(1, ben);
    const member = story.state!.members.get(2)!;
    const old = ben.master.publicKey;
    expect(standing(member, old, old)).toBe(MemberStatus.MEMBER_STATUS_JOINED);
    expect(standing(member, old, makeActor(ben.user, 2).master.publicKey)).toBe(MemberStatus.MEMBER_STATUS_SUSPENDED);
    expect(standing(member, old, null)).toBe(MemberStatus.MEMBER_STATUS_JOINED);
    story.do(2, leave(2));
    const gone = story.state!.members.get(2)!;
    expect(standing(gone, old, bytesOf('new'))).toBe(MemberStatus.MEMBER_STATUS_LEFT);
  });
});
