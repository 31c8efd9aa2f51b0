import { describe, expect, it } from 'vitest';
import { ServerFrame } from '#proto/gen/client.ts';
import { ControlKind, Stamp } from '#proto/gen/record.ts';
import { makeActor, testPrimitives } from '#proto/golden/cast.ts';
import { limits as protocol } from '#proto/rules/limits.ts';
import { type Seen, Stage } from '../testing/stage.ts';

const ada = makeActor('@ada:lux.example');
const ben = makeActor('@ben:lux.example');
const cid = makeActor('@cid:lux.example');

/** Seqs of each RoomRecords frame that was pushed. */
function runs(seen: Seen): number[][] {
  return seen.pushed.flatMap(({ body }) =>
    body?.$case === 'roomRecords' ? [body.value.records.map(({ stamp }) => Stamp.decode(stamp).seq)] : [],
  );
}

describe('a covered run', () => {
  it('of 100 submits is answered one by one and delivered as one frame with one mark', () => {
    const stage = Stage.group(ada, testPrimitives);
    stage.covers = false;
    for (let i = 0; i < 100; i++) stage.say(ada, `message ${i}`);
    const seen = stage.cover();
    expect(seen.answers).toHaveLength(100);
    expect(runs(seen)).toEqual([Array.from({ length: 100 }, (_, index) => index + 2)]);
    const delivers = seen.effects.filter((effect) => effect.kind === 'deliver');
    expect(delivers).toHaveLength(1);
    expect(delivers[0]?.audience).toEqual({ room: stage.room });
    expect(ServerFrame.decode(delivers[0]?.mark ?? new Uint8Array(0))).toMatchObject({
      request: 0,
      body: { $case: 'headMoved', value: { room: stage.room, headSeq: 101, headCount: 100 } },
    });
  });

  it('leaves in frames within 64 KiB that follow each other, the mark on the last', () => {
    const stage = Stage.group(ada, testPrimitives);
    stage.covers = false;
    for (const size of [49_152, 49_152, 25_000, 25_000, 25_000, 10, 10]) stage.say(ada, 'x'.repeat(size));
    const seen = stage.cover();
    expect(runs(seen)).toEqual([[2], [3], [4, 5], [6, 7, 8]]);
    for (const { frame } of seen.pushed) expect(frame.length).toBeLessThanOrEqual(protocol.frameBytesMax);
    const marks = seen.effects.flatMap((effect) => (effect.kind === 'deliver' ? [effect.mark !== undefined] : []));
    expect(marks).toEqual([false, false, false, true]);
  });

  it('covered in two steps is two runs, and answers wait for their own', () => {
    const stage = Stage.group(ada, testPrimitives);
    stage.covers = false;
    for (let i = 0; i < 4; i++) stage.say(ada);
    expect(runs(stage.cover(3))).toEqual([[2, 3]]);
    expect(runs(stage.cover())).toEqual([[4, 5]]);
  });

  it('carries the persons and credentials that its control entries need', () => {
    const stage = Stage.group(ada, testPrimitives);
    stage.covers = false;
    stage.invite(ada, ben);
    stage.control(ben, { kind: ControlKind.CONTROL_KIND_ACCEPT, target: 2 });
    const [pushed] = stage.cover().pushed;
    expect(pushed?.body).toMatchObject({
      value: { persons: [{ member: 2, user: ben.user }], credentials: [{ member: 2, device: 1 }] },
    });
  });

  it('gives a removed member the record that says so and nothing after it', () => {
    const stage = Stage.group(ada, testPrimitives);
    stage.join(ada, ben);
    stage.join(ada, cid);
    stage.covers = false;
    stage.say(ben, 'last words');
    stage.control(ada, { kind: ControlKind.CONTROL_KIND_REMOVE, target: 2 });
    stage.say(ada, 'without him');
    const seen = stage.cover();
    expect(runs(seen)).toEqual([[6, 7], [8]]);
    const order = seen.effects.filter(({ kind }) => kind === 'deliver' || kind === 'evict' || kind === 'send');
    expect(order).toMatchObject([
      { kind: 'deliver' },
      { kind: 'evict', user: ben.user, room: stage.room },
      { kind: 'deliver' },
      { kind: 'send', to: `user/${ben.user}` },
    ]);
  });

  it('evicts those who leave or are banned, and nobody who declines', () => {
    const stage = Stage.group(ada, testPrimitives);
    stage.join(ada, ben);
    stage.invite(ada, cid);
    const evicted = (seen: Seen) => seen.effects.flatMap((effect) => (effect.kind === 'evict' ? [effect.user] : []));
    expect(evicted(stage.control(cid, { kind: ControlKind.CONTROL_KIND_DECLINE, target: 3 }))).toEqual([]);
    expect(evicted(stage.control(ben, { kind: ControlKind.CONTROL_KIND_LEAVE, target: 2 }))).toEqual([ben.user]);
    stage.mustAccept(stage.control(ada, { kind: ControlKind.CONTROL_KIND_INVITE, target: 2, role: 1 }));
    stage.mustAccept(stage.control(ben, { kind: ControlKind.CONTROL_KIND_ACCEPT, target: 2 }));
    expect(evicted(stage.control(ada, { kind: ControlKind.CONTROL_KIND_BAN, target: 2 }))).toEqual([ben.user]);
  });
});

describe('typing', () => {
  it('is delivered as something that may be shed, at most once a second a member, and never stored', () => {
    const stage = Stage.group(ada, testPrimitives);
    stage.join(ada, ben);
    const type = (user: typeof ada) =>
      stage.tell({ kind: 'ephemeral', from: stage.from(user), ephemeral: 1 }).effects.map(({ kind }) => kind);
    const rows = stage.log.rows.length;
    expect(type(ada)).toEqual(['deliver']);
    expect(type(ada)).toEqual([]);
    expect(type(ben)).toEqual(['deliver']);
    stage.now += protocol.ephemeralIntervalMs - 1;
    expect(type(ada)).toEqual([]);
    stage.now += 1;
    expect(type(ada)).toEqual(['deliver']);
    expect(type(cid)).toEqual([]);
    expect(stage.log.rows).toHaveLength(rows);
  });
});
