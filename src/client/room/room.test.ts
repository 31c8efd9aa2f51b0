// What a room costs to be shown: lists of rooms are made anew whenever something in one of them changes.
import { expect, it, vi } from 'vitest';
import { MemberStatus, Role } from '#proto/gen/record.ts';
import { roomWorld } from '../testing/room-world.ts';

/** How often the chain is searched for the own number. */
function searches(others: number, policy = {}): number {
  const { room } = roomWorld({ status: MemberStatus.MEMBER_STATUS_JOINED }, policy);
  const list = room.chain.state?.members as unknown as object[];
  const status = MemberStatus.MEMBER_STATUS_JOINED;
  for (let n = 0; n < others; n++) list.push({ number: 4 + n, role: Role.ROLE_MEMBER, status, stays: [] });
  const memberOf = vi.spyOn(room.chain, 'memberOf');
  expect(room.info().members).toHaveLength(2 + others);
  return memberOf.mock.calls.length;
}

// Each member was compared with a number that was searched for anew: a million steps to show a group of a thousand.
it.each([{}, { direct: true }])('a room is shown without a search for oneself at each member (%o)', (policy) => {
  expect(searches(300, policy)).toBe(searches(0, policy));
});
