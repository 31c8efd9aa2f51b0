import { describe, expect, it } from 'vitest';
import { ControlKind, HistoryFrom, MemberStatus, Role } from '../../gen/record.ts';
import { makeActor } from '../../golden/cast.ts';
import { groupPolicy, Story } from '../../golden/story.ts';

const K = ControlKind;
const S = MemberStatus;
const people = Array.from({ length: 14 }, (_, i) => makeActor(`@p${i}:home.lu`));
const [owner, owner2, admin, admin2, moderator, moderator2, member, member2] = people;
const [left, invited, banned, removed, declined, stranger] = people.slice(8);

/** Numbers of the members of the group below. */
const N = { owner: 1, owner2: 2, admin: 3, admin2: 4, moderator: 5, moderator2: 6, member: 7, member2: 8 } as const;
const G = { left: 9, invited: 10, banned: 11, removed: 12, declined: 13, next: 14 } as const;

function everyone(): Story {
  const story = Story.group(owner!);
  story.join(1, owner2!, Role.ROLE_OWNER);
  story.join(1, admin!, Role.ROLE_ADMIN);
  story.join(1, admin2!, Role.ROLE_ADMIN);
  story.join(1, moderator!, Role.ROLE_MODERATOR);
  story.join(1, moderator2!, Role.ROLE_MODERATOR);
  story.join(1, member!);
  story.join(1, member2!);
  story.join(1, left!);
  story.do(G.left, { kind: K.CONTROL_KIND_LEAVE, target: G.left });
  story.invite(1, invited!);
  story.join(1, banned!);
  story.do(1, { kind: K.CONTROL_KIND_BAN, target: G.banned });
  story.join(1, removed!);
  story.do(1, { kind: K.CONTROL_KIND_REMOVE, target: G.removed });
  story.invite(1, declined!);
  story.do(G.declined, { kind: K.CONTROL_KIND_DECLINE, target: G.declined });
  story.know(G.next, stranger!);
  return story;
}

const group = everyone();
const ok = null;
type Outcome = string | null;
/** One column per actor, in the order of `columns`. */
const columns = [N.owner, N.admin, N.moderator, N.member, G.left, G.invited, G.banned, G.removed, G.declined] as const;
const outside: Outcome[] = Array.from({ length: 5 }, () => 'NO_STANDING');
const low = 'ROLE_TOO_LOW';

const table: readonly [string, (actor: number) => Parameters<Story['attempt']>[1], readonly Outcome[]][] = [
  ['INVITE someone new', () => invite(G.next, Role.ROLE_MEMBER, stranger!.commitment), [ok, ok, ok, ok, ...outside]],
  [
    'INVITE a new moderator',
    () => invite(G.next, Role.ROLE_MODERATOR, stranger!.commitment),
    [ok, ok, 'WRONG_ROLE', 'WRONG_ROLE', ...outside],
  ],
  [
    'INVITE a new admin',
    () => invite(G.next, Role.ROLE_ADMIN, stranger!.commitment),
    [ok, 'WRONG_ROLE', 'WRONG_ROLE', 'WRONG_ROLE', ...outside],
  ],
  [
    'INVITE a new owner',
    () => invite(G.next, Role.ROLE_OWNER, stranger!.commitment),
    [ok, 'WRONG_ROLE', 'WRONG_ROLE', 'WRONG_ROLE', ...outside],
  ],
  [
    'INVITE under a later number',
    () => invite(G.next + 1, Role.ROLE_MEMBER, stranger!.commitment),
    [...fill('WRONG_TARGET'), ...outside],
  ],
  ['INVITE one who left', () => invite(G.left, Role.ROLE_MEMBER), [ok, ok, ok, ok, ...outside]],
  ['INVITE one who was removed', () => invite(G.removed, Role.ROLE_MEMBER), [ok, ok, ok, ok, ...outside]],
  ['INVITE one who declined', () => invite(G.declined, Role.ROLE_MEMBER), [ok, ok, ok, ok, ...outside]],
  ['INVITE one who is invited', () => invite(G.invited, Role.ROLE_MEMBER), [...fill('WRONG_STATUS'), ...outside]],
  ['INVITE one who is banned', () => invite(G.banned, Role.ROLE_MEMBER), [...fill('WRONG_STATUS'), ...outside]],
  ['INVITE one who is joined', () => invite(N.member2, Role.ROLE_MEMBER), [...fill('WRONG_STATUS'), ...outside]],
  [
    'INVITE a known number as someone else',
    () => invite(G.left, Role.ROLE_MEMBER, stranger!.commitment),
    [...fill('WRONG_TARGET'), ...outside],
  ],
  [
    'ACCEPT',
    (actor) => own(K.CONTROL_KIND_ACCEPT, actor),
    [...fill('NO_STANDING'), 'NO_STANDING', ok, ...fill('NO_STANDING', 3)],
  ],
  [
    'DECLINE',
    (actor) => own(K.CONTROL_KIND_DECLINE, actor),
    [...fill('NO_STANDING'), 'NO_STANDING', ok, ...fill('NO_STANDING', 3)],
  ],
  ['LEAVE', (actor) => own(K.CONTROL_KIND_LEAVE, actor), [ok, ok, ok, ok, ...outside]],
  ['REMOVE a member', () => at(K.CONTROL_KIND_REMOVE, N.member2), [ok, ok, ok, low, ...outside]],
  ['REMOVE a moderator', () => at(K.CONTROL_KIND_REMOVE, N.moderator2), [ok, ok, low, low, ...outside]],
  ['REMOVE an admin', () => at(K.CONTROL_KIND_REMOVE, N.admin2), [ok, low, low, low, ...outside]],
  ['REMOVE an owner', () => at(K.CONTROL_KIND_REMOVE, N.owner2), [low, low, low, low, ...outside]],
  ['REMOVE an invited', () => at(K.CONTROL_KIND_REMOVE, G.invited), [ok, ok, ok, low, ...outside]],
  ['REMOVE one who left', () => at(K.CONTROL_KIND_REMOVE, G.left), [...fill('WRONG_STATUS', 3), low, ...outside]],
  ['REMOVE nobody', () => at(K.CONTROL_KIND_REMOVE, 99), [...fill('WRONG_TARGET'), ...outside]],
  ['BAN a member', () => at(K.CONTROL_KIND_BAN, N.member2), [ok, ok, ok, low, ...outside]],
  ['BAN an admin', () => at(K.CONTROL_KIND_BAN, N.admin2), [ok, low, low, low, ...outside]],
  ['BAN an owner', () => at(K.CONTROL_KIND_BAN, N.owner2), [low, low, low, low, ...outside]],
  ['BAN one who left', () => at(K.CONTROL_KIND_BAN, G.left), [ok, ok, ok, low, ...outside]],
  ['BAN the banned', () => at(K.CONTROL_KIND_BAN, G.banned), [...fill('WRONG_STATUS', 3), low, ...outside]],
  ['UNBAN the banned', () => at(K.CONTROL_KIND_UNBAN, G.banned), [ok, ok, ok, low, ...outside]],
  ['UNBAN a member', () => at(K.CONTROL_KIND_UNBAN, N.member2), [...fill('WRONG_STATUS', 3), low, ...outside]],
  ['ROLE: a member becomes moderator', () => role(N.member2, Role.ROLE_MODERATOR), [ok, ok, low, low, ...outside]],
  ['ROLE: a member becomes admin', () => role(N.member2, Role.ROLE_ADMIN), [ok, low, low, low, ...outside]],
  ['ROLE: a member becomes owner', () => role(N.member2, Role.ROLE_OWNER), [ok, low, low, low, ...outside]],
  ['ROLE: a moderator becomes member', () => role(N.moderator2, Role.ROLE_MEMBER), [ok, ok, low, low, ...outside]],
  ['ROLE: an admin becomes member', () => role(N.admin2, Role.ROLE_MEMBER), [ok, low, low, low, ...outside]],
  ['ROLE: an owner becomes member', () => role(N.owner2, Role.ROLE_MEMBER), [low, low, low, low, ...outside]],
  ['ROLE: a member stays member', () => role(N.member2, Role.ROLE_MEMBER), [...fill('WRONG_ROLE', 3), low, ...outside]],
  ['ROLE: oneself becomes owner', (actor) => role(actor, Role.ROLE_OWNER), [...fill('WRONG_ROLE'), ...outside]],
  ['ROLE: oneself becomes member', (actor) => role(actor, Role.ROLE_MEMBER), [ok, ok, ok, 'WRONG_ROLE', ...outside]],
  [
    'ROLE: one who left becomes moderator',
    () => role(G.left, Role.ROLE_MODERATOR),
    [...fill('WRONG_STATUS', 3), low, ...outside],
  ],
  ['POLICY', () => ({ kind: K.CONTROL_KIND_POLICY, policy: groupPolicy }), [ok, ok, low, low, ...outside]],
  [
    'HUB',
    () => ({ kind: K.CONTROL_KIND_HUB, hub: { provider: 'other.lu', epoch: 2 } }),
    [ok, low, low, low, ...outside],
  ],
  ['IDENTITY of a member', () => renew(N.member2, member2!.user), [ok, ok, low, low, ...outside]],
  ['IDENTITY of an owner', () => renew(N.owner2, owner2!.user), [ok, ok, low, low, ...outside]],
  ['IDENTITY of an invited', () => renew(G.invited, invited!.user), [ok, ok, low, low, ...outside]],
  ['IDENTITY of one who left', () => renew(G.left, left!.user), [...fill('WRONG_STATUS', 2), low, low, ...outside]],
  ['CREATE again', () => ({ kind: K.CONTROL_KIND_CREATE }), fill('MALFORMED', 9)],
];

function fill(outcome: Outcome, times = 4): Outcome[] {
  return Array.from({ length: times }, () => outcome);
}
function invite(target: number, given: Role, person?: Uint8Array) {
  return { kind: K.CONTROL_KIND_INVITE, target, role: given, ...(person === undefined ? {} : { person }) };
}
function own(kind: ControlKind, actor: number) {
  return { kind, target: actor };
}
function at(kind: ControlKind, target: number) {
  return { kind, target };
}
function role(target: number, given: Role) {
  return { kind: K.CONTROL_KIND_ROLE, target, role: given };
}
function renew(target: number, user: string) {
  return { kind: K.CONTROL_KIND_IDENTITY, target, person: makeActor(user, 2).commitment };
}

describe('what each role may do in a group', () => {
  for (const [name, wish, outcomes] of table) {
    it(name, () => {
      const found = columns.map((actor) => {
        const story = group.fork();
        for (const user of [member2!.user, owner2!.user, invited!.user, left!.user]) {
          story.context.roll.addPerson({ ...makeActor(user, 2).person(0) });
        }
        return story.attempt(actor, wish(actor));
      });
      expect(found).toEqual(outcomes);
    });
  }
});

describe('the consequences of an entry', () => {
  const status = (story: Story, number: number) => story.state?.members.get(number)?.status;

  it('a removal closes the stay, takes the role and is remembered as the last removal', () => {
    const story = group.fork();
    const state = story.do(N.owner, at(K.CONTROL_KIND_REMOVE, N.admin));
    const target = state.members.get(N.admin)!;
    expect([target.status, target.role, target.changed]).toEqual([
      S.MEMBER_STATUS_REMOVED,
      Role.ROLE_MEMBER,
      state.number,
    ]);
    expect(target.stays.at(-1)?.through).toBe(story.seq);
    expect(state.lastRemoval).toBe(state.number);
  });

  it('an invitation and a role are no removal', () => {
    const story = group.fork();
    const before = story.state!.lastRemoval;
    story.invite(N.owner, stranger!);
    expect(story.do(N.owner, role(N.member, Role.ROLE_MODERATOR)).lastRemoval).toBe(before);
  });

  it('who is unbanned counts as removed and may be invited again', () => {
    const story = group.fork();
    story.do(N.moderator, at(K.CONTROL_KIND_UNBAN, G.banned));
    expect(status(story, G.banned)).toBe(S.MEMBER_STATUS_REMOVED);
    story.do(N.member, invite(G.banned, Role.ROLE_MEMBER));
    expect(status(story, G.banned)).toBe(S.MEMBER_STATUS_INVITED);
  });

  it('an identity vouched for by an admin keeps no role above the admin', () => {
    const story = group.fork();
    story.context.roll.addPerson(makeActor(owner2!.user, 2).person(N.owner2));
    const state = story.do(N.admin, renew(N.owner2, owner2!.user));
    const target = state.members.get(N.owner2)!;
    expect([target.role, target.status]).toEqual([Role.ROLE_ADMIN, S.MEMBER_STATUS_JOINED]);
    expect([state.owners, state.lastRemoval]).toEqual([1, state.number]);
  });

  it('a new identity of another user is refused', () => {
    const story = group.fork();
    const other = makeActor('@someone-else:home.lu');
    story.context.roll.addPerson(other.person(N.member));
    const wish = { kind: K.CONTROL_KIND_IDENTITY, target: N.member, person: other.commitment };
    expect(story.attempt(N.owner, wish)).toBe('WRONG_PERSON');
  });

  it('the old identity can sign nothing any more, the new one can', () => {
    const story = group.fork();
    const reborn = makeActor(member!.user, 2);
    story.context.roll.addPerson(reborn.person(N.member));
    story.do(N.owner, renew(N.member, member!.user));
    expect(story.attempt(N.member, own(K.CONTROL_KIND_LEAVE, N.member))).toBe('WRONG_CREDENTIAL');
    story.know(N.member, reborn);
    expect(story.attempt(N.member, own(K.CONTROL_KIND_LEAVE, N.member))).toBe(null);
  });
});

describe('owners', () => {
  it('the last one can neither leave nor step down while others are joined', () => {
    const story = Story.group(owner!);
    story.join(1, admin!, Role.ROLE_ADMIN);
    expect(story.attempt(1, own(K.CONTROL_KIND_LEAVE, 1))).toBe('LAST_OWNER');
    expect(story.attempt(1, role(1, Role.ROLE_MEMBER))).toBe('LAST_OWNER');
    story.do(1, role(2, Role.ROLE_OWNER));
    expect(story.attempt(1, own(K.CONTROL_KIND_LEAVE, 1))).toBe(null);
  });

  it('the last member of all may leave', () => {
    const story = Story.group(owner!);
    story.invite(1, member!);
    expect(story.attempt(1, own(K.CONTROL_KIND_LEAVE, 1))).toBe(null);
    expect(story.state?.joined).toBe(0);
  });

  it('where none is joined an admin may make admins, but no owner', () => {
    const story = Story.group(owner!);
    story.join(1, admin!, Role.ROLE_ADMIN);
    story.join(1, member!);
    story.context.roll.addPerson(makeActor(owner!.user, 2).person(1));
    story.do(2, renew(1, owner!.user));
    expect(story.state?.owners).toBe(0);
    expect(story.attempt(2, role(3, Role.ROLE_OWNER))).toBe('ROLE_TOO_LOW');
    expect(story.attempt(2, role(3, Role.ROLE_ADMIN))).toBe(null);
    expect(story.attempt(2, { kind: K.CONTROL_KIND_HUB, hub: { provider: 'next.lu', epoch: 2 } })).toBe(null);
  });
});

describe('policies', () => {
  it('members_max counts invited and joined, at n and n + 1', () => {
    const story = Story.group(owner!, { ...groupPolicy, membersMax: 3 });
    story.invite(1, admin!);
    story.join(1, member!);
    story.know(4, member2!);
    expect(story.attempt(1, invite(4, Role.ROLE_MEMBER, member2!.commitment))).toBe('MEMBERS_FULL');
    story.do(2, own(K.CONTROL_KIND_DECLINE, 2));
    expect(story.attempt(1, invite(4, Role.ROLE_MEMBER, member2!.commitment))).toBe(null);
  });

  it.each([
    [{ membersMax: 1 }, 'BAD_POLICY'],
    [{ membersMax: 2 }, null],
    [{ membersMax: 10_000 }, null],
    [{ membersMax: 10_001 }, 'BAD_POLICY'],
    [{ direct: true }, 'BAD_POLICY'],
    [{ history: 3 as HistoryFrom }, 'BAD_POLICY'],
    [{ postRole: 5 as Role }, 'BAD_POLICY'],
    [{ inviteRole: Role.ROLE_ADMIN }, null],
  ])('%j gives %s', (change, outcome) => {
    const wish = { kind: K.CONTROL_KIND_POLICY, policy: { ...groupPolicy, ...change } };
    expect(group.fork().attempt(N.owner, wish)).toBe(outcome);
  });

  it('invite_role keeps lower roles from inviting', () => {
    const story = group.fork();
    story.do(N.admin, { kind: K.CONTROL_KIND_POLICY, policy: { ...groupPolicy, inviteRole: Role.ROLE_ADMIN } });
    const wish = invite(G.next, Role.ROLE_MEMBER, stranger!.commitment);
    expect(story.fork().attempt(N.moderator, wish)).toBe('ROLE_TOO_LOW');
    expect(story.fork().attempt(N.admin, wish)).toBe(null);
  });

  it('a wider history binds later newcomers only', () => {
    const story = Story.group(owner!);
    const early = story.join(1, member!);
    const joinSeq = story.seq;
    story.do(1, { kind: K.CONTROL_KIND_POLICY, policy: { ...groupPolicy, history: HistoryFrom.HISTORY_FROM_START } });
    const late = story.join(1, member2!);
    expect(story.state?.members.get(early)?.stays).toEqual([{ from: joinSeq, through: 0 }]);
    expect(story.state?.members.get(late)?.stays).toEqual([{ from: 1, through: 0 }]);
  });
});
