// Each limit of the log at its bound and one beyond. A limit without a case fails the first test.
import { describe, expect, it } from 'vitest';
import { defaultLogLimits, type LogLimits, stateLimits } from './limits.ts';
import type { LogAnswer } from './messages.ts';
import { Desk, lifeMs, logName } from './testing/desk.ts';

type Limit = keyof LogLimits | keyof typeof stateLimits;

const row = (length = 1) => new Uint8Array(length);

function opened(limits: Partial<LogLimits>): Desk {
  const desk = new Desk(limits);
  desk.open();
  return desk;
}

/** A log with so many rows of so many bytes that nobody covered. */
function left(limits: Partial<LogLimits>, rows: number, bytes = 1): Desk {
  const desk = opened(limits);
  for (let seq = 1; seq <= rows; seq++) desk.append(seq, row(bytes));
  desk.die();
  desk.asked.length = 0;
  desk.open();
  return desk;
}

/** Rows that each read of the recovery brought, at most. */
function pagesOf({ asked, last }: Desk): [pages: number, rows: number] {
  const reads = asked.filter((each) => each.op === 'readRows' && each.range.through === Number.MAX_SAFE_INTEGER);
  return [reads.length, last?.kind === 'opened' ? last.rows.length : 0];
}

function saved(key: string, length: number): [answer: LogAnswer['kind'] | undefined, wrong: string | undefined] {
  const desk = opened({});
  desk.append(1, row());
  const changes = [{ key, value: row(length), seq: 1, sub: 0 }];
  desk.log.command({ kind: 'save', token: 1, changes }, desk.now);
  desk.run();
  return [desk.last?.kind, desk.broken[0]];
}

const cases: Record<Limit, () => void> = {
  segmentRowsMax() {
    const desk = opened({ segmentRowsMax: 3 });
    desk.append(1, row());
    desk.append(2, row());
    expect(desk.last).toEqual({ kind: 'appended', throughSeq: 2 });
    desk.append(3, row());
    expect(desk.last).toEqual({ kind: 'sealing' });
    // One more waits, and goes into the next segment.
    desk.append(4, row());
    expect(desk.last).toEqual({ kind: 'sealing' });
    desk.say('sealed', false);
    desk.run();
    expect(desk.last).toEqual({ kind: 'appended', throughSeq: 4 });
    expect(desk.store.readMeta(logName)?.segments).toMatchObject([
      { start: 1, end: 4 },
      { start: 4, end: null },
    ]);
  },
  segmentBytesMax() {
    const desk = opened({ segmentBytesMax: 10 });
    desk.append(1, row(9));
    expect(desk.last?.kind).toBe('appended');
    desk.append(2, row(1));
    expect(desk.last?.kind).toBe('sealing');
  },
  segmentAgeMs() {
    const desk = opened({ segmentAgeMs: 1_000 });
    desk.append(1, row());
    desk.now += 999;
    desk.log.tick(desk.now);
    expect(desk.last?.kind).toBe('appended');
    desk.now += 1;
    desk.log.tick(desk.now);
    expect(desk.last?.kind).toBe('sealing');
  },
  rowLifeMsMin() {
    const desk = opened({ rowLifeMsMin: 1_000 });
    for (const [seq, lives] of [999, 1_000, 1_001].entries()) desk.append(seq + 1, row(), desk.now + lives);
    const range = { from: 1, through: 9, limit: 9, bytesMax: 9, backwards: false };
    const kept = desk.store.readRows(logName, 1, range).map(({ expiresMs }) => expiresMs - desk.now);
    expect(kept).toEqual([1_000, 1_000, 1_001]);
  },
  attemptsMax() {
    for (const [failures, answer] of [
      [2, { kind: 'appended', throughSeq: 1 }],
      [3, { kind: 'failed', code: 'UNAVAILABLE' }],
    ] as const) {
      const desk = opened({ attemptsMax: 3 });
      desk.failures.set('writeRows', failures);
      desk.append(1, row());
      expect(desk.last).toEqual(answer);
    }
  },
  openAttemptsMax() {
    for (const [failures, kind] of [
      [2, 'opened'],
      [3, 'failed'],
    ] as const) {
      const desk = new Desk({ openAttemptsMax: 3 });
      desk.failures.set('casMeta', failures);
      desk.open();
      expect(desk.last?.kind).toBe(kind);
    }
  },
  // A page that is full is followed by another one.
  pageRows() {
    expect(pagesOf(left({ pageRows: 3 }, 2))).toEqual([2, 2]);
    expect(pagesOf(left({ pageRows: 3 }, 3))).toEqual([2, 3]);
    expect(pagesOf(left({ pageRows: 3 }, 4))).toEqual([3, 4]);
  },
  pageBytes() {
    expect(pagesOf(left({ pageBytes: 30 }, 3, 10))).toEqual([2, 3]);
    expect(pagesOf(left({ pageBytes: 30 }, 3, 11))).toEqual([3, 3]);
  },
  keyCharsMax() {
    expect(saved('k'.repeat(128), 1)).toEqual(['saved', undefined]);
    expect(saved('k'.repeat(129), 1)).toEqual(['failed', 'a state row with a bad key']);
    expect(saved('', 1)).toEqual(['failed', 'a state row with a bad key']);
  },
  valueBytesMax() {
    expect(saved('k', 1024 * 1024)).toEqual(['saved', undefined]);
    expect(saved('k', 1024 * 1024 + 1)).toEqual(['failed', 'a state row is too large']);
  },
};

describe('the limits of a log', () => {
  it('all have a case here', () => {
    expect(Object.keys(cases).sort()).toEqual(Object.keys({ ...defaultLogLimits, ...stateLimits }).sort());
  });

  it.each(Object.entries(cases))('%s', (_, check) => check());

  it('let a segment be sealed long before its shortest row expires, whatever its age may be', () => {
    const desk = opened({ segmentAgeMs: 10 * lifeMs });
    desk.append(1, row());
    desk.now += lifeMs / 2 - 1;
    desk.log.tick(desk.now);
    expect(desk.last?.kind).toBe('appended');
    desk.now += 1;
    desk.log.tick(desk.now);
    expect(desk.last?.kind).toBe('sealing');
  });
});
