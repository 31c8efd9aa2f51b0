// What the provider's people see of reports: over the socket, by the command, against reports that the test makes.

import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Content } from '#proto/gen/content.ts';
import { PayloadInner } from '#proto/gen/record.ts';
import { KeptReport } from '#proto/gen/report.ts';
import { runStaffCommand } from './staff-command.ts';
import { openStaffDoor, type StaffDoorOptions, staffSocket } from './staff-door.ts';

const dayMs = 86_400_000;
const umaskOf = process.umask.bind(process);
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
/** What the door is opened with; a test may have its reports fail. */
let reports: StaffDoorOptions['reports'];
let failures: unknown[];
let timeoutMs: number;

beforeEach(async () => {
  data = mkdtempSync(join(tmpdir(), 'luxchat-staff-'));
  closed = new Set();
  kept = new Map([
    [7, reportOf('first')],
    [9, reportOf('second\u009b2J\u202e')],
  ]);
  failures = [];
  timeoutMs = 10_000;
  // What one that was killed leaves.
  writeFileSync(staffSocket(data), '');
  reports = {
    list: async (day, after = 0) =>
      [...kept]
        .flatMap(([number, report]) => (day === today && number > after ? [{ number, report }] : []))
        .slice(0, 1),
    authors: async (page) => page.map(({ room, member }) => `author ${member} of ${room}`),
    closed: async (_day, from, through) => new Set([...closed].filter((each) => each >= from && each <= through)),
    close: async (day, number) => {
      if (day !== today || !kept.has(number)) return false;
      closed.add(number);
      return true;
    },
  };
  close = await open(data);
});
afterEach(async () => {
  await close();
  rmSync(data, { recursive: true, force: true });
});

const open = (folder: string) =>
  openStaffDoor({
    data: folder,
    failed: (cause) => failures.push(cause),
    reports: {
      list: (...args) => reports.list(...args),
      authors: (...args) => reports.authors(...args),
      closed: (...args) => reports.closed(...args),
      close: (...args) => reports.close(...args),
    },
  });

async function run(...words: string[]): Promise<{ readonly status: number; readonly lines: string[] }> {
  const lines: string[] = [];
  const say = (line: string) => lines.push(line);
  const status = await runStaffCommand({ words, data, now: () => today * dayMs + 9, say, timeoutMs });
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
      ...{
        room: '!g:lux',
        seq: 3,
        member: 2,
        device: 1,
        author: 'author 2 of !g:lux',
        reporter: '@ann:lux',
        reason: 'rude',
      },
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

// It said that there were no such reports, or nothing and 0.
describe('a node that can’t say', () => {
  const couldNot = { status: 1, lines: [expect.stringContaining('could not say')] };

  it('is not taken for one without reports', async () => {
    const failed = new Error('the store is away');
    reports = { ...reports, list: () => Promise.reject(failed), close: () => Promise.reject(failed) };
    expect([await run(), await run('close', '20000.7')]).toEqual([couldNot, couldNot]);
    expect(failures).toEqual([failed, failed]);
  });

  it('is not waited for long', async () => {
    timeoutMs = 20;
    const never = new Promise<never>(() => {});
    reports = { ...reports, list: () => never, close: () => never };
    expect([await run(), await run('close', '20000.7')]).toEqual([couldNot, couldNot]);
  });

  it('may have said some before', async () => {
    const { list } = reports;
    reports = {
      ...reports,
      list: (day, after = 0) => (after < 7 ? list(day, after) : Promise.reject(new Error('away'))),
    };
    const { status, lines } = await run();
    expect([status, lines[0], lines[1]]).toEqual([1, expect.stringContaining('first'), couldNot.lines[0]]);
  });

  it.each(['404', 'nothing'])('may be another program, which answers with %s', async (what) => {
    await close();
    const other = createServer((_, response) => (what === '404' ? response.writeHead(404).end() : response.destroy()));
    await new Promise<void>((listening) => other.listen(staffSocket(data), listening));
    expect(await run()).toEqual(couldNot);
    await new Promise((gone) => other.close(gone));
  });
});

describe('the door', () => {
  it('stands open to nobody else for a moment', async () => {
    await close();
    const asked: (string | number | undefined)[] = [];
    const umask = vi.spyOn(process, 'umask').mockImplementation((mask) => {
      asked.push(mask, existsSync(staffSocket(data)) ? 'made' : 'not made');
      return umaskOf(mask as number);
    });
    close = await open(data);
    umask.mockRestore();
    expect(asked).toEqual([0o177, 'not made', expect.any(Number), 'made']);
    expect(process.umask()).toBe(asked[2]);
  });

  it('that can’t be made keeps no node from its start', async () => {
    mkdirSync(join(data, 'taken', 'staff.sock'), { recursive: true });
    for (const folder of [join(data, 'taken'), join(data, 'x'.repeat(200)), join(data, 'nowhere')])
      await (await open(folder))();
    expect(failures).toMatchObject([{ code: 'ERR_FS_EISDIR' }, { code: 'EINVAL' }, { code: 'EACCES' }]);
  });

  it('is for its owner alone, and gone when the node is', async () => {
    expect(statSync(staffSocket(data)).mode & 0o777).toBe(0o600);
    await close();
    expect(existsSync(staffSocket(data))).toBe(false);
    expect(failures).toEqual([]);
  });
});
