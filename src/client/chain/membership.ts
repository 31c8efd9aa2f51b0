// Who is in a room: starting 1:1 rooms and groups, inviting, accepting, leaving, removing, roles. Each is a signed entry of the room's control
// chain; calling one again when it is true already does nothing.

import { Rejection } from '#proto/gen/codes.ts';
import { ControlKind, HistoryFrom, MemberStatus, type Person, Role } from '#proto/gen/record.ts';
import { equalBytes } from '#proto/rules/bytes/bytes.ts';
import { directRoomId, isUserId, parseUserId } from '#proto/rules/ids.ts';
import { ClientError, countLater, isRejection } from '../errors.ts';
import { Lock } from '../lock.ts';
import type { Parts } from '../parts.ts';
import type { RoomReplica } from '../room/room.ts';
import type { Rooms } from '../room/rooms.ts';
import { describePerson, type Statement } from './control-author.ts';
import { createDirectRoom, createGroupRoom } from './genesis.ts';
import { meetInviter, needInviter } from './inviter.ts';
import { checkSelf } from './room-control.ts';

const { MEMBER_STATUS_INVITED, MEMBER_STATUS_JOINED, MEMBER_STATUS_BANNED } = MemberStatus;
const { MEMBER_STATUS_LEFT, MEMBER_STATUS_DECLINED, MEMBER_STATUS_REMOVED } = MemberStatus;
const present: readonly MemberStatus[] = [MEMBER_STATUS_INVITED, MEMBER_STATUS_JOINED];
const plainPolicy = { inviteRole: 0, slotRole: 0, postRole: 0, membersMax: 0 } as const;

/** Statuses in which a statement about a member is true already. */
const alreadySo: ReadonlyMap<ControlKind, readonly MemberStatus[]> = new Map([
  [ControlKind.CONTROL_KIND_INVITE, present],
  [ControlKind.CONTROL_KIND_ACCEPT, [MEMBER_STATUS_JOINED]],
  [ControlKind.CONTROL_KIND_DECLINE, [MEMBER_STATUS_DECLINED]],
  [ControlKind.CONTROL_KIND_LEAVE, [MEMBER_STATUS_LEFT, MEMBER_STATUS_REMOVED, MEMBER_STATUS_BANNED]],
  [ControlKind.CONTROL_KIND_REMOVE, [MEMBER_STATUS_REMOVED, MEMBER_STATUS_LEFT, MEMBER_STATUS_DECLINED]],
  [ControlKind.CONTROL_KIND_BAN, [MEMBER_STATUS_BANNED]],
]);

/** Membership as this device's user changes it. */
export class Membership {
  #parts: () => Parts;
  #rooms: Rooms;
  readonly #creating = new Lock();

  constructor(parts: () => Parts, rooms: Rooms) {
    this.#parts = parts;
    this.#rooms = rooms;
  }

  /** See Luxchat.startDirect. */
  async startDirect(user: string, given?: Uint8Array): Promise<string> {
    const { user: self, primitives } = this.#parts();
    if (!isUserId(user) || user === self)
      throw new ClientError('BAD_ARGUMENT', 'That is not the Luxchat-ID of someone else.');
    this.#needConfirmed();
    if (given !== undefined) await this.#compare(user, given);
    const room = directRoomId(self, user, primitives);
    const known = this.#rooms.get(room)?.replica.chain.state;
    if (!known) await this.#beginDirect(room, user);
    await this.#reopen(this.#rooms.need(room).replica, user);
    // One that was begun just now was looked up on the way.
    if (known) await this.#rooms.list(room);
    return room;
  }

  async #beginDirect(room: string, user: string): Promise<void> {
    const fingerprint = await this.#fingerprint(user);
    await this.#createDirect(room, user);
    await this.#rooms.list(room);
    const { replica, sender } = this.#rooms.need(room);
    if (!replica.chain.state) await replica.catchUp();
    await sender.control(({ joined, chain }) =>
      joined && chain.memberOf(user) === 0 ? inviteDirect(user, fingerprint) : null,
    );
    // Somebody may have brought themselves in between the two.
    await meetInviter(replica);
    needInviter(replica);
  }

  /** See Luxchat.createGroup; name and invitations are the caller's. */
  async createGroup(historyFromStart: boolean): Promise<string> {
    this.#needConfirmed();
    const { provider } = parseUserId(this.#parts().user) as { provider: string };
    const history = historyFromStart ? HistoryFrom.HISTORY_FROM_START : HistoryFrom.HISTORY_FROM_JOIN;
    const create: Statement = {
      kind: ControlKind.CONTROL_KIND_CREATE,
      target: 1,
      role: Role.ROLE_OWNER,
      policy: { direct: false, history, ...plainPolicy },
      hub: { provider, epoch: 1 },
    };
    const self = await this.#self(1);
    // One after the other: a second call must not take up the genesis of one that is under way.
    const room = await this.#creating.run(() =>
      createGroupRoom(this.#parts(), self, create, (id) => this.#rooms.hold(id).replica),
    );
    await this.#rooms.list(room);
    return room;
  }

  /** See Luxchat.invite. */
  async invite(room: string, user: string, role: Role): Promise<void> {
    if (!isUserId(user)) throw new ClientError('BAD_ARGUMENT', 'That is not a Luxchat-ID.');
    const { sender, replica } = this.#rooms.need(room);
    const fingerprint = await this.#fingerprint(user);
    await readAnew(replica, user, ControlKind.CONTROL_KIND_INVITE);
    await sender.control(({ chain }) => {
      const known = chain.memberOf(user);
      if (isSo(chain.state, known, ControlKind.CONTROL_KIND_INVITE)) return null;
      const target = known || (chain.state?.members.size ?? 0) + 1;
      const given = chain.state?.policy.direct ? Role.ROLE_ADMIN : role;
      const invite = { kind: ControlKind.CONTROL_KIND_INVITE, target, role: given };
      return known ? invite : { ...invite, person: describePerson(user, fingerprint, target) };
    });
  }

  /** ACCEPT, DECLINE or LEAVE of this user. `options`: see Rooms.need. */
  async own(room: string, kind: ControlKind, options: { readonly hidden?: boolean } = {}): Promise<void> {
    const { replica, sender } = this.#rooms.need(room, options);
    if (!replica.chain.state) await replica.catchUp();
    // Who was taken out could not read that in the log: the chain here may still call them joined when they are invited again.
    if (kind === ControlKind.CONTROL_KIND_ACCEPT) await readAnew(replica, this.#parts().user, kind);
    // The chain may have been read before this device knew its own identity.
    if (kind === ControlKind.CONTROL_KIND_ACCEPT) await checkSelf(replica);
    if (kind === ControlKind.CONTROL_KIND_ACCEPT) await meetInviter(replica);
    await sender.control(({ chain }) => {
      const member = chain.memberOf(this.#parts().user);
      if (member === 0) throw new ClientError('UNKNOWN', 'You are not in this room.');
      if (isSo(chain.state, member, kind)) return null;
      if (kind === ControlKind.CONTROL_KIND_ACCEPT) needInviter(replica);
      return { kind, target: member };
    });
    await this.#follow(room);
  }

  /** REMOVE, BAN, UNBAN or ROLE of someone else. */
  async other(room: string, user: string, statement: Omit<Statement, 'target'>): Promise<void> {
    const { sender, replica } = this.#rooms.need(room);
    await readAnew(replica, user, statement.kind);
    await sender.control(({ chain }) => {
      const target = chain.memberOf(user);
      if (target === 0) throw new ClientError('UNKNOWN', 'This person is not in the room.');
      return isSo(chain.state, target, statement.kind) ? null : { ...statement, target };
    });
  }

  async #createDirect(room: string, user: string): Promise<void> {
    const self = this.#parts().user;
    const { provider } = parseUserId(self < user ? self : user) as { provider: string };
    const create: Statement = {
      kind: ControlKind.CONTROL_KIND_CREATE,
      target: 1,
      role: Role.ROLE_ADMIN,
      policy: { direct: true, history: HistoryFrom.HISTORY_FROM_START, ...plainPolicy },
      hub: { provider, epoch: 1 },
    };
    try {
      await createDirectRoom(this.#rooms.hold(room).replica, await this.#self(1), create, user);
    } catch (error) {
      // The other was quicker, or a try before this one got through: it is one room, whoever began it.
      if (!isRejection(error, Rejection.REJECTION_ROOM_EXISTS)) throw error;
    }
  }

  /** A 1:1 room that someone left is opened again: one's own coming back, and an invitation for the other. */
  async #reopen(replica: RoomReplica, user: string): Promise<void> {
    const { user: self, people } = this.#parts();
    if (!replica.joined) await this.#comeBack(replica, people.get(self)?.fingerprint);
    const status = replica.other?.status;
    if (status !== MEMBER_STATUS_LEFT && status !== MEMBER_STATUS_DECLINED) return;
    await this.#needAccount(user);
    await this.invite(replica.room, user, Role.ROLE_ADMIN);
  }

  /** Someone whom this device knows may be erased since: an invitation would wait for ever. */
  async #needAccount(user: string): Promise<void> {
    if (!(await this.#parts().people.isThere(user)))
      throw new ClientError('UNKNOWN', 'There is nobody with this Luxchat-ID any more.');
  }

  async #comeBack(replica: RoomReplica, fingerprint: Uint8Array | undefined): Promise<void> {
    const self = this.#parts().user;
    if (replica.chain.memberOf(self) > 0 || !fingerprint)
      return this.own(replica.room, ControlKind.CONTROL_KIND_ACCEPT);
    // The other made the room and invited nobody: the partner named in its id may bring himself in.
    const person = describePerson(self, fingerprint, 2);
    await meetInviter(replica);
    await this.#rooms.need(replica.room).sender.control(({ chain }) => {
      if (chain.memberOf(self) > 0) return null;
      needInviter(replica);
      return { kind: ControlKind.CONTROL_KIND_ACCEPT, target: 2, person };
    });
    await this.#follow(replica.room);
  }

  /** What the server's list says now. The change itself is done; a list that can't be had now comes with the next session. */
  async #follow(room: string): Promise<void> {
    await this.#rooms.list(room).catch((error) => countLater(this.#parts().count, error));
  }

  /** Does the server show the identity that the person gave by another way? What it shows now counts, also of one who is known here. */
  async #compare(user: string, given: Uint8Array): Promise<void> {
    const { people, count } = this.#parts();
    const isMet = people.get(user) !== undefined;
    await people.refresh([user], '');
    const { fingerprint, changedTo } = await people.person(user);
    if (equalBytes(changedTo.length > 0 ? changedTo : fingerprint, given)) {
      await people.approvals.noteCompared(user, given);
      return;
    }
    count('contact.differs');
    // A lie must not become what is believed from now on.
    if (!isMet) await people.forget(user);
    throw new ClientError(
      'IDENTITY_DIFFERS',
      'The server shows another identity of this person than their link: nothing was started. Ask them for the link again, by another way.',
    );
  }

  #needConfirmed(): void {
    if (!this.#parts().confirmed())
      throw new ClientError('NOT_CONFIRMED', 'Confirm this device from another one first.');
  }

  async #self(member: number): Promise<Person> {
    const { user } = this.#parts();
    return describePerson(user, await this.#fingerprint(user), member);
  }

  async #fingerprint(user: string): Promise<Uint8Array> {
    const { fingerprint, changedTo } = await this.#parts().people.person(user);
    // Neither: the one of before is nobody's any more, the new one may be a server's invention.
    if (changedTo.length > 0)
      throw new ClientError(
        'UNTRUSTED',
        'This person has another identity now: compare it with them, and approve it first.',
      );
    return fingerprint;
  }
}

function inviteDirect(user: string, fingerprint: Uint8Array): Statement {
  const person = describePerson(user, fingerprint, 2);
  return { kind: ControlKind.CONTROL_KIND_INVITE, target: 2, role: Role.ROLE_ADMIN, person };
}

/** That it is so already, so that nothing is to be done, is believed of a chain that was read just now: the one here may be of before the device was away. */
async function readAnew(replica: RoomReplica, user: string, kind: ControlKind): Promise<void> {
  const { state } = replica.chain;
  if (isSo(state, replica.chain.memberOf(user), kind)) await replica.catchUp();
}

function isSo(state: RoomReplica['chain']['state'], member: number, kind: ControlKind): boolean {
  const status = state?.members.get(member)?.status;
  return status !== undefined && (alreadySo.get(kind)?.includes(status) ?? false);
}
