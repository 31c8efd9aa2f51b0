import { expect, it } from 'vitest';
import { roomAddress, userAddress } from '#actors/kernel/address.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { MemberStatus, Role } from '#proto/gen/record.ts';
import { limits } from '#proto/rules/limits.ts';
import type { Device } from './client/device.ts';
import * as events from './client/events.ts';
import { Scene } from './scene.ts';

/** A room of its own provider says that the user is joined there, or has left. */
function stand(scene: Scene, { user }: Device, n: number, status: MemberStatus): void {
  const room = `!g${'a'.repeat(27)}${String(n)
    .padStart(5, '0')
    .replace(/\d/g, (digit) => 'abcdefghij'[Number(digit)]!)}:lux.example`;
  const standing = {
    room,
    status,
    member: 2,
    role: Role.ROLE_MEMBER,
    controlNumber: status === MemberStatus.MEMBER_STATUS_JOINED ? 3 : 4,
    byUser: user,
    byBot: false,
    direct: false,
    readableFrom: 1,
  };
  const told = { kind: 'standing', replyTo: roomAddress(room), standing, readableFrom: 1 } as const;
  scene.system.tell(userAddress(user), told);
  scene.run(5);
}

function founds(scene: Scene, device: Device, label: string) {
  const author = { cast: device.household.cast, device: 1, member: 1, sendId: 1 };
  const answer = scene.ask(device, { $case: 'submit', value: events.group(author, label) });
  scene.run(1_000);
  return answer?.$case === 'rejected' ? answer.value.code : answer?.$case;
}

// The room used to be joined at its hub and to stand in no list: nobody could leave it, nor read it on another device.
it('lets a user into the 1,000th room and not into the next, until one is left', () => {
  const scene = new Scene();
  const ann = scene.enter('ann');
  for (let n = 0; n < limits.roomsMax - 1; n++) stand(scene, ann, n, MemberStatus.MEMBER_STATUS_JOINED);
  expect(founds(scene, ann, 'the last')).toBe('accepted');
  expect(founds(scene, ann, 'one too many')).toBe(Rejection.REJECTION_LIMIT_REACHED);
  stand(scene, ann, 0, MemberStatus.MEMBER_STATUS_LEFT);
  expect(founds(scene, ann, 'one too many')).toBe('accepted');
  expect(scene.witness.violations).toEqual([]);
});
