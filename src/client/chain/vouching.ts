// New identities of people whom this user knows, room by room. Once a person approved one, this device signs it in wherever its owner waits for that and this
// user may: the 1:1 room, and groups that this user leads. What another own device, or somebody else with the right, signed in counts without more: in a room
// counts who its chain names. Nothing is signed that no person approved: a server can make up an identity, also of somebody whom this device never met.
// Guarantees: what could not be signed in now is at the next session, since it follows from what is kept.
import { ControlKind, MemberStatus, Role } from '#proto/gen/record.ts';
import { equalBytes, noBytes } from '#proto/rules/bytes/bytes.ts';
import { type Known, shownIdentity } from '../devices/known.ts';
import { ClientError, countLater } from '../errors.ts';
import type { Parts } from '../parts.ts';
import type { RoomCopy } from '../room/room-copy.ts';
import type { Rooms } from '../room/rooms.ts';
import { describePerson, type Statement } from './control-author.ts';
import { isSignedInHere } from './room-identity.ts';

const present: readonly MemberStatus[] = [MemberStatus.MEMBER_STATUS_INVITED, MemberStatus.MEMBER_STATUS_JOINED];

/** Signs approved identities in. */
export class Vouching {
  #parts: () => Parts;
  #rooms: () => Pick<Rooms, 'all'>;

  constructor(parts: () => Parts, rooms: () => Pick<Rooms, 'all'>) {
    this.#parts = parts;
    this.#rooms = rooms;
  }

  /** A person approved this identity of a user. False where there was nothing to approve and nothing to sign. Rejects as People.approve. */
  async approve(user: string, identity: Uint8Array): Promise<boolean> {
    const isNew = await this.#parts().people.approvals.approve(user, identity);
    return (await this.#signIn(user, identity, () => true)) || isNew;
  }

  /** What follows from what is known by now, of everybody: a walk through all rooms for each who started over. To be called when a session is in step. */
  async follow(): Promise<void> {
    for (const { user } of this.#parts().people.startedOver()) await this.followUser(user);
  }

  /** The same of those in one room: to be called when this user was signed in there, who may then sign in others. */
  async followRoom({ chain }: RoomCopy): Promise<void> {
    for (const { user } of this.#parts().people.startedOver())
      if (chain.memberOf(user) > 0) await this.followUser(user);
  }

  /** The same of one user: to be called when they changed, or were signed in somewhere. True where that made them count as approved. */
  async followUser(user: string): Promise<boolean> {
    const { people } = this.#parts();
    const known = people.get(user);
    // In a 1:1 room nobody but this user signs it in: another own device did, so its person approved.
    if (known && this.#isSignedIn(known)) await this.#try(() => people.approvals.approve(user, shownIdentity(known)));
    const now = people.get(user);
    if (!now?.approved) return false;
    // Only in place of one of before: a chain may name one that came after it, of which a server has told this device nothing yet.
    const { formerKeys } = now.manifest.body;
    await this.#signIn(user, now.fingerprint, (named) => formerKeys.some((key) => equalBytes(key, named)));
    return !known?.approved;
  }

  #isSignedIn(known: Known): boolean {
    if (known.approved && known.changedTo.length === 0) return false;
    return this.#rooms()
      .all()
      .some(({ replica }) => isSignedIn(replica, known));
  }

  /** `replaces`: the identity that the chain names, may it be replaced? */
  async #signIn(user: string, identity: Uint8Array, replaces: (named: Uint8Array) => boolean): Promise<boolean> {
    const { people } = this.#parts();
    const statement = (replica: RoomCopy): Statement | null => {
      const known = people.get(user);
      // What was approved may be over by the time that a room can be written to.
      if (!known || known.changedTo.length > 0 || !equalBytes(known.fingerprint, identity)) return null;
      return statementFor(replica, known, replaces);
    };
    let isSigned = false;
    for (const { replica, sender } of this.#rooms().all()) {
      if (!statement(replica)) continue;
      isSigned = true;
      await this.#try(() => sender.control(statement));
    }
    return isSigned;
  }

  /** One room, or person, that can't now must not stop the others. A store that can't be written stops all, and so does the end. */
  async #try(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (error instanceof ClientError && error.code === 'CLOSED') throw error;
      countLater(this.#parts().count, error);
    }
  }
}

/** The entry that signs this person in, where the chain names another identity of theirs that it replaces, and this user may; else null. */
function statementFor(
  replica: RoomCopy,
  { user, fingerprint }: Known,
  replaces: (named: Uint8Array) => boolean,
): Statement | null {
  const { chain, joined, own, identity } = replica;
  const { state } = chain;
  const target = chain.memberOf(user);
  const member = state?.members.get(target);
  const named = chain.person(target)?.fingerprint;
  if (!state || !member || !named || !joined || identity !== 'own' || target === own) return null;
  if (!present.includes(member.status) || equalBytes(named, fingerprint) || !replaces(named)) return null;
  if ((state.members.get(own)?.role ?? 0) < Role.ROLE_ADMIN) return null;
  return { kind: ControlKind.CONTROL_KIND_IDENTITY, target, person: describePerson(user, fingerprint, target) };
}

/** Is it a 1:1 room in which this user signed the identity in that this person shows? That the chain names it is not enough. */
function isSignedIn(replica: RoomCopy, known: Known): boolean {
  const { chain, joined, local } = replica;
  if (chain.state?.policy.direct !== true || !joined || local.frozen !== '') return false;
  const named = chain.person(chain.memberOf(known.user))?.fingerprint ?? noBytes;
  return equalBytes(named, shownIdentity(known)) && isSignedInHere(replica, known.user);
}
