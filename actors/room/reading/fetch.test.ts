import { describe, expect, it } from 'vitest';
import { RecordPage, ServerFrame } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { ControlKind, HistoryFrom, Stamp } from '#proto/gen/record.ts';
import { makeActor, testPrimitives } from '#proto/golden/cast.ts';
import { limits as protocol } from '#proto/rules/limits.ts';
import { codeOf, type Seen, Stage } from '../testing/stage.ts';

const ada = makeActor('@ada:lux.example');
const ben = makeActor('@ben:lux.example');

function pageOf(seen: Seen): RecordPage {
  const body = seen.answers[0]?.body;
  if (body?.$case !== 'recordPage') throw new Error(`no page: ${codeOf(body)}`);
  const frame = ServerFrame.encode({ request: 4_000_000_000, body }).finish();
  expect(frame.length).toBeLessThanOrEqual(protocol.frameBytesMax);
  return body.value;
}

const bytesOf = (page: RecordPage) => RecordPage.encode(page).finish();
const seqs = (page: RecordPage) => page.records.map(({ stamp }) => Stamp.decode(stamp).seq);
const code = (seen: Seen) => seen.answers.map(({ body }) => codeOf(body))[0];
const range = (from: number, through: number) => Array.from({ length: through - from + 1 }, (_, i) => from + i);

/** A group whose log has `count` records, genesis included. */
function withRecords(count: number, ringRecordsMax = 256): Stage {
  const stage = Stage.group(ada, testPrimitives, { limits: { ringRecordsMax } });
  for (let i = 2; i <= count; i++) stage.say(ada, `message ${i}`);
  return stage;
}

describe('a page', () => {
  it('renews the mark of a session that is not live, before the head is read', () => {
    // Found by the simulator: a device that only watches got one mark after its list, and never another.
    for (const stage of [withRecords(5), withRecords(5, 1)]) {
      for (const ask of [{}, { from: 5 }, { from: 6 }]) {
        const { effects } = stage.fetch(ada, ask);
        expect(effects[0]).toEqual({ kind: 'watch', session: 1001, room: stage.room });
      }
    }
  });

  it('is the same from memory and from the log', () => {
    const [ring, log] = [withRecords(150, 256), withRecords(150, 1)];
    const asks = [
      {},
      { newest: true },
      { from: 20, through: 30 },
      { from: 20, through: 30, newest: true },
      { from: 149, limit: 200 },
      { through: 3, newest: true },
      { from: 10, limit: 1 },
      { limit: 7, newest: true },
    ];
    for (const ask of asks) {
      const fromRing = ring.fetch(ada, ask);
      const fromLog = log.fetch(ada, ask);
      expect(fromRing.effects.some(({ kind }) => kind === 'log')).toBe(false);
      expect(fromLog.effects.some(({ kind }) => kind === 'log')).toBe(true);
      expect(bytesOf(pageOf(fromLog))).toEqual(bytesOf(pageOf(fromRing)));
    }
  });

  it('is cut alike by bytes', () => {
    for (const newest of [true, false]) {
      const pages = [256, 1].map((ringRecordsMax) => {
        const stage = Stage.group(ada, testPrimitives, { limits: { ringRecordsMax, ringBytesMax: 1e9 } });
        for (const size of [30_000, 30_000, 49_152, 5, 49_152, 40_000]) stage.say(ada, 'x'.repeat(size));
        const found: number[][] = [];
        for (let ask = {}; ; ) {
          const page = pageOf(stage.fetch(ada, { ...ask, newest }));
          found.push(seqs(page));
          if (page.nextSeq === 0) break;
          ask = newest ? { through: page.nextSeq } : { from: page.nextSeq };
        }
        return found;
      });
      expect(pages[0]).toEqual(pages[1]);
      expect(pages[0]?.flat()).toEqual(newest ? range(1, 7).reverse() : range(1, 7));
    }
  });

  it('holds 100 records unless told, 200 at most', () => {
    const stage = withRecords(250);
    expect(seqs(pageOf(stage.fetch(ada)))).toEqual(range(1, 100));
    expect(pageOf(stage.fetch(ada)).nextSeq).toBe(101);
    expect(seqs(pageOf(stage.fetch(ada, { limit: 200 })))).toHaveLength(200);
    expect(seqs(pageOf(stage.fetch(ada, { limit: 201 })))).toHaveLength(200);
    expect(seqs(pageOf(stage.fetch(ada, { newest: true, limit: 3 })))).toEqual([250, 249, 248]);
    expect(pageOf(stage.fetch(ada, { newest: true, limit: 3 })).nextSeq).toBe(247);
  });

  it('ends at the head, and is empty beyond it', () => {
    const stage = withRecords(5);
    expect(seqs(pageOf(stage.fetch(ada, { from: 4, through: 99 })))).toEqual([4, 5]);
    expect(pageOf(stage.fetch(ada, { from: 6 }))).toMatchObject({ records: [], nextSeq: 0, headSeq: 5 });
    expect(code(stage.fetch(ada, { from: 4, through: 3 }))).toBe(Rejection.REJECTION_BAD_REQUEST);
  });

  it('is BELOW_FLOOR where rows have expired, and starts at the floor unless told', () => {
    const stage = withRecords(20, 1);
    stage.log.seal();
    stage.cover();
    stage.log.floor = 8;
    stage.crash();
    expect(pageOf(stage.fetch(ada))).toMatchObject({ readableFrom: 8 });
    expect(seqs(pageOf(stage.fetch(ada)))).toEqual(range(8, 20));
    expect(seqs(pageOf(stage.fetch(ada, { from: 8, through: 8 })))).toEqual([8]);
    expect(code(stage.fetch(ada, { from: 7 }))).toBe(Rejection.REJECTION_BELOW_FLOOR);
  });

  it('says from where one may read as it is when the rows were read, not as it was when they were asked for', () => {
    const stage = withRecords(20, 1);
    stage.log.floor = 8;
    expect(stage.state.floor).toBe(1);
    const page = pageOf(stage.fetch(ada));
    expect(seqs(page)).toEqual(range(8, 20));
    expect(page.readableFrom).toBe(8);
  });
});

describe('who may read from where', () => {
  it('is from the own ACCEPT on, or from the start where the policy says so', () => {
    for (const [history, first] of [
      [HistoryFrom.HISTORY_FROM_JOIN, 4],
      [HistoryFrom.HISTORY_FROM_START, 1],
    ] as const) {
      const stage = Stage.group(ada, testPrimitives, { policy: { history } });
      stage.say(ada, 'before');
      stage.join(ada, ben);
      stage.say(ada, 'after');
      expect(seqs(pageOf(stage.fetch(ben)))).toEqual(range(first, 5));
      if (first > 1) expect(code(stage.fetch(ben, { from: first - 1 }))).toBe(Rejection.REJECTION_BELOW_FLOOR);
    }
  });

  it('is not what was said while one was away: pages end before the gap and go on behind it', () => {
    for (const ringRecordsMax of [256, 1]) {
      const stage = Stage.group(ada, testPrimitives, { limits: { ringRecordsMax } });
      stage.join(ada, ben);
      stage.say(ada, 'here');
      stage.mustAccept(stage.control(ada, { kind: ControlKind.CONTROL_KIND_REMOVE, target: 2 }));
      stage.say(ada, 'away');
      stage.mustAccept(stage.control(ada, { kind: ControlKind.CONTROL_KIND_INVITE, target: 2, role: 1 }));
      stage.mustAccept(stage.control(ben, { kind: ControlKind.CONTROL_KIND_ACCEPT, target: 2 }));
      stage.say(ada, 'back');
      const first = pageOf(stage.fetch(ben));
      expect(first).toMatchObject({ readableFrom: 3, nextSeq: 8 });
      expect(seqs(first)).toEqual([3, 4, 5]);
      expect(seqs(pageOf(stage.fetch(ben, { from: 8 })))).toEqual([8, 9]);
      expect(seqs(pageOf(stage.fetch(ben, { from: 6 })))).toEqual([8, 9]);
      const newest = pageOf(stage.fetch(ben, { newest: true }));
      expect([seqs(newest), newest.nextSeq]).toEqual([[9, 8], 5]);
      expect(seqs(pageOf(stage.fetch(ben, { newest: true, through: 5 })))).toEqual([5, 4, 3]);
    }
  });
});
