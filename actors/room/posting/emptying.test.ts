import { describe, expect, it } from 'vitest';
import { Rejection } from '#proto/gen/codes.ts';
import { EmptyingCause, Role } from '#proto/gen/record.ts';
import { makeActor, testPrimitives } from '#proto/golden/cast.ts';
import { limits as protocol } from '#proto/rules/limits.ts';
import { checkRecord } from '#proto/rules/record/record.ts';
import { codeOf, type Seen, Stage } from '../testing/stage.ts';

const ada = makeActor('@ada:lux.example');
const ben = makeActor('@ben:lux.example');
const cid = makeActor('@cid:lux.example');
const code = (seen: Seen) => seen.answers.map(({ body }) => codeOf(body))[0];
const { EMPTYING_CAUSE_MODERATOR: moderator } = EmptyingCause;
const { EMPTYING_CAUSE_QUOTA: quota } = EmptyingCause;

/** Ada the owner, Ben a member who says `canary` at seqs 4 and 5. */
function stageWith(ringRecordsMax = 256): Stage {
  const stage = Stage.group(ada, testPrimitives, { limits: { ringRecordsMax } });
  stage.join(ada, ben);
  stage.say(ben, 'canary 4');
  stage.say(ben, 'canary 5');
  return stage;
}

function bodies(seen: Seen): [number, number][] {
  const body = seen.answers[0]?.body;
  if (body?.$case !== 'recordPage') throw new Error('no page');
  return body.value.records.map(({ body: bytes, emptiedBy }) => [bytes.length, emptiedBy]);
}

const holdsCanary = (stage: Stage) => stage.log.rows.some((row) => new TextDecoder().decode(row).includes('canary'));

describe('an emptying', () => {
  it('by the author takes the bodies out of pages and log, and leaves the chain whole', () => {
    for (const ringRecordsMax of [256, 1]) {
      const stage = stageWith(ringRecordsMax);
      expect(holdsCanary(stage)).toBe(true);
      expect(code(stage.empty(ben, [4, 5]))).toBe('accepted');
      expect(bodies(stage.fetch(ben, { from: 4, through: 5 }))).toEqual([
        [0, 6],
        [0, 6],
      ]);
      expect(holdsCanary(stage)).toBe(false);
      expect(stage.state.emptyings.size).toBe(0);
      const page = stage.fetch(ada).answers[0]?.body;
      if (page?.$case !== 'recordPage') throw new Error('no page');
      let head = null;
      for (const record of page.value.records) {
        const checked = checkRecord(record, head, { room: stage.room, primitives: testPrimitives });
        if (typeof checked === 'string') throw new Error(checked);
        head = checked.head;
      }
    }
  });

  it('shows the rows empty from the moment it is covered, before the log is rewritten', () => {
    const stage = stageWith(1);
    const room = stage.actor;
    stage.covers = false;
    stage.empty(ben, [4]);
    expect(bodies(stage.fetch(ben, { from: 4, through: 4 }))).toEqual([[8, 0]]);
    // Covered, but the log has answered nothing since.
    const effects = room.receive({ kind: 'log', answer: { kind: 'appended', throughSeq: 6 } }, 0);
    expect(effects.map(({ kind }) => kind)).toEqual(['answer', 'deliver', 'log']);
    stage.log.covered = 6;
    expect(bodies(stage.fetch(ben, { from: 4, through: 4 }))).toEqual([[0, 6]]);
    expect(holdsCanary(stage)).toBe(true);
  });

  it('is carried out after a crash that came before the rewriting, and again without harm', () => {
    const stage = stageWith();
    stage.covers = false;
    stage.empty(ben, [4, 5]);
    stage.crash(true);
    expect(holdsCanary(stage)).toBe(true);
    stage.fetch(ada);
    expect(holdsCanary(stage)).toBe(false);
    const rows = stage.log.rows.slice();
    stage.crash(true);
    stage.fetch(ada);
    expect(stage.log.rows).toEqual(rows);
  });

  it('is remembered by the state when the segment is sealed before the rewriting is done', () => {
    const stage = stageWith();
    const room = stage.actor;
    stage.covers = false;
    stage.empty(ben, [4, 5]);
    stage.log.covered = 6;
    room.receive({ kind: 'log', answer: { kind: 'appended', throughSeq: 6 } }, 0);
    const [sealed] = room.receive({ kind: 'log', answer: { kind: 'sealing' } }, 0);
    if (sealed?.kind !== 'log') throw new Error('not sealed');
    stage.log.command(sealed.command);
    stage.crash(true);
    stage.fetch(ada);
    expect(holdsCanary(stage)).toBe(false);
    stage.log.seal();
    stage.cover();
    expect([...stage.log.state.keys()].filter((key) => key.startsWith('emptying/'))).toEqual(['emptying/6']);
    expect(stage.log.state.get('emptying/6')?.value).toBe(null);
  });

  it('is FORBIDDEN for rows of others, for control rows and for ranges of providers, from memory and from the log', () => {
    for (const ringRecordsMax of [256, 1]) {
      const stage = stageWith(ringRecordsMax);
      stage.join(ada, cid, Role.ROLE_MODERATOR);
      expect(code(stage.empty(cid, [4]))).toBe(Rejection.REJECTION_FORBIDDEN);
      expect(code(stage.empty(ben, [3]))).toBe(Rejection.REJECTION_FORBIDDEN);
      expect(code(stage.empty(ben, [4], moderator))).toBe(Rejection.REJECTION_FORBIDDEN);
      expect(code(stage.empty(cid, [1, 4], moderator))).toBe(Rejection.REJECTION_FORBIDDEN);
      expect(code(stage.empty(cid, [4], moderator))).toBe('accepted');
      stage.say(ada, 'from above');
      expect(code(stage.empty(cid, [9], moderator))).toBe(Rejection.REJECTION_FORBIDDEN);
      const range = stage.emptying(ben, { cause: quota, fromSeq: 4, throughSeq: 5, member: 2 });
      expect(code(stage.send(ben, range))).toBe(Rejection.REJECTION_FORBIDDEN);
    }
  });

  it('names 1 to 64 rows that exist; those that have expired are skipped', () => {
    const stage = stageWith(1);
    for (let i = 6; i <= 70; i++) stage.say(ben, `canary ${i}`);
    const range = (from: number, through: number) => Array.from({ length: through - from + 1 }, (_, i) => from + i);
    expect(code(stage.empty(ben, range(6, 70)))).toBe(Rejection.REJECTION_BAD_EVENT);
    expect(code(stage.empty(ben, []))).toBe(Rejection.REJECTION_BAD_EVENT);
    expect(code(stage.empty(ben, [70, 71]))).toBe(Rejection.REJECTION_BAD_EVENT);
    expect(code(stage.empty(ben, range(6, 6 + protocol.emptyingSeqsMax - 1)))).toBe('accepted');
    stage.log.seal();
    stage.cover();
    stage.log.floor = 5;
    stage.crash();
    stage.fetch(ada);
    expect(code(stage.empty(ben, [4, 5]))).toBe('accepted');
    expect(bodies(stage.fetch(ada, { from: 5, through: 5 }))).toEqual([[0, 72]]);
  });

  it("makes the device's later submits wait until its rows are looked up, and nobody else's", () => {
    const stage = stageWith(1);
    const from = { ben: stage.from(ben), ada: stage.from(ada) };
    const say = (user: typeof ada) => stage.event(user, new Uint8Array(1));
    const tell = (who: 'ada' | 'ben', submit: ReturnType<typeof say>) =>
      stage.actor.receive({ kind: 'submit', from: from[who], submit }, stage.now);
    const emptying = stage.emptying(ben, { cause: EmptyingCause.EMPTYING_CAUSE_AUTHOR, seqs: [4] });
    expect(tell('ben', emptying)).toMatchObject([{ kind: 'log', command: { kind: 'read' } }]);
    expect(tell('ben', say(ben))).toEqual([]);
    expect(tell('ada', say(ada))).toMatchObject([{ command: { kind: 'append', fromSeq: 6 } }]);
    expect(stage.actor.idle()).toBe(false);
    const row = { seq: 4, bytes: stage.log.rows[3]! };
    const rows = { kind: 'rows', token: 1, rows: [row], floor: 1, next: 0 } as const;
    const effects = stage.actor.receive({ kind: 'log', answer: rows }, stage.now);
    expect(effects).toMatchObject([{ command: { fromSeq: 7 } }, { command: { fromSeq: 8 } }]);
  });
});
