// What a room still owes when its process dies is done by the next process, although nobody asks for the room.
import { describe, expect, it } from 'vitest';
import type { Actor } from '#actors/kernel/actor.ts';
import type { RoomMessage, UserMessage } from '#actors/kernel/messages.ts';
import type { LogLimits } from '#actors/log/limits.ts';
import { MemberStatus } from '#proto/gen/record.ts';
import type { Device } from './client/device.ts';
import * as doings from './client/doings.ts';
import { Scene } from './scene.ts';

/** Users hear nothing of rooms while `deaf`; counts how often a room was opened. */
class Deafness {
  deaf = false;
  opened = 0;
  readonly room = (actor: Actor<RoomMessage>): Actor<RoomMessage> => ({
    idle: () => actor.idle(),
    receive: (message, now) => {
      if (message.kind === 'log' && message.answer.kind === 'opened') this.opened++;
      return actor.receive(message, now);
    },
  });
  readonly user = (actor: Actor<UserMessage>): Actor<UserMessage> => ({
    idle: () => actor.idle(),
    receive: (message, now) => (this.deaf && message.kind === 'standing' ? [] : actor.receive(message, now)),
  });
}

interface Invited {
  readonly scene: Scene;
  readonly deafness: Deafness;
  readonly ann: Device;
  readonly bob: Device;
  readonly room: string;
}

function invite(log: Partial<LogLimits> = {}): Invited {
  const deafness = new Deafness();
  const scene = new Scene({ log, mutation: deafness });
  const [ann, bob] = [scene.enter('ann'), scene.enter('bob')];
  let room = '';
  doings.found(ann, 'group', (founded) => {
    room = founded;
  });
  scene.run(1_000);
  deafness.deaf = true;
  doings.invite(ann, room, bob.household.cast, 'invite');
  scene.run(1_000);
  return { scene, deafness, ann, bob, room };
}

function isInvited({ scene, bob, room }: Invited): boolean {
  bob.list();
  scene.run(1_000);
  return bob.statuses.get(room) === MemberStatus.MEMBER_STATUS_INVITED;
}

const minutes = 60_000;

describe('an invitation of which the invited has not heard when the process dies', () => {
  it('reaches them within minutes, although nobody touches the room', () => {
    const all = invite();
    const { scene, deafness, ann } = all;
    ann.conversation.stop();
    scene.crash();
    deafness.deaf = false;
    expect(isInvited(all)).toBe(false);
    scene.run(2 * minutes);
    expect(isInvited(all)).toBe(true);
  });

  it('reaches them although its segment was sealed meanwhile', () => {
    const all = invite({ segmentRowsMax: 3 });
    const { scene, deafness, ann, room } = all;
    for (let n = 1; n <= 3; n++) doings.say(ann, room, `${n}`);
    scene.run(1_000);
    ann.conversation.stop();
    scene.crash();
    deafness.deaf = false;
    scene.run(2 * minutes);
    expect(isInvited(all)).toBe(true);
  });

  it('reaches them although the room left memory meanwhile, and the next processes died before they heard', () => {
    const all = invite();
    const { scene, deafness, ann } = all;
    ann.conversation.stop();
    scene.run(10 * minutes);
    for (let n = 0; n < 4; n++) {
      scene.crash();
      scene.run(2 * minutes);
    }
    scene.crash();
    deafness.deaf = false;
    scene.run(2 * minutes);
    expect(isInvited(all)).toBe(true);
  });

  it('is told no more once they heard: the room is left in peace', () => {
    const all = invite();
    const { scene, deafness, ann } = all;
    ann.conversation.stop();
    scene.crash();
    deafness.deaf = false;
    scene.run(10 * minutes);
    expect(isInvited(all)).toBe(true);
    const { opened } = deafness;
    scene.run(60 * minutes);
    expect(deafness.opened).toBe(opened);
  });
});
