// New identities of people whom this user knows, room by room. Once a person approved one, this device signs it in wherever its owner waits for that and this
// user may: the 1:1 room, and groups that this user leads. What another own device, or somebody else with the right, signed in counts without more: in a room
// counts who its chain names. Nothing is signed that no person approved: a server can make up an identity, also of somebody whom this device never met.
// Guarantees: what could not be signed in now is at the next session, since it follows from what is kept.
import { ControlKind, MemberStatus, Role } from '#proto/gen/record.ts';
import { equalBytes } from '#proto/rules/bytes/bytes.ts';
import type { Known } from '../devices/people.ts';
import { ClientError } from '../errors.ts';
import type { Parts } from '../parts.ts';
import type { RoomReplica } from '../room/room.ts';
import type { HeldRoom, Rooms } from '../room/rooms.ts';
import { describePerson, type Statement } from './control-author.ts';

const present: readonly MemberStatus[] = [MemberStatus.MEMBER_STATUS_INVITED, MemberStatus.MEMBER_STATUS_JOINED];

/** Signs approved identities in. */
export class Vouching {
  #parts: () => Parts;
  #rooms: () => Pick<Rooms, 'all'>;

  constructor(parts: () => Parts, rooms: () => Pick<Rooms, 'all'>) {
    this.#parts = parts;
    this.#rooms = rooms;
  }

  /** A person approved this user's present identity. False where there was nothing to approve and nothing to sign. */
  async approve(user: string): Promise<boolean> {
    const changed = await this.#parts().people.approve(user);
    const known = this.#parts().people.get(user);
    return (known ? await this.#signIn(known) : false) || changed;
  }

  /** What follows from what is known by now. To be called when a session is in step, and when an identity was signed in somewhere. */
  async follow(): Promise<void> {
    const { people } = this.#parts();
    for (const { user } of people.startedOver()) {
      // In a 1:1 room nobody but this user signs it in: another own device did, so its person approved.
      if (
        this.#rooms()
          .all()
          .some(({ replica }) => isSignedIn(replica, people.get(user)))
      )
        await people.approve(user);
      const known = people.get(user);
      if (known?.approved) await this.#signIn(known);
    }
  }

  async #signIn({ user, fingerprint }: Known): Promise<boolean> {
    let isSigned = false;
    for (const { replica, sender } of this.#rooms().all()) {
      if (!statementFor(replica, user, fingerprint)) continue;
      isSigned = true;
      await this.#signOne(sender, user, fingerprint);
    }
    return isSigned;
  }

  /** One room that can't now must not stop the others. */
  async #signOne(sender: HeldRoom['sender'], user: string, fingerprint: Uint8Array): Promise<void> {
    try {
      await sender.control((now) => statementFor(now, user, fingerprint));
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      this.#parts().count(`later.${error.code}`);
    }
  }
}

/** The entry that signs this identity in, where the chain names another one of this user and this user may; else null. */
function statementFor(replica: RoomReplica, user: string, fingerprint: Uint8Array): Statement | null {
  const { chain, joined, own, identity } = replica;
  const { state } = chain;
  const target = chain.memberOf(user);
  const member = state?.members.get(target);
  const named = chain.person(target)?.fingerprint;
  if (!state || !member || !named || !joined || identity !== 'own' || target === own) return null;
  if (!present.includes(member.status) || equalBytes(named, fingerprint)) return null;
  if ((state.members.get(own)?.role ?? 0) < Role.ROLE_ADMIN) return null;
  return { kind: ControlKind.CONTROL_KIND_IDENTITY, target, person: describePerson(user, fingerprint, target) };
}

/** Is the changed identity of this person signed into the 1:1 room with them? */
function isSignedIn({ chain }: RoomReplica, known: Known | undefined): boolean {
  if (!known || known.changedTo.length === 0 || chain.state?.policy.direct !== true) return false;
  const named = chain.person(chain.memberOf(known.user))?.fingerprint;
  return named !== undefined && equalBytes(named, known.changedTo);
}
