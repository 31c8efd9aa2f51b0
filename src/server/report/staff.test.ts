// What the provider's people see of reports: over the socket, by the command, against reports that the test makes.
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Content } from '#proto/gen/content.ts';
import { PayloadInner } from '#proto/gen/record.ts';
import { KeptReport } from '#proto/gen/report.ts';
import { runStaffCommand } from './staff-command.ts';
import { openStaffDoor, staffSocket } from './staff-door.ts';

const dayMs = 86_400_000;
const today = 20_000;
const none = new Uint8Array();

/** A report of a text. */
function reportOf(text: string): KeptReport {
  const body = { $case: 'text', value: { text } } as const;
  const content = Content.encode({ ...Content.decode(none), body }).finish();
  const inner = PayloadInner.encode({ ...PayloadInner.decode(none), content }).finish();
  const who = { reporter: '@ann:lux', reason: 'rude', reportedMs: today * dayMs + 5, acceptedMs: today * dayMs };
  return { ...KeptReport.decode(none), room: '!g:lux', seq: 3, member: 2, device: 1, inner, ...who };
}

let data: string;
let close: () => Promise<void>;
let closed: Set<number>;
/** By number, of today. */
let kept: Map<number, KeptReport>;
const failures: unknown[] = [];

beforeEach(async () => {
  data = mkdtempSync(join(tmpdir(), 'luxchat-staff-'));
  closed = new Set();
  kept = new Map([
    [7, reportOf('first')],
    [9, reportOf('second\u009b2J\u202e')],
  ]);
  // What one that was killed leaves.
  writeFileSync(staffSocket(data), '');
  close = await openStaffDoor({
    data,
    failed: (cause) => failures.push(cause),
    reports: {
      list: async (day, after = 0) =>
        [...kept]
          .flatMap(([number, report]) => (day === today && number > after ? [{ number, report }] : []))
          .slice(0, 1),
      closed: async () => closed,
      close: async (day, number) => {
        if (day !== today || !kept.has(number)) return false;
        closed.add(number);
        return true;
      },
    },
  });
});
afterEach(async () => {
  await close();
  rmSync(data, { recursive: true, force: true });
});

async function run(...words: string[]): Promise<{ readonly status: number; readonly lines: string[] }> {
  const lines: string[] = [];
  const status = await runStaffCommand({ words, data, now: () => today * dayMs + 9, say: (line) => lines.push(line) });
  return { status, lines };
}

describe('the command reports', () => {
  it('shows all that are open, page by page, with what was said, and nothing that steers the terminal', async () => {
    const { status, lines } = await run();
    expect(status).toBe(0);
    expect(lines.map((line) => JSON.parse(line).said)).toEqual(['first', 'second\u009b2J\u202e']);
    expect(JSON.parse(lines[0]!)).toEqual({
      id: '20000.7',
      reported: '2024-10-04T00:00:00.005Z',
      accepted: '2024-10-04T00:00:00.000Z',
      ...{ room: '!g:lux', seq: 3, member: 2, device: 1, reporter: '@ann:lux', reason: 'rude' },
      ...{ said: 'first', closed: false },
    });
    expect(lines.join('')).not.toMatch(/[\u007f-\u009f\u202e]/);
  });

  it('closes one, which is shown on demand only', async () => {
    expect(await run('close', '20000.7')).toEqual({ status: 0, lines: ['Closed.'] });
    expect((await run()).lines.map((line) => JSON.parse(line).id)).toEqual(['20000.9']);
    expect((await run('all')).lines.map((line) => JSON.parse(line).closed)).toEqual([true, false]);
    expect((await run('close', '20000.8')).status).toBe(1);
  });

  it.each([['close'], ['close', 'x'], ['close', '1.2', '3'], ['open'], ['all', 'all']])(
    'is refused as %s %s %s',
    async (...words) => expect((await run(...words)).status).toBe(2),
  );

  it('says where no node runs', async () => {
    await close();
    const { status, lines } = await run();
    expect([status, lines.join()]).toEqual([1, expect.stringContaining('No node runs')]);
  });
});

describe('the door', () => {
  it('is for its owner alone, and gone when the node is', async () => {
    expect(statSync(staffSocket(data)).mode & 0o777).toBe(0o600);
    await close();
    expect(existsSync(staffSocket(data))).toBe(false);
    expect(failures).toEqual([]);
  });
});
