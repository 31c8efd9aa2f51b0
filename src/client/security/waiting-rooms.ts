// What becomes of a person's rooms when they start over: in each they wait until somebody with the right to signs the new identity in.
import { MemberStatus, Role } from '#proto/gen/record.ts';
import type { RoomCopy } from '../room/room-copy.ts';

/** The rooms of somebody who starts over. */
export interface WaitingRooms {
  /** Rooms in which somebody else can let them in again. */
  readonly waiting: number;
  /** Rooms in which nobody can: one is the only admin there. Ids. */
  readonly closed: readonly string[];
}

/** Looks at the rooms that this user is in, as their chains say. */
export function waitingRooms(replicas: readonly Pick<RoomCopy, 'room' | 'joined' | 'own' | 'chain'>[]): WaitingRooms {
  const joined = replicas.filter((replica) => replica.joined);
  const closed = joined.filter((replica) => !hasVoucher(replica)).map(({ room }) => room);
  return { waiting: joined.length - closed.length, closed };
}

/** Is somebody else there who may sign an identity in? */
function hasVoucher({ chain, own }: Pick<RoomCopy, 'own' | 'chain'>): boolean {
  return [...(chain.state?.members ?? [])].some(
    ({ number, role, status }) =>
      number !== own && status === MemberStatus.MEMBER_STATUS_JOINED && role >= Role.ROLE_ADMIN,
  );
}
