// How somebody goes for good from a group that only they lead. What they sign is judged by the rules of the chain; each time they can leave afterwards.
import { beforeEach, describe, expect, it } from 'vitest';
import { ControlKind, MemberStatus, Role } from '#proto/gen/record.ts';
import { type Actor, makeActor } from '#proto/golden/cast.ts';
import { Story } from '#proto/golden/story.ts';
import type { RoomReplica } from '../room/room.ts';
import type { MemberInfo } from '../shown.ts';
import { roomWorld } from '../testing/room-world.ts';
import type { Statement } from './control-author.ts';
import { askedMax, type Farewell, farewellFrom, maySign, prepareFarewell, takenOutMax } from './farewell.ts';

const names = ['ada', 'bob', 'cid', 'dan', 'eve'];
const [ada, bob, cid, dan, eve] = names.map((name) => makeActor(`@${name}:localhost`)) as [
  ...[Actor, Actor, Actor, Actor, Actor],
];
const { ROLE_MEMBER, ROLE_MODERATOR, ROLE_ADMIN, ROLE_OWNER } = Role;
const { CONTROL_KIND_LEAVE, CONTROL_KIND_ROLE, CONTROL_KIND_REMOVE } = ControlKind;

let story: Story;
/** What this device knows besides of some members, by number. */
let known: Map<number, Partial<MemberInfo>>;
/** Users whom the server knows no more. */
let gone: Set<string>;
let asked: string[];
/** In which rooms; empty = by exact id. */
let askedIn: Set<string>;
let signed: Statement[];
/** Done once, before the next entry is signed. */
let meanwhile: () => void;

beforeEach(() => {
  story = Story.group(ada);
  known = new Map();
  gone = new Set();
  asked = [];
  askedIn = new Set();
  signed = [];
  meanwhile = () => {};
});

function room(own: number): RoomReplica {
  const members = () =>
    [...(story.state?.members ?? [])].map(({ number, role, status }) => ({
      ...{ member: number, user: `@${names[number - 1] ?? number}:localhost`, role, status, bot: false, unheard: '' },
      ...known.get(number),
    }));
  return { room: story.room, chain: story, own, members } as unknown as RoomReplica;
}

/** Member `own` prepares, and leaves. */
async function goes(own = 1): Promise<string | undefined> {
  const replica = room(own);
  const control = async (make: (replica: RoomReplica) => Statement | null) => {
    meanwhile();
    meanwhile = () => {};
    const statement = make(replica);
    if (!statement) return;
    signed.push(statement);
    story.do(own, statement as never);
  };
  const isThere = async (user: string, room = '') => {
    askedIn.add(room);
    asked.push(user);
    return !gone.has(user);
  };
  const user = await prepareFarewell({ replica, sender: { control } }, { isThere });
  story.do(own, { kind: CONTROL_KIND_LEAVE, target: own });
  return user;
}

const role = (number: number) => story.state?.members.get(number)?.role;

describe('the only owner of a group', () => {
  it('makes the highest of the others one, of two alike who came first', async () => {
    for (const [newcomer, given] of [
      ...[[bob, ROLE_MEMBER] as const, [cid, ROLE_MODERATOR] as const],
      ...[[dan, ROLE_ADMIN] as const, [eve, ROLE_ADMIN] as const],
    ])
      story.join(1, newcomer, given);
    expect(await goes()).toBe(dan.user);
    expect(signed).toEqual([{ kind: CONTROL_KIND_ROLE, target: 4, role: ROLE_OWNER }]);
    expect([role(4), role(5), story.state?.owners]).toEqual([ROLE_OWNER, ROLE_ADMIN, 1]);
    expect(asked).toEqual([dan.user]);
  });

  it('passes over bots, over who waits for a new identity to be signed in, and over who is gone', async () => {
    story.join(1, bob, ROLE_ADMIN);
    story.join(1, cid, ROLE_ADMIN);
    story.join(1, dan, ROLE_ADMIN);
    story.join(1, eve);
    known.set(2, { bot: true }).set(3, { unheard: 'NOT_SIGNED_IN' });
    gone.add(dan.user);
    expect(await goes()).toBe(eve.user);
    expect(asked).toEqual([dan.user, eve.user]);
  });

  // Whoever could not leave before they were erased stands in the chain as an owner for ever: the last one who was there left it to them.
  it('hands it on where the other owner is gone, and ends it where nobody else is there', async () => {
    story.join(1, bob, ROLE_OWNER);
    story.join(1, cid);
    gone.add(bob.user);
    expect(await goes()).toBe(cid.user);
    expect(asked).toEqual([bob.user, cid.user]);
    story = Story.group(ada);
    story.join(1, bob, ROLE_OWNER);
    story.invite(1, cid);
    signed = [];
    expect(await goes()).toBe(undefined);
    expect(signed).toEqual([{ kind: CONTROL_KIND_REMOVE, target: 3 }]);
  });

  // By exact id it is a question about a stranger, of which there are twenty: who led more groups alone could not even be shown what becomes of them.
  it('asks for who comes after them in the room that they share', async () => {
    story.join(1, bob);
    expect(await goes()).toBe(bob.user);
    expect([...askedIn]).toEqual([story.room]);
  });

  it('makes somebody one who waits, where nobody else is there', async () => {
    story.join(1, bob);
    known.set(2, { unheard: 'IDENTITY_CHANGED' });
    expect(await goes()).toBe(bob.user);
  });

  it('looks anew where the group changes meanwhile', async () => {
    story.join(1, bob, ROLE_ADMIN);
    story.join(1, cid);
    meanwhile = () => story.do(2, { kind: CONTROL_KIND_LEAVE, target: 2 });
    expect(await goes()).toBe(cid.user);
    story = Story.group(ada);
    story.join(1, bob);
    meanwhile = () => story.do(1, { kind: CONTROL_KIND_ROLE, target: 2, role: ROLE_OWNER });
    expect(await goes()).toBe(undefined);
    expect(role(2)).toBe(ROLE_OWNER);
  });

  it('ends a group of bots, invited and erased ones: nobody could sign there any more', async () => {
    story.join(1, bob, ROLE_ADMIN);
    story.join(1, cid);
    story.invite(1, dan);
    known.set(2, { bot: true });
    gone.add(cid.user);
    expect(await goes()).toBe(undefined);
    expect(signed.map(({ kind, target }) => [kind, target])).toEqual([2, 3, 4].map((n) => [CONTROL_KIND_REMOVE, n]));
    expect(story.state?.counted).toBe(0);
  });

  it('leaves whom it may not take out: an owner who is invited leads it on', async () => {
    story.invite(1, bob, ROLE_OWNER);
    story.invite(1, cid);
    await goes();
    expect([...(story.state?.members ?? [])].map(({ status }) => status)).toEqual([
      ...[MemberStatus.MEMBER_STATUS_LEFT, MemberStatus.MEMBER_STATUS_INVITED, MemberStatus.MEMBER_STATUS_REMOVED],
    ]);
  });

  it('takes nobody out whom this device does not know, or when somebody came meanwhile', async () => {
    story.join(1, bob);
    known.set(2, { user: '' });
    await expect(goes()).rejects.toThrow('LAST_OWNER');
    story = Story.group(ada);
    story.invite(1, bob);
    known.clear();
    meanwhile = () => story.do(2, { kind: ControlKind.CONTROL_KIND_ACCEPT, target: 2 });
    await expect(goes()).rejects.toThrow('LAST_OWNER');
    // The same again finds who came.
    expect(await goes()).toBe(bob.user);
  });

  it.each([
    [takenOutMax, takenOutMax],
    [takenOutMax + 1, 0],
  ])('of %d who are invited takes out %d', async (invited, out) => {
    for (let n = 0; n < invited; n++) story.invite(1, makeActor(`@guest${n}:localhost`));
    await goes();
    expect(signed).toHaveLength(out);
  });

  it.each([
    [askedMax - 1, true],
    [askedMax, false],
  ])('where %d are gone finds who is not: %s', async (erased, found) => {
    for (let n = 0; n < erased; n++) {
      const number = story.join(1, makeActor(`@ghost${n}:localhost`), ROLE_ADMIN);
      known.set(number, { user: `@ghost${n}:localhost` });
      gone.add(`@ghost${n}:localhost`);
    }
    known.set(story.join(1, bob), { user: bob.user });
    if (found) expect(await goes()).toBe(bob.user);
    else await expect(goes()).rejects.toThrow('LAST_OWNER');
    expect(asked).toHaveLength(askedMax);
  });
});

describe('whoever does not lead alone', () => {
  it('only leaves: a member, one of two owners, one of two admins of a group without owner', async () => {
    story.join(1, bob, ROLE_OWNER);
    story.join(1, cid, ROLE_ADMIN);
    for (const own of [3, 1]) expect(await goes(own)).toBe(undefined);
    expect(signed).toEqual([]);
    expect(farewellFrom(room(3))).toEqual({ how: 'leave' });
  });

  it('but the last admin of a group without owner hands that on, or nobody could sign there any more', async () => {
    story.join(1, bob, ROLE_ADMIN);
    story.join(2, cid);
    // An owner who started over is an admin's equal once that one signed the new identity in.
    const reborn = makeActor(ada.user, 2);
    story.know(1, reborn);
    story.do(2, { kind: ControlKind.CONTROL_KIND_IDENTITY, target: 1, person: reborn.commitment });
    expect([role(1), story.state?.owners]).toEqual([ROLE_ADMIN, 0]);
    expect(await goes(1)).toBe(undefined);
    expect(await goes(2)).toBe(cid.user);
    expect(signed).toEqual([{ kind: CONTROL_KIND_ROLE, target: 3, role: ROLE_ADMIN }]);
  });

  it('also leaves a 1:1 room as it is', async () => {
    story = Story.direct(ada, bob);
    story.join(1, bob);
    expect(await goes()).toBe(undefined);
    expect(signed).toEqual([]);
  });
});

// Of a frozen group an heir was named before an erasure, and the hand-over was refused then.
describe('a farewell', () => {
  const farewells = [
    { how: 'leave' },
    { how: 'handOver', to: {} as MemberInfo, role: ROLE_OWNER },
    { how: 'end', takenOut: [2] },
  ] as const satisfies Farewell[];

  it.each([
    ['in a room that nothing stops', '', false, true, [true, true, true]],
    ['that the server froze', 'HISTORY_FORKED', false, true, [false, false, false]],
    ["that people's word froze, but by handing over", 'HISTORY_FORKED', true, true, [true, false, true]],
    ['of a device that is not confirmed', '', false, false, [false, false, false]],
  ] as const)('may be signed, or not, %s', (_, frozen, frozenByAuthors, confirmed, expected) => {
    const { room } = roomWorld();
    Object.assign(room.local, { frozen, frozenByAuthors });
    Object.assign(room.ports.parts, { confirmed: () => confirmed });
    expect(farewells.map((farewell) => maySign(room, farewell))).toEqual(expected);
  });
});
