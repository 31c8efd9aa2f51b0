// A short story of the soak in `soak.ts`, and how it judges. A real provider; chance comes from a seed, which stands in the name of the test: TALK_SEED=<seed> plays another
// story, and the soak draws its own.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Move } from '../device-calls.ts';
import { seed } from '../harness.ts';
import { play } from './story.ts';
import { judge, type Shown } from './verdict.ts';

describe('what can not be shown', () => {
  it(`is explained by what happened, or comes (seed ${seed})`, { timeout: 120_000 }, async () => {
    const plan = { seed, messages: 60, people: 3, rotation: 5, batch: 8, settleMs: 25_000, local: true };
    const { rooms, faults, lost } = await play(plan);
    const unexplained = rooms.map(judge).flatMap((room) => room.unexplained);
    expect({ unexplained, faults, lost }).toEqual({ unexplained: [], faults: [], lost: 0 });
  });
});

describe('the soak', () => {
  // It was excused where other devices had been asked for more than they give in an hour.
  it.each([
    ['fails where the writer could have given a key, whatever else was asked for', 0, 1],
    ['passes where it could not', 5, 0],
  ])('%s', async (_, since, code) => {
    const file = join(await mkdtemp(join(tmpdir(), 'soak-')), 'kept.json');
    const map = (...entries: unknown[]) => ({ entries });
    const about = { listedMs: 100, secured: false, troubles: [], texts: map() };
    const lacking = { ...about, device: 'a1', user: '@a', troubles: [{ seq: 2, at: 50, cause: 'NO_KEY' }] };
    const writer = { ...about, device: 'b1', user: '@b', texts: map([2, 'b1 x']) };
    const joined = (user: string, seq: number) => ({ seq, user, joined: true });
    const moves = [joined('@a', since), joined('@b', 1)];
    const rooms = [{ room: '!room', all: [lacking, writer], moves, rotation: 40 }];
    const counted = map(['keys.overAsked', 1_000]);
    await writeFile(file, JSON.stringify({ rooms, counted, happened: map(), faults: [], lost: 0 }));
    const soak = spawn(process.execPath, [join(import.meta.dirname, 'soak.ts'), '--judge', file], { stdio: 'ignore' });
    expect((await once(soak, 'exit'))[0]).toBe(code);
    await rm(dirname(file), { recursive: true });
  });
});

describe('the judge', () => {
  const shown = (over: Partial<Shown> = {}): Shown => ({
    ...{ device: 'a1', user: '@a', listedMs: 100, secured: false, troubles: [] },
    texts: new Map([
      [2, 'x'],
      [3, 'y'],
    ]),
    ...over,
  });
  const moves = [{ seq: 1, user: '@a', joined: true }];
  const lacks = (over: Partial<Shown> = {}, at = 50, cause = 'NO_KEY') =>
    shown({ texts: new Map([[3, 'y']]), troubles: [{ seq: 2, at, cause }], ...over });
  const other = (over: Partial<Shown> = {}) => shown({ device: 'b1', user: '@b', ...over });
  const judged = (all: Shown[], by: readonly Move[] = moves, rotation = 2) =>
    judge({ room: '!room', all, moves: by, rotation });
  const blames = (...all: Shown[]) => judged(all).unexplained.length;

  it('accepts what was written before a device of somebody without a backup, where nobody of theirs has it', () => {
    expect(blames(lacks(), other())).toBe(0);
    expect([...judged([lacks(), other()]).explained.keys()]).toEqual(['NO_KEY: the device that wrote it is gone']);
  });

  // Four messages of b1 are two sessions of it, at most one of which began before its reader came.
  it('says where the device that wrote it could have given it, since its reader was there from the first message on', () => {
    const texts = new Map([3, 4, 5, 6, 7, 8].map((seq) => [seq, `b1 ${seq}`]));
    const reader = shown({ texts: new Map(), troubles: [7, 8].map((seq) => ({ seq, at: 50, cause: 'NO_KEY' })) });
    const joined = (user: string, seq: number) => ({ seq, user, joined: true });
    const came = (reading: number, writing = 2) =>
      judged([reader, other({ texts })], [joined('@a', reading), joined('@b', writing)]);
    const [seven, eight] = ['a1 !room #7 NO_KEY by b1', 'a1 !room #8 NO_KEY by b1'];
    expect(came(1).notGiven).toEqual([seven, eight]);
    expect(came(4).notGiven).toEqual([eight]);
    expect(came(5).notGiven).toEqual([]);
    expect(came(1).unexplained.filter((line) => line.includes(' by '))).toEqual([seven, eight]);
    expect([...came(5).explained]).toEqual([['NO_KEY: its session may have begun before they were in', 2]]);
    expect([...came(1, 8).explained]).toEqual([['NO_KEY: who wrote it was out since', 1]]);
    expect(judged([reader, other({ texts, device: 'b2' })]).notGiven).toEqual([]);
  });

  it('knows that the first session of who came before the reader may be older, whatever came in it', () => {
    const texts = new Map([[3, 'b1 3']]);
    const reader = shown({ texts: new Map(), troubles: [{ seq: 3, at: 50, cause: 'NO_KEY' }] });
    const came = (reading: number, writing: number) => {
      const joined = (user: string, seq: number) => ({ seq, user, joined: true });
      return judged([reader, other({ texts })], [joined('@a', reading), joined('@b', writing)]).notGiven.length;
    };
    expect([came(2, 1), came(1, 2)]).toEqual([0, 1]);
  });

  it.each([
    ['written since', [lacks({}, 100), other()]],
    ['in a backup', [lacks({ secured: true }), other()]],
    ['on another device of theirs', [lacks(), shown({ device: 'a2' })]],
    ['of another cause', [lacks({}, 50, 'KEY_MISMATCH'), other()]],
    ['missing', [shown({ texts: new Map() }), other({ texts: new Map([[2, 'x']]) })]],
    ['another text', [shown({ texts: new Map([[2, 'z']]) }), other({ texts: new Map([[2, 'x']]) })]],
  ])('blames what is %s', (_, all) => {
    expect(blames(...all)).toBeGreaterThan(0);
  });

  it('asks nothing from before the last joining, nor of one who is out', () => {
    const late = [...moves, { seq: 2, user: '@a', joined: false }, { seq: 4, user: '@a', joined: true }];
    expect(judged([shown({ texts: new Map() }), other()], late).unexplained).toEqual([]);
    expect(judged([shown({ texts: new Map() }), other()], late.slice(0, 2)).unexplained).toEqual([]);
  });
});
