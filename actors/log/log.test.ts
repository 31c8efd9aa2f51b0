// What the pure code does beyond the stores' contract (src/server/storage/contract.ts runs it over real ones): the rule that needs a clock.
import { describe, expect, it } from 'vitest';
import { coveredKey, decodeCovered } from './covered.ts';
import { restMs } from './due.ts';
import { shardOf } from './shards.ts';
import { Desk, dayMs, lifeMs, logName as name } from './testing/desk.ts';

describe('a log whose rows expire', () => {
  it('is due to be sealed after a week, found by whoever sweeps, and keeps its seqs', () => {
    const desk = new Desk();
    desk.open();
    desk.append(1, Uint8Array.of(1));
    const dueMs = desk.now + 7 * dayMs;
    expect(desk.store.readDue(shardOf(name), dueMs - 1, 9)).toEqual([]);
    expect(desk.store.readDue(shardOf(name), dueMs, 9)).toEqual([{ dueMs, log: name, segment: 1 }]);
    desk.now = dueMs;
    desk.log.tick(desk.now);
    expect(desk.last?.kind).toBe('sealing');
    desk.log.command({ kind: 'sealed', changes: [] }, desk.now);
    desk.run();
    desk.now += lifeMs;
    desk.open();
    expect(desk.last).toMatchObject({ kind: 'opened', nextSeq: 2, floor: 2, rows: [] });
  });

  it('is due at half of the shortest life in it', () => {
    const desk = new Desk();
    desk.open();
    desk.append(1, Uint8Array.of(1));
    desk.append(2, Uint8Array.of(2), desk.now + 2 * dayMs);
    expect(desk.store.readDue(shardOf(name), desk.now + dayMs, 9)).toHaveLength(1);
  });

  it('keeps a row that comes too late for an hour', () => {
    const desk = new Desk();
    desk.open();
    desk.append(1, Uint8Array.of(1), desk.now - dayMs);
    desk.now += 3_600_000 - 1;
    desk.open();
    const opened = desk.answers.findLast(({ kind }) => kind === 'opened');
    expect(opened).toMatchObject({ nextSeq: 2, rows: [{ seq: 1 }] });
  });

  it('gives seqs out twice when rule 12 is left out', () => {
    const desk = new Desk();
    desk.open(12);
    desk.append(1, Uint8Array.of(1));
    expect(desk.last).toEqual({ kind: 'appended', throughSeq: 1 });
    desk.now += 7 * dayMs;
    desk.log.tick(desk.now);
    expect(desk.store.readDue(shardOf(name), desk.now, 9)).toEqual([]);
    desk.now += lifeMs;
    desk.open(12);
    expect(desk.last).toMatchObject({ kind: 'opened', nextSeq: 1 });
  });

  it('wakes up to cover what an owner left behind when it died', () => {
    const desk = new Desk();
    desk.open();
    desk.append(1, Uint8Array.of(1));
    desk.open();
    expect(desk.last).toMatchObject({ kind: 'opened', rows: [{ seq: 1 }] });
    desk.now += 7 * dayMs;
    desk.log.tick(desk.now);
    expect(desk.last?.kind).toBe('sealing');
    desk.log.command({ kind: 'sealed', changes: [{ key: 'k', value: Uint8Array.of(1), seq: 1, sub: 0 }] }, desk.now);
    desk.run();
    // Once: the new segment has no rows, and nothing is left to cover.
    desk.log.tick(desk.now);
    expect(desk.answers.filter(({ kind }) => kind === 'sealing')).toHaveLength(1);
    desk.open();
    expect(desk.last).toMatchObject({ kind: 'opened', rows: [], state: [{ key: 'k' }], nextSeq: 2 });
  });
});

describe("a log that is asked whether it is still its actor's", () => {
  it('says so after a fence read that began then, and fails where that says no', () => {
    const desk = new Desk();
    desk.open();
    desk.log.command({ kind: 'confirm', token: 7 }, desk.now);
    desk.run();
    expect(desk.last).toEqual({ kind: 'confirmed', token: 7 });
    desk.fence();
    desk.log.command({ kind: 'confirm', token: 8 }, desk.now);
    desk.run();
    expect(desk.last).toEqual({ kind: 'failed', code: 'FENCED' });
  });
});

describe('a log whose actor has something left to do', () => {
  it('is due a minute later, and until the actor closes at rest', () => {
    const desk = new Desk();
    desk.open();
    desk.owe(1);
    desk.run();
    desk.now += restMs - 1;
    expect(desk.isDue).toBe(false);
    desk.now += 1;
    expect(desk.isDue).toBe(true);
    desk.say('close', true);
    desk.run();
    expect(desk.isDue).toBe(true);
    desk.open();
    expect(desk.isDue).toBe(true);
    desk.say('close', false);
    desk.run();
    expect(desk.isDue).toBe(false);
  });

  it('acks a row that brings it only once that is remembered', () => {
    const desk = new Desk();
    desk.open();
    desk.owe(1);
    // The row and the state row.
    desk.step(2);
    expect(desk.last?.kind).toBe('opened');
    desk.run();
    expect(desk.last).toEqual({ kind: 'appended', throughSeq: 1 });
  });

  it.each([true, false])('stays due when it is sealed, wherever the process dies; known before: %s', (known) => {
    for (let requests = 0; requests < 12; requests++) {
      const desk = new Desk();
      desk.open();
      if (known) desk.owe(1);
      else desk.append(1, Uint8Array.of(1));
      desk.run();
      desk.now += 7 * dayMs;
      desk.log.tick(desk.now);
      expect(desk.last?.kind).toBe('sealing');
      desk.say('sealed', true);
      desk.step(requests);
      desk.die();
      desk.now += restMs;
      expect(desk.isDue).toBe(true);
      desk.open();
      desk.die();
      desk.now += restMs;
      expect(desk.isDue).toBe(true);
      desk.open();
      desk.say('close', false);
      desk.run();
      expect(desk.isDue).toBe(false);
    }
  });

  it('becomes due again with what it left at a close, in a segment without rows too', () => {
    const desk = new Desk();
    desk.open();
    desk.append(1, Uint8Array.of(1));
    desk.now += 7 * dayMs;
    desk.log.tick(desk.now);
    desk.say('sealed', false);
    desk.run();
    expect(desk.isDue).toBe(false);
    desk.say('close', true);
    desk.run();
    desk.now += restMs;
    expect(desk.isDue).toBe(true);
  });

  it('reads rows of the first layout, which knew of no unrest', () => {
    const value = new Uint8Array(48);
    new DataView(value.buffer).setFloat64(0, 7);
    const row = { key: coveredKey, value, segment: 1, seq: 7, sub: 0 };
    expect(decodeCovered(row)).toMatchObject({ through: 7, restless: false });
  });
});
