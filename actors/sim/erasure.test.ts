// A room forgets whom an erasure names, whenever the process dies: while the account is closed, while rooms are told, while the CHECKPOINT is signed. Who comes
// then, or was away, follows the chain all the same.
import { describe, expect, it } from 'vitest';
import { MemberStatus } from '#proto/gen/record.ts';
import { asciiBytes } from '#proto/rules/bytes/bytes.ts';
import { goodGrant } from './cast.ts';
import type { Device } from './client/device.ts';
import * as doings from './client/doings.ts';
import { Scene } from './scene.ts';

const minutes = 60_000;
/** Milliseconds, with state written now and then, and hardly ever: then all rows of the log are applied again. */
const moments = [1, 3, 8, 20, 60, 200, 700].flatMap((ms) => [[ms, 5] as const, [ms, 10_000] as const]);
const { MEMBER_STATUS_JOINED, MEMBER_STATUS_LEFT } = MemberStatus;

/** Ann's group with Bob, who is away from before Eve came; Eve, who left; and Cid, whom Eve brought in. */
function group(segmentRowsMax: number) {
  const scene = new Scene({ log: { segmentRowsMax } });
  const [ann, bob, eve, cid] = ['ann', 'bob', 'eve', 'cid'].map((name) => scene.enter(name)) as [
    Device,
    Device,
    Device,
    Device,
  ];
  let room = '';
  doings.found(ann, 'group', (founded) => {
    room = founded;
  });
  scene.run(1_000);
  joins(scene, { room, by: ann, guest: bob });
  bob.conversation.stop();
  joins(scene, { room, by: ann, guest: eve });
  joins(scene, { room, by: eve, guest: cid });
  doings.say(eve, room, 'moien');
  doings.leave(eve, room, 'leave');
  scene.run(2_000);
  return { scene, ann, bob, eve, cid, room };
}

function joins(scene: Scene, { room, by, guest }: { room: string; by: Device; guest: Device }): void {
  doings.invite(by, room, guest.household.cast, 'invite');
  scene.run(2_000);
  doings.answerInvitation(guest, room, true, 'accept');
  scene.run(2_000);
  expect(guest.chain(room).isJoined).toBe(true);
}

function erases({ conversation }: Device): void {
  const value = { grant: { token: goodGrant, attempt: new Uint8Array(16).fill(7) } };
  conversation.ask({ $case: 'eraseAccount', value }, () => {});
}

/** Rows of state that name her: of the room, and of her own account. */
function naming({ scene, room, eve }: { scene: Scene; room: string; eve: Device }): string[] {
  const named = Buffer.from(asciiBytes(eve.user));
  const rows = [`room/${room}`, `user/${eve.user}`].flatMap((log) => scene.memory.readState(log));
  return rows.flatMap(({ key, value }) => (value !== null && Buffer.from(value).includes(named) ? [key] : []));
}

/** Everybody has the same chain, without Eve, and nobody noticed anything wrong. */
function goesOn(all: ReturnType<typeof group>): void {
  const { scene, ann, bob, cid, room } = all;
  const dan = scene.enter('dan');
  joins(scene, { room, by: ann, guest: dan });
  bob.conversation.start();
  scene.run(10_000);
  bob.refresh(room, () => {});
  scene.run(5_000);
  for (const device of [bob, cid, dan]) {
    const { state } = device.chain(room);
    expect([...(state?.members ?? [])].map(({ status }) => status)).toEqual([
      ...[MEMBER_STATUS_JOINED, MEMBER_STATUS_JOINED, MEMBER_STATUS_LEFT],
      ...[MEMBER_STATUS_JOINED, MEMBER_STATUS_JOINED],
    ]);
    expect(state?.hash).toEqual(ann.chain(room).state?.hash);
  }
  for (const device of [bob, dan]) {
    const { state, skips } = device.chain(room);
    expect([skips, device.chain(room).userOf(state!.members.get(3)!)]).toEqual([1, undefined]);
  }
  expect(scene.witness.violations).toEqual([]);
}

/** Eve's account is gone, an admin signs a CHECKPOINT, the talk goes on: in the end nothing names her. */
function isForgotten(all: ReturnType<typeof group>): void {
  const { scene, ann, eve, room } = all;
  scene.run(2_000);
  eve.conversation.stop();
  scene.run(5 * minutes);
  doings.checkpoint(ann, room, 'checkpoint');
  scene.run(2_000);
  goesOn(all);
  ann.conversation.stop();
  scene.run(30 * minutes);
  expect(naming(all)).toEqual([]);
}

describe('a member who is erased', () => {
  it.each(moments)(
    'is forgotten although the process dies %i ms after they asked, in segments of %i rows',
    (ms, rows) => {
      const all = group(rows);
      const { scene, eve } = all;
      erases(eve);
      scene.run(ms);
      scene.crash();
      // Where it was taken back they ask once more; else they are logged out, and nobody hears.
      erases(eve);
      isForgotten(all);
    },
  );

  // The account knew the room no more, and so the room never heard of the erasure.
  it('is forgotten in a room that they left 31 days before, although it dies 3 ms after they asked', () => {
    const all = group(10_000);
    const { scene, ann, cid, eve } = all;
    for (const { conversation } of [ann, cid, eve]) conversation.stop();
    scene.run(31 * 24 * 60 * minutes);
    for (const { conversation } of [ann, cid, eve]) conversation.start();
    scene.run(5_000);
    // Former rooms are looked at where another one changes.
    doings.found(eve, 'another', () => {});
    scene.run(5_000);
    scene.crash();
    scene.run(5_000);
    erases(eve);
    scene.run(3);
    scene.crash();
    erases(eve);
    isForgotten(all);
  });

  it.each(moments)(
    'is forgotten although it dies %i ms after an admin began to sign, in segments of %i rows',
    (ms, rows) => {
      const all = group(rows);
      const { scene, ann, eve, room } = all;
      erases(eve);
      scene.run(10_000);
      eve.conversation.stop();
      doings.checkpoint(ann, room, 'checkpoint');
      scene.run(ms);
      scene.crash();
      scene.run(2 * minutes);
      for (let n = 1; n <= 7; n++) doings.say(ann, room, `${n}`);
      scene.run(5_000);
      scene.crash();
      goesOn(all);
      scene.crash();
      ann.conversation.stop();
      scene.run(30 * minutes);
      expect(naming(all)).toEqual([]);
    },
  );
});
