// Why a control entry is not valid: the closed list, and the code with which a hub refuses each.
import { Rejection } from '../../gen/codes.ts';

/** Every reason and the hub's answer. A device that meets one in a chain stops sending in that room and says which it was. */
export const controlFaults = {
  /** Too large, not canonical, a part missing or of wrong length, or a part that its kind does not have. */
  MALFORMED: Rejection.REJECTION_INVALID_CONTROL,
  /** A kind of a later version: the program is too old to follow this room. */
  UNKNOWN_KIND: Rejection.REJECTION_UNSUPPORTED,
  /** Names another room, or a group's id is not made from this genesis. */
  WRONG_ROOM: Rejection.REJECTION_INVALID_CONTROL,
  /** Not one above the last entry. */
  WRONG_NUMBER: Rejection.REJECTION_STALE_STATE,
  /** Not the hash of the last entry. */
  WRONG_PREVIOUS: Rejection.REJECTION_STALE_STATE,
  /** A second genesis. */
  ALREADY_CREATED: Rejection.REJECTION_ROOM_EXISTS,
  /** Something before the genesis. */
  NOT_CREATED: Rejection.REJECTION_NOT_FOUND,
  /** The Person behind actor or newcomer was not supplied. To be fetched; no one lies. */
  MISSING_PERSON: Rejection.REJECTION_INVALID_CONTROL,
  /** The Person does not fit: IDENTITY for another user. */
  WRONG_PERSON: Rejection.REJECTION_INVALID_CONTROL,
  /** No credential for the device key was supplied. To be fetched; no one lies. */
  MISSING_CREDENTIAL: Rejection.REJECTION_INVALID_CONTROL,
  /** The credential does not prove that the key is the actor's. */
  WRONG_CREDENTIAL: Rejection.REJECTION_BAD_SIGNATURE,
  BAD_SIGNATURE: Rejection.REJECTION_BAD_SIGNATURE,
  /** DEPART signed by a key that is not the provider's of the target. */
  WRONG_PROVIDER: Rejection.REJECTION_BAD_SIGNATURE,
  /** The actor is not joined (or not invited, for ACCEPT and DECLINE). */
  NO_STANDING: Rejection.REJECTION_NOT_MEMBER,
  /** The actor's role is too low for this, or for this target. */
  ROLE_TOO_LOW: Rejection.REJECTION_FORBIDDEN,
  /** There is no such target, or it is not the next free number. */
  WRONG_TARGET: Rejection.REJECTION_INVALID_CONTROL,
  /** The target's status does not allow it: invited already, banned, not a member… */
  WRONG_STATUS: Rejection.REJECTION_INVALID_CONTROL,
  /** A role that can't be given here, or that changes nothing. */
  WRONG_ROLE: Rejection.REJECTION_INVALID_CONTROL,
  /** The user has a number in this room already. */
  SECOND_NUMBER: Rejection.REJECTION_INVALID_CONTROL,
  /** The two persons of a 1:1 room are not the two its id is made from. */
  WRONG_PAIR: Rejection.REJECTION_INVALID_CONTROL,
  /** members_max is reached, or no number is left. */
  MEMBERS_FULL: Rejection.REJECTION_LIMIT_REACHED,
  /** The last owner goes or steps down while others stay. */
  LAST_OWNER: Rejection.REJECTION_FORBIDDEN,
  /** A policy out of bounds. */
  BAD_POLICY: Rejection.REJECTION_INVALID_CONTROL,
  /** Not possible in a 1:1 room. */
  DIRECT_FIXED: Rejection.REJECTION_FORBIDDEN,
  /** A hub that does not follow the present one, or at the genesis is not the room's birthplace. */
  WRONG_HUB: Rejection.REJECTION_INVALID_CONTROL,
  /** A checkpoint of another state. */
  WRONG_STATE: Rejection.REJECTION_INVALID_CONTROL,
} as const satisfies Readonly<{ [fault: string]: Rejection }>;

/** A reason. */
export type ControlFault = keyof typeof controlFaults;

/** The code with which a hub refuses an entry that is invalid for this reason. */
export function rejectionOf(fault: ControlFault): Rejection {
  return controlFaults[fault];
}
