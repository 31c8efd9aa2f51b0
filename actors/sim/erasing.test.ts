// All that a member wrote is emptied before they go, over many segments and a process that dies: the log in the end is the one of before, without those bodies
// and no others. Does not: die between two pages, which ../room/posting/erasing.test.ts does at every step.
import { expect, it } from 'vitest';
import { EventKind } from '#proto/gen/record.ts';
import { readRoomLog } from './check/final-log.ts';
import { checkEmptied, checkGone } from './check/promises.ts';
import type { Device } from './client/device.ts';
import * as doings from './client/doings.ts';
import { Scene } from './scene.ts';

/** Milliseconds after which it dies, with segments of this many rows; over one page of 256 rows are walked over. */
const moments = [1, 20, 200].flatMap((ms) => [[ms, 5] as const, [ms, 10_000] as const]);
const said = 150;

it.each(moments)(
  'a process that dies %i ms after it was asked leaves none of it, in segments of %i rows',
  (ms, rows) => {
    const scene = new Scene({ log: { segmentRowsMax: rows } });
    const [ann, eve] = ['ann', 'eve'].map((name) => scene.enter(name)) as [Device, Device];
    let room = '';
    doings.found(ann, 'group', (founded) => {
      room = founded;
    });
    scene.run(1_000);
    doings.invite(ann, room, eve.household.cast, 'invite');
    scene.run(2_000);
    doings.answerInvitation(eve, room, true, 'accept');
    scene.run(2_000);
    for (let n = 1; n <= said; n++) {
      doings.say(ann, room, `ann ${n}`);
      doings.say(eve, room, `eve ${n}`);
      scene.run(50);
    }
    doings.rename(eve, room, 'name');
    scene.run(5_000);

    doings.eraseAll(eve, room, 'erase');
    scene.run(ms);
    scene.crash();
    scene.run(3 * 60_000);
    doings.leave(eve, room, 'leave');
    scene.run(5_000);

    const final = readRoomLog(scene.memory, room, (what) => scene.witness.wrong(what));
    checkEmptied(final, scene.witness);
    checkGone(final, scene.witness);
    expect(scene.witness.violations).toEqual([]);
    const written = final.records.filter(
      ({ header }) => header.kind === EventKind.EVENT_KIND_CONTENT || header.kind === EventKind.EVENT_KIND_SLOT,
    );
    const left = [1, 2].map(
      (member) => written.filter(({ header, record }) => header.member === member && record.emptiedBy === 0).length,
    );
    expect([written.length, left]).toEqual([2 * said + 1, [said, 0]]);
  },
);
