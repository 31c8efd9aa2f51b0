// A member empties all that they wrote, before their account is erased: one event, and the whole log of the room is walked over, in pages.
import { describe, expect, it } from 'vitest';
import { Rejection } from '#proto/gen/codes.ts';
import { ControlKind, EmptyingCause, type Record } from '#proto/gen/record.ts';
import { EmptyingRow } from '#proto/gen/room.ts';
import { makeActor, testPrimitives } from '#proto/golden/cast.ts';
import { checkRecord } from '#proto/rules/record/record.ts';
import { codeOf, type Seen, Stage, type StageUser } from '../testing/stage.ts';

const ada = makeActor('@ada:lux.example');
const ben = makeActor('@ben:lux.example');
const code = (seen: Seen) => seen.answers.map(({ body }) => codeOf(body))[0];

/** Ada the owner and Ben, who say ten things each at seqs 4 to 23, Ben the odd ones; then Ben names the group. */
function stageWith(ringRecordsMax = 256): Stage {
  const stage = Stage.group(ada, testPrimitives, { limits: { ringRecordsMax, emptyingPageRows: 3 } });
  stage.join(ada, ben);
  for (let i = 0; i < 10; i++) {
    stage.say(ada, 'hers');
    stage.say(ben, 'canary');
  }
  stage.mustAccept(stage.slot(ben, 'name', 1, 'canary'));
  return stage;
}

function erase(stage: Stage, user: StageUser, throughSeq = stage.state.head.seq, member = stage.memberOf(user)): Seen {
  const cause = EmptyingCause.EMPTYING_CAUSE_ERASURE;
  return stage.send(user, stage.emptying(user, { cause, fromSeq: 1, throughSeq, member }));
}

function page(stage: Stage, user: StageUser): Record[] {
  const body = stage.fetch(user).answers[0]?.body;
  if (body?.$case !== 'recordPage') throw new Error('no page');
  return body.value.records;
}

const count = (stage: Stage, word: string) =>
  stage.log.rows.filter((row) => new TextDecoder().decode(row).includes(word)).length;
const saidByBen = [5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 24];

/** Until a crash: so many answers of the log are heard, the event being covered. */
function work(stage: Stage, answers: number): void {
  for (let left = answers; left > 0; left--) {
    const answer = stage.log.answers.shift();
    if (answer === undefined) return;
    for (const effect of stage.actor.receive({ kind: 'log', answer }, stage.now))
      if (effect.kind === 'log') stage.log.command(effect.command);
  }
}

describe('an erasure', () => {
  it('takes every body that its member wrote, out of pages, log and slots, and no other', () => {
    for (const ringRecordsMax of [256, 1]) {
      const stage = stageWith(ringRecordsMax);
      expect(count(stage, 'canary')).toBe(11);
      expect(code(erase(stage, ben))).toBe('accepted');
      expect([count(stage, 'canary'), count(stage, 'hers')]).toEqual([0, 10]);
      expect(stage.state.emptyings.size).toBe(0);
      expect(stage.state.visibleSlots()).toEqual([]);
      const records = page(stage, ada);
      expect(records.flatMap(({ emptiedBy }, index) => (emptiedBy === 25 ? [index + 1] : []))).toEqual(saidByBen);
      let head = null;
      for (const record of records) {
        const checked = checkRecord(record, head, { room: stage.room, primitives: testPrimitives });
        if (typeof checked === 'string') throw new Error(checked);
        head = checked.head;
      }
      expect(code(stage.control(ben, { kind: ControlKind.CONTROL_KIND_LEAVE, target: 2 }))).toBe('accepted');
    }
  });

  it('shows nothing from the moment it is covered, and is finished whenever the room dies', () => {
    const answersMax = 2 + 2 * Math.ceil(24 / 3);
    for (let answers = 1; answers <= answersMax; answers++) {
      for (const seals of [true, false]) {
        const stage = stageWith(1);
        stage.covers = false;
        erase(stage, ben);
        stage.log.cover();
        work(stage, answers);
        if (seals) {
          const [sealed] = stage.actor.receive({ kind: 'log', answer: { kind: 'sealing' } }, stage.now);
          if (sealed?.kind !== 'log') throw new Error('not sealed');
          stage.log.command(sealed.command);
        }
        const shown = stage.actor.receive(
          {
            kind: 'fetch',
            from: stage.from(ada),
            fetch: { room: stage.room, fromSeq: 5, throughSeq: 5, limit: 1, newestFirst: false },
          },
          stage.now,
        );
        for (const effect of shown) if (effect.kind === 'log') stage.log.command(effect.command);
        const answer = stage.log.answers.at(-1);
        const told = answer?.kind === 'rows' ? stage.actor.receive({ kind: 'log', answer }, stage.now) : shown;
        expect(JSON.stringify(told.filter(({ kind }) => kind === 'answer'))).not.toContain('canary');
        stage.crash();
        stage.fetch(ada);
        expect([answers, count(stage, 'canary'), count(stage, 'hers')]).toEqual([answers, 0, 10]);
        expect(stage.state.emptyings.size).toBe(0);
        expect(page(stage, ada).filter(({ emptiedBy }) => emptiedBy > 0).length).toBe(saidByBen.length);
      }
    }
  });

  it('goes on where it was when the segment was sealed', () => {
    const stage = stageWith(1);
    stage.covers = false;
    erase(stage, ben);
    stage.log.cover();
    work(stage, 8);
    const [sealed] = stage.actor.receive({ kind: 'log', answer: { kind: 'sealing' } }, stage.now);
    if (sealed?.kind !== 'log' || sealed.command.kind !== 'sealed') throw new Error('not sealed');
    expect(sealed.command.restless).toBe(true);
    stage.log.command(sealed.command);
    const row = EmptyingRow.decode(stage.log.state.get('emptying/25')?.value ?? new Uint8Array());
    expect(row).toMatchObject({ seqs: [], throughSeq: 24, member: 2 });
    expect(row.fromSeq).toBeGreaterThan(4);
    stage.crash();
    const before = stage.log.commands.length;
    stage.fetch(ada);
    const read = stage.log.commands.slice(before).filter((command) => command.kind === 'read');
    expect(read[0]).toMatchObject({ fromSeq: row.fromSeq, throughSeq: 24, limit: 3 });
  });

  it('walks over each row once, however often it is asked for, over a crash', () => {
    const stage = stageWith(1);
    erase(stage, ben);
    stage.seal();
    stage.crash();
    stage.fetch(ada);
    stage.say(ben, 'canary');
    const before = stage.log.commands.length;
    expect([code(erase(stage, ben)), code(erase(stage, ben, 24)), code(erase(stage, ben, 24))]).toEqual(
      Array(3).fill('accepted'),
    );
    const read = stage.log.commands.slice(before).filter((command) => command.kind === 'read');
    expect(read).toMatchObject([{ fromSeq: 25, throughSeq: 26 }]);
    expect(count(stage, 'canary')).toBe(0);
  });

  it('is refused beyond the head, for somebody else, and from whoever is not in', () => {
    const stage = stageWith();
    const { seq } = stage.state.head;
    expect(code(erase(stage, ben, seq + 1))).toBe(Rejection.REJECTION_BAD_EVENT);
    expect(code(erase(stage, ben, seq, 1))).toBe(Rejection.REJECTION_FORBIDDEN);
    expect(code(erase(stage, ada, seq, 2))).toBe(Rejection.REJECTION_FORBIDDEN);
    stage.control(ben, { kind: ControlKind.CONTROL_KIND_LEAVE, target: 2 });
    expect(code(erase(stage, ben, seq))).toBe(Rejection.REJECTION_NOT_MEMBER);
    expect(count(stage, 'canary')).toBe(11);
  });
});
