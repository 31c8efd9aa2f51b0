import { expect, it } from 'vitest';
import { MemberStatus } from '#proto/gen/record.ts';
import { readInboxLog } from './check/final-log.ts';
import type { Device } from './client/device.ts';
import * as doings from './client/doings.ts';
import { Scene } from './scene.ts';

/** The owner invites or removes, at the pace that the server allows. */
function toggle(scene: Scene, owner: Device, room: string, guest: Device, n: number): void {
  if (n % 2 === 0) doings.invite(owner, room, guest.household.cast, `invites ${n}`);
  else doings.remove(owner, room, guest.household.cast, `removes ${n}`);
  scene.run(1_100);
}

// Each change was a row in the victim's inbox and a push to their devices; after 256 of them the devices had to sync in full.
it('stays small whoever invites and removes, and its devices end with the last word', { timeout: 60_000 }, () => {
  const scene = new Scene();
  const [eve, ann] = [scene.enter('eve'), scene.enter('ann')];
  let room = '';
  doings.found(eve, 'a group', (made) => {
    room = made;
  });
  scene.run(1_000);
  const pairs = 300;
  const entries = () => readInboxLog(scene.memory, ann.user, (what) => scene.witness.wrong(what));
  const before = entries().length;
  const began = scene.schedule.now;
  for (let n = 0; n < 2 * pairs; n++) toggle(scene, eve, room, ann, n);
  expect(eve.chain(room).state?.number).toBe(1 + 2 * pairs);
  const minutes = Math.ceil((scene.schedule.now - began) / 60_000);
  scene.run(120_000);
  ann.list();
  scene.run(1_000);
  expect(ann.statuses.get(room)).toBe(MemberStatus.MEMBER_STATUS_REMOVED);
  const changes = entries().slice(before);
  expect(changes.length).toBeGreaterThan(20);
  expect(changes.length).toBeLessThanOrEqual(20 + minutes + 2);
  expect(changes.at(-1)?.body).toMatchObject({ $case: 'standing', value: { controlNumber: 1 + 2 * pairs } });
  expect(ann.inbox.needsFullSync).toBe(false);
  expect(scene.witness.violations).toEqual([]);
});
