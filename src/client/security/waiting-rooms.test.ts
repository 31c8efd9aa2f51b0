import { expect, it } from 'vitest';
import { MemberStatus, Role } from '#proto/gen/record.ts';
import { waitingRooms } from './waiting-rooms.ts';

const { MEMBER_STATUS_JOINED: joined, MEMBER_STATUS_LEFT: left } = MemberStatus;
const { ROLE_MODERATOR: moderator, ROLE_ADMIN: admin, ROLE_OWNER: owner } = Role;

/** A room where one is member 1 and these are the others. */
function room(name: string, others: readonly (readonly [MemberStatus, Role])[], isJoined = true) {
  const members = [[joined, owner] as const, ...others].map(([status, role], at) => ({ number: at + 1, status, role }));
  return { room: name, joined: isJoined, own: 1, chain: { state: { members } } } as never;
}

it('of who starts over are closed where nobody else may sign an identity in, and wait elsewhere', () => {
  const rooms = [
    room('with an admin', [[joined, admin]]),
    room('with an owner', [
      [joined, moderator],
      [joined, owner],
    ]),
    room('alone', []),
    room('with a moderator', [[joined, moderator]]),
    room('whose admin left', [[left, admin]]),
    room('left oneself', [[joined, admin]], false),
  ];
  expect(waitingRooms(rooms)).toEqual({ waiting: 2, closed: ['alone', 'with a moderator', 'whose admin left'] });
});
