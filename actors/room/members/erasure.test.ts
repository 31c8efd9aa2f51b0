// Who was behind a number is forgotten at the hub: not before nobody needs it, then for good, whatever crashes when.
import { describe, expect, it } from 'vitest';
import { ReadRoom, type RoomSnapshot } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { ControlKind, Role } from '#proto/gen/record.ts';
import { ErasedRow, PersonRow } from '#proto/gen/room.ts';
import { makeActor, testPrimitives } from '#proto/golden/cast.ts';
import { noBytes } from '#proto/rules/bytes/bytes.ts';
import { hashState } from '#proto/rules/control/state.ts';
import type { RoomLimits } from '../limits.ts';
import { codeOf, type Seen, Stage } from '../testing/stage.ts';

const ada = makeActor('@ada:lux.example');
const ben = makeActor('@ben:lux.example');
const cid = makeActor('@cid:lux.example');
const dan = makeActor('@dan:lux.example');
const K = ControlKind;
type User = typeof ada;

/** Ada's group; Ben, an admin, brought Cid in and left. */
function room(limits: Partial<RoomLimits> = {}): Stage {
  const stage = Stage.group(ada, testPrimitives, { limits });
  stage.join(ada, ben, Role.ROLE_ADMIN);
  stage.join(ben, cid);
  stage.mustAccept(stage.control(ben, { kind: K.CONTROL_KIND_LEAVE, target: 2 }));
  stage.kept(ben, 6);
  return stage;
}

function checkpoint(stage: Stage, by: User = ada): void {
  const stateHash = hashState(stage.state.chain!, testPrimitives);
  stage.mustAccept(stage.control(by, { kind: K.CONTROL_KIND_CHECKPOINT, stateHash }));
}

/** The user actor says that the account is erased. */
const erased = (stage: Stage, { user }: User): Seen =>
  stage.tell({ kind: 'identityMoved', user, fingerprint: noBytes, head: { version: 0, hash: noBytes } });

/** Members who have not kept how they stand. */
const owed = (stage: Stage) => stage.state.standings.toRow().map(({ member }) => member);

const confirmed = ({ effects }: Seen) =>
  effects.filter((effect) => effect.kind === 'send' && effect.message.kind === 'identityKept').length;

/** Whom the room still knows: in its memory, and by its state rows after it was put to sleep. */
function known(stage: Stage): { users: string[]; rows: string[] } {
  const users = [1, 2, 3, 4].flatMap((member) => stage.state.people.userOf(member) ?? []);
  stage.passivate();
  const rows = [...stage.log.state].flatMap(([key, { value }]) =>
    value !== null && key.startsWith('person/') ? (PersonRow.decode(value).person?.user ?? []) : [],
  );
  const credentials = [...stage.log.state].filter(
    ([key, { value }]) => value !== null && key.startsWith('credential/2/'),
  );
  stage.fetch(ada);
  return { users: [...users, ...credentials.map(([key]) => key)], rows: [...new Set(rows)].sort() };
}

const all = { users: [ada, ben, cid].map(({ user }) => user), rows: [ada, ben, cid].map(({ user }) => user) };
const withoutBen = { users: [ada.user, cid.user], rows: [ada.user, cid.user] };

describe('a member whose account is erased', () => {
  it('is forgotten once a CHECKPOINT covers all that they signed, and not before', () => {
    const stage = room();
    expect(confirmed(erased(stage, ben))).toBe(1);
    expect(known(stage).rows).toEqual(all.rows);
    checkpoint(stage);
    expect(known(stage)).toEqual(withoutBen);
    expect(confirmed(erased(stage, ben))).toBe(1);
  });

  it('is forgotten at once where one does already', () => {
    const stage = room();
    checkpoint(stage);
    erased(stage, ben);
    expect(known(stage)).toEqual(withoutBen);
  });

  it('is not forgotten by a CHECKPOINT of before they left, of their own, or while they are in', () => {
    const stage = Stage.group(ada, testPrimitives);
    stage.join(ada, ben, Role.ROLE_ADMIN);
    stage.join(ben, cid);
    erased(stage, ben);
    checkpoint(stage);
    expect(known(stage).rows).toEqual(all.rows);
    checkpoint(stage, ben);
    stage.mustAccept(stage.control(ada, { kind: K.CONTROL_KIND_REMOVE, target: 2 }));
    expect(known(stage).rows).toEqual(all.rows);
    checkpoint(stage);
    expect(known(stage)).toEqual(withoutBen);
  });

  // Nobody is there to sign a CHECKPOINT: they were kept for ever.
  it('is not forgotten while an invitation of them is under way, nor while it is open', () => {
    const stage = room();
    checkpoint(stage);
    stage.covers = false;
    stage.control(ada, { kind: K.CONTROL_KIND_INVITE, target: 2, role: Role.ROLE_MEMBER });
    erased(stage, ben);
    expect(stage.state.people.userOf(2)).toBe(ben.user);
    stage.covers = true;
    stage.cover();
    expect(known(stage).users).toContain(ben.user);
    stage.mustAccept(stage.control(ada, { kind: K.CONTROL_KIND_REMOVE, target: 2 }));
    expect(stage.state.people.userOf(2)).toBeUndefined();
  });

  // Seed 285 of the simulator, with processes that are taken over from all the time: the invitation stayed open, and the room was woken for ever to tell
  // nobody of it.
  it('is not brought back, neither before they are forgotten nor after', () => {
    const stage = room();
    const again = () => stage.control(ada, { kind: K.CONTROL_KIND_INVITE, target: 2, role: Role.ROLE_MEMBER });
    erased(stage, ben);
    expect(stage.state.people.userOf(2)).toBe(ben.user);
    expect(again().answers.map(({ body }) => codeOf(body))).toEqual([Rejection.REJECTION_NOT_FOUND]);
    checkpoint(stage);
    expect(stage.state.people.userOf(2)).toBeUndefined();
    expect(again().answers.map(({ body }) => codeOf(body))).toEqual([Rejection.REJECTION_NOT_FOUND]);
  });

  // Seed 3160 of the simulator: the account tells the rooms that it was in, and this one learnt of it later.
  it('is known for one where they were invited when the account was gone already', () => {
    const stage = room();
    const dans = stage.invite(ada, dan);
    const kept = {
      kind: 'standingKept',
      user: dan.user,
      controlNumber: 7,
      fingerprint: noBytes,
      erased: true,
    } as const;
    stage.log.holds = true;
    stage.tell(kept);
    expect(owed(stage)).toContain(dans);
    stage.log.release();
    stage.tell(kept);
    expect(owed(stage)).not.toContain(dans);
    stage.crash();
    stage.fetch(ada);
    stage.mustAccept(stage.control(ada, { kind: K.CONTROL_KIND_REMOVE, target: dans }));
    checkpoint(stage);
    expect(stage.state.people.userOf(dans)).toBeUndefined();
  });

  it('is forgotten at once in a group where nobody is or is invited, and not before', () => {
    const stage = Stage.group(ada, testPrimitives);
    stage.join(ada, ben);
    erased(stage, ada);
    stage.mustAccept(stage.control(ada, { kind: K.CONTROL_KIND_ROLE, target: 2, role: Role.ROLE_OWNER }));
    stage.mustAccept(stage.control(ada, { kind: K.CONTROL_KIND_LEAVE, target: 1 }));
    stage.invite(ben, cid);
    stage.mustAccept(stage.control(ben, { kind: K.CONTROL_KIND_LEAVE, target: 2 }));
    expect([1, 2, 3].map((member) => stage.state.people.userOf(member))).toEqual([ada.user, ben.user, cid.user]);
    stage.mustAccept(stage.control(cid, { kind: K.CONTROL_KIND_DECLINE, target: 3 }));
    // Who is not erased stays known.
    expect([1, 2, 3].map((member) => stage.state.people.userOf(member))).toEqual([undefined, ben.user, cid.user]);
    erased(stage, ben);
    expect(stage.state.people.userOf(2)).toBe(undefined);
    const read = { ...ReadRoom.decode(noBytes), room: stage.room, fromControl: 1 };
    const reads = (user: User) => stage.tell({ kind: 'readRoom', from: stage.from(user), read }).answers[0]?.body;
    expect([ben, cid].map((user) => codeOf(reads(user)))).toEqual([
      Rejection.REJECTION_NOT_FOUND,
      Rejection.REJECTION_NOT_MEMBER,
    ]);
    stage.crash();
    stage.fetch(cid);
    expect([1, 2, 3].map((member) => stage.state.people.userOf(member))).toEqual([undefined, undefined, cid.user]);
  });

  it('is kept in a 1:1 room where nobody is: the other may come back, and follows the chain', () => {
    const stage = Stage.direct(ada, ben, testPrimitives);
    stage.start(ada, ben);
    stage.join(ada, ben);
    stage.mustAccept(stage.control(ada, { kind: K.CONTROL_KIND_LEAVE, target: 1 }));
    stage.mustAccept(stage.control(ben, { kind: K.CONTROL_KIND_LEAVE, target: 2 }));
    erased(stage, ada);
    expect([1, 2].map((member) => stage.state.people.userOf(member))).toEqual([ada.user, ben.user]);
  });

  it.each([true, false])(
    'stays forgotten after a crash, with the rows of the log that name them (uncovered ones kept: %s)',
    (keeps) => {
      const stage = room();
      erased(stage, ben);
      stage.crash(keeps);
      stage.fetch(ada);
      checkpoint(stage);
      stage.crash(keeps);
      stage.fetch(ada);
      expect(stage.state.people.userOf(2)).toBe(undefined);
      expect(known(stage)).toEqual(withoutBen);
      stage.crash(keeps);
      stage.fetch(ada);
      expect(stage.state.people.userOf(2)).toBe(undefined);
      expect(stage.state.people.credentials(2, 1)).toEqual([]);
      expect(codeOf(stage.say(ada).answers[0]?.body)).toBe('accepted');
    },
  );

  // Rows of the log that are newer than the last seal are applied again, whatever was saved since: they name who was in the room.
  it('stays forgotten where that was saved and older rows of the log are applied again', () => {
    const stage = room({ saveAtRows: 1 });
    erased(stage, ben);
    checkpoint(stage);
    expect(stage.log.state.get('erased/2')?.value).toEqual(ErasedRow.encode({ forgotten: true }).finish());
    stage.crash();
    stage.fetch(ada);
    expect([stage.state.people.userOf(2), stage.state.people.credentials(2, 1)]).toEqual([undefined, []]);
    expect(stage.state.people.person(ben.commitment)).toBe(undefined);
    expect(known(stage)).toEqual(withoutBen);
  });

  it('is forgotten although the room crashed between the two', () => {
    const stage = room();
    checkpoint(stage);
    stage.log.holds = true;
    erased(stage, ben);
    stage.log.release();
    stage.crash();
    stage.fetch(ada);
    expect(known(stage)).toEqual(withoutBen);
  });

  // A process that died behind the confirmation left the rows where they were, in a group that nobody ever opens again. Seed 340 of the simulator.
  it('is forgotten on the disk before that is confirmed, however often it is told', () => {
    const stage = room();
    checkpoint(stage);
    stage.passivate();
    stage.fetch(ada);
    const isNamed = () =>
      [...stage.log.state].some(
        ([key, { value }]) =>
          value !== null && key.startsWith('person/') && PersonRow.decode(value).person?.user === ben.user,
      );
    stage.log.holds = true;
    expect(confirmed(erased(stage, ben))).toBe(0);
    stage.log.release();
    stage.log.holds = true;
    expect([confirmed(stage.cover()), confirmed(erased(stage, ben)), isNamed()]).toEqual([0, 0, true]);
    stage.log.release();
    expect([confirmed(stage.cover()), isNamed()]).toEqual([1, false]);
    expect(confirmed(erased(stage, ben))).toBe(1);
    checkpoint(stage);
    stage.crash();
    expect(isNamed()).toBe(false);
  });

  it('is named to nobody any more, and the room goes on', () => {
    const stage = room();
    erased(stage, ben);
    checkpoint(stage);
    const read = { room: stage.room, fromControl: 1, slots: false, stateOffset: 0, afterSlot: '' };
    const [answer] = stage.tell({ kind: 'readRoom', from: stage.from(cid), read }).answers;
    const { control, persons, credentials } = answer!.body!.value as RoomSnapshot;
    expect(control).toHaveLength(7);
    expect(persons.map(({ user }) => user)).toEqual([ada.user, cid.user]);
    expect(credentials.every(({ member }) => member !== 2)).toBe(true);
    stage.join(ada, dan);
    expect(codeOf(stage.say(dan).answers[0]?.body)).toBe('accepted');
    expect(codeOf(stage.fetch(ben).answers[0]?.body)).not.toBe('recordPage');
  });

  it('who never heard how they stand wakes the room for nothing no more', () => {
    const stage = Stage.group(ada, testPrimitives);
    stage.join(ada, ben);
    stage.mustAccept(stage.control(ada, { kind: K.CONTROL_KIND_REMOVE, target: 2 }));
    stage.kept(ada, 1);
    expect(stage.state.standings.size).toBe(1);
    erased(stage, ben);
    checkpoint(stage);
    expect(stage.state.standings.size).toBe(0);
  });

  it('is confirmed once it is durable, saved once, and not while the entry that brings them in is under way', () => {
    const stage = room();
    stage.log.holds = true;
    expect([confirmed(erased(stage, ben)), confirmed(erased(stage, ben))]).toEqual([0, 0]);
    expect(stage.actor.kept().find(({ what }) => what === 'log calls')).toMatchObject({ count: 1 });
    stage.log.release();
    expect(confirmed(stage.cover())).toBe(1);
    const { saves } = stage.state;
    expect(confirmed(erased(stage, ben))).toBe(1);
    expect(confirmed(erased(stage, makeActor('@stranger:lux.example')))).toBe(1);
    expect(stage.state.saves).toBe(saves);
    stage.covers = false;
    stage.invite(ada, dan);
    expect(confirmed(erased(stage, dan))).toBe(0);
    stage.covers = true;
    stage.cover();
    expect(confirmed(erased(stage, dan))).toBe(1);
  });
});
