// Rooms as tests of user actors name them, and what they tell.
import { MemberStatus, Role, type RoomStanding } from '#proto/gen/record.ts';
import { roomAddress } from '../../kernel/address.ts';
import type { Street } from './street.ts';

/** Room ids in the order of their numbers, 0 to 9,999. */
export function roomOf(n: number): string {
  const letters = String(n)
    .padStart(4, '0')
    .replace(/[0-9]/g, (digit) => 'abcdefghij'[Number(digit)]!);
  return `!g${'a'.repeat(28)}${letters}:example.org`;
}

const own: ReadonlySet<MemberStatus> = new Set([MemberStatus.MEMBER_STATUS_JOINED, MemberStatus.MEMBER_STATUS_LEFT]);

/** A room tells how the user stands there: by the user's own doing where that is possible, else by Bob's. */
export function stand(
  street: Street,
  user: string,
  told: Partial<RoomStanding> & Pick<RoomStanding, 'room' | 'status'>,
): void {
  const standing: RoomStanding = {
    member: 2,
    role: Role.ROLE_MEMBER,
    controlNumber: 3,
    byUser: own.has(told.status) ? user : '@bob:example.org',
    byBot: true,
    direct: false,
    readableFrom: 0,
    ...told,
  };
  const { room, readableFrom } = standing;
  street.tell(user, { kind: 'standing', replyTo: roomAddress(room), standing, readableFrom });
}

/** Control numbers that were confirmed to this room, in order. */
export function confirmed(street: Street, room: string): number[] {
  return street
    .all('send')
    .flatMap(({ to, message }) =>
      to === roomAddress(room) && message.kind === 'standingKept' ? message.controlNumber : [],
    );
}
