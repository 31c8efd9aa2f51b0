// Rows that are saved together are read together, whatever of them had arrived when they were read.
import { describe, expect, it } from 'vitest';
import type { StateWrite, StoredState } from '../ports/state-store.ts';
import { splitState } from './covered.ts';
import type { StateChange } from './messages.ts';
import { missing, Redo } from './redo.ts';
import { Desk, logName } from './testing/desk.ts';

const change = (key: string, value: Uint8Array | null, sub = 0): StateChange => ({ key, value, seq: 1, sub });
const pair = [change('a', Uint8Array.of(1)), change('b', Uint8Array.of(2))];
const ownRows = (desk: Desk) =>
  Object.fromEntries(desk.store.readState(logName).map(({ key, value }) => [key, value.length]));

/** A log with one row, whose actor saves these. */
function saving(changes: readonly StateChange[]): Desk {
  const desk = new Desk();
  desk.open();
  desk.append(1, Uint8Array.of(1));
  desk.log.command({ kind: 'save', token: 1, changes }, desk.now);
  return desk;
}

/** What the redo of these rows holds, as it is read. */
function partsOf(rows: StateWrite['rows']): StoredState[] {
  const { value: request } = new Redo().write(rows).next();
  if (request?.op !== 'writeState') throw new Error('nothing is written');
  return request.rows as StoredState[];
}

describe('a save of several rows', () => {
  it('is there as a whole before any of its rows, which a fenced owner never writes', () => {
    const desk = saving(pair);
    desk.step(1);
    expect(Object.keys(ownRows(desk))).toEqual(['~redo/0']);
    desk.fence();
    desk.run();
    expect(desk.last).toEqual({ kind: 'failed', code: 'FENCED' });
    expect(Object.keys(ownRows(desk))).toEqual(['~redo/0']);
  });

  it('is put right by the next owner, in the store too, where its rows never arrived', () => {
    const desk = saving(pair);
    desk.step(1);
    desk.step(1);
    desk.die();
    desk.open();
    expect(desk.last).toMatchObject({ kind: 'opened', state: [{ key: 'a' }, { key: 'b' }], rows: [{ seq: 1 }] });
    expect(ownRows(desk)).toMatchObject({ a: 1, b: 1 });
  });

  it('takes no second place once the log is closed', () => {
    const desk = saving(pair);
    desk.run();
    expect(desk.last).toEqual({ kind: 'saved', token: 1 });
    desk.say('close', false);
    desk.run();
    expect(Object.keys(ownRows(desk)).sort()).toEqual(['a', 'b', '~covered']);
  });

  it('needs no help where it is one row, and has it where it is two', () => {
    const written = (changes: readonly StateChange[]) => {
      const desk = saving(changes);
      desk.run();
      return desk.asked.filter(({ op }) => op === 'writeState').length;
    };
    expect([written(pair.slice(0, 1)), written(pair)]).toEqual([1, 2]);
  });

  it('goes in as many parts as it takes, and is whole with all of them only', () => {
    const desk = saving([change('a', new Uint8Array(600_000)), change('b', new Uint8Array(600_000))]);
    desk.step(1);
    desk.step(1);
    desk.step(1);
    const read = desk.store.readState(logName);
    expect(read.map(({ key }) => key).sort()).toEqual(['~redo/0', '~redo/1', '~redo/2']);
    expect(missing(read).map(({ key, value }) => [key, value?.length])).toEqual([
      ['a', 600_000],
      ['b', 600_000],
    ]);
    expect(missing(read.filter(({ key }) => key !== '~redo/1'))).toEqual([]);
  });
});

describe('what is missing', () => {
  const rows = pair.map((row) => ({ ...row, segment: 3 }));
  const parts = partsOf(rows);

  it('is every row that is older or not there, and none that is newer', () => {
    const [a, b] = rows as [StoredState, StoredState];
    expect(missing([a, b, ...parts])).toEqual([]);
    expect(missing([a, ...parts])).toEqual([b]);
    expect(missing([{ ...a, segment: 2 }, { ...b, segment: 4 }, ...parts])).toEqual([a]);
    const { own, torn } = splitState([{ ...a, segment: 2 }, b, ...parts], { omit: undefined });
    expect([own, torn]).toEqual([[a, b], [a]]);
  });

  it('is a deletion, too, where the row is still there', () => {
    const gone = partsOf([{ ...rows[0]!, value: null }, rows[1]!]);
    const old: StoredState = { ...(rows[0] as StoredState), segment: 2 };
    expect(splitState([old, ...gone], { omit: undefined }).own.map(({ key }) => key)).toEqual(['b']);
    expect(missing([rows[1] as StoredState, ...gone])).toEqual([]);
  });

  it('is nothing once the next save has begun to take the place of its parts', () => {
    const later = partsOf(rows.map((row) => ({ ...row, sub: 1 })));
    const two = [{ ...parts[0]!, key: '~redo/1' }, ...later];
    expect(missing(two).map(({ sub }) => sub)).toEqual([1, 1]);
    const halves = [parts[0]!, { ...later[0]!, key: '~redo/1', value: Uint8Array.of(0, 0, 0, 2) }];
    expect(missing(halves)).toEqual([]);
  });
});
