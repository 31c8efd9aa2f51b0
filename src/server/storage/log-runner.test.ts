import { beforeEach, describe, expect, it } from 'vitest';
import { coveredKey, encodeCovered, nothingCovered } from '#actors/log/covered.ts';
import type { LogAnswer, LogCommand } from '#actors/log/messages.ts';
import { shardOf } from '#actors/log/shards.ts';
import { type RowWrite, writeLimits } from '#actors/ports/log-store.ts';
import { bytes, text, yearMs } from './contract-owner.ts';
import { peekHeads } from './heads.ts';
import { LogRunner, type LogRunnerOptions } from './log-runner.ts';
import { InMemoryStore } from './memory/store.ts';
import { sweepDue } from './sweep.ts';

const start = Date.UTC(2027, 0, 13);

/** A memory store that counts its calls and fails when told to. */
class CountingStore extends InMemoryStore {
  calls: string[] = [];
  failures = 0;
  fenceFails = false;
  override writeCallsMax = 2;
  /** While there is one, rows wait for it. */
  held: Promise<void> | null = null;
  /** Rows of these logs are neither written nor refused, and those of all others told as soon as they are written. */
  readonly hanging = new Set<string>();

  override async writeRows(writes: readonly RowWrite[], done: (at: number) => void = () => {}): Promise<void> {
    this.calls.push(`writeRows ${writes.length}`);
    await this.held;
    this.#maybeFail();
    await super.writeRows(writes.filter(({ log }) => !this.hanging.has(log)));
    if (this.hanging.size === 0) return;
    for (const [at, { log }] of writes.entries()) if (!this.hanging.has(log)) done(at);
    if (writes.some(({ log }) => this.hanging.has(log))) await new Promise(() => {});
  }

  /** While there is a list, changes of metas are not answered, and wait in it. */
  lateMetas: (() => Promise<boolean>)[] | null = null;

  override async casMeta(...args: Parameters<InMemoryStore['casMeta']>): Promise<boolean> {
    if (this.lateMetas === null) return await super.casMeta(...args);
    this.lateMetas.push(() => super.casMeta(...args));
    throw new Error('nothing heard');
  }

  override async readMeta(...args: Parameters<InMemoryStore['readMeta']>): ReturnType<InMemoryStore['readMeta']> {
    this.calls.push('readMeta');
    return await super.readMeta(...args);
  }

  override async readFence(...args: Parameters<InMemoryStore['readFence']>): ReturnType<InMemoryStore['readFence']> {
    this.calls.push('readFence');
    if (this.fenceFails) throw new Error('nothing heard');
    return await super.readFence(...args);
  }

  #maybeFail(): void {
    if (this.failures > 0) {
      this.failures--;
      throw new Error('nothing heard');
    }
  }
}

describe('the log runner', () => {
  let now: number;
  let store: CountingStore;
  let runner: LogRunner;
  let answers: [string, number, LogAnswer][];
  let delays: number[];
  let flush: (() => void) | null;

  const begin = async (more: Partial<Omit<LogRunnerOptions, 'store'>> = {}) => {
    const later = (run: () => void, delayMs: number) => {
      delays.push(delayMs);
      queueMicrotask(run);
    };
    const schedule = (run: () => void) => {
      flush = run;
    };
    const { generation, ...options } = { store, now: () => now, schedule, later, ...more };
    const made =
      generation === undefined
        ? await LogRunner.start({ ...options, node: 'n' })
        : new LogRunner({ ...options, generation });
    return made.serve((actor, incarnation, answer) => void answers.push([actor, incarnation, answer]));
  };
  beforeEach(async () => {
    now = start;
    store = new CountingStore(() => now);
    [answers, delays, flush] = [[], [], null];
    runner = await begin();
  });

  /** Lets everything happen that can. */
  const settle = async () => {
    for (let turn = 0; turn < 50; turn++) {
      await new Promise((resolve) => setImmediate(resolve));
      const run = flush;
      flush = null;
      run?.();
    }
  };
  const append = (log: string, incarnation: number, fromSeq: number, ...texts: string[]) => {
    const rows = texts.map((each) => ({ bytes: bytes(each), acceptedMs: now, expiresMs: now + yearMs }));
    runner.command(log, incarnation, { kind: 'append', fromSeq, rows });
  };
  const open = async (log: string, incarnation = 1) => {
    runner.command(log, incarnation, { kind: 'open', create: true });
    await settle();
  };
  const kinds = (log: string) => answers.filter(([actor]) => actor === log).map(([, , { kind }]) => kind);
  const read = async (log: string, incarnation: number) => {
    const range = { fromSeq: 1, throughSeq: 99, limit: 99, bytesMax: 999, backwards: false };
    runner.command(log, incarnation, { kind: 'read', token: 1, ...range });
    await settle();
    const last = answers.at(-1)?.[2];
    return last?.kind === 'rows' ? last.rows.map((row) => text(row.bytes)) : [];
  };

  it('writes the rows of one turn in one call and covers them with one fence read', async () => {
    const logs = Array.from({ length: 40 }, (_, i) => `room/!${i}`);
    for (const log of logs) runner.command(log, 1, { kind: 'open', create: true });
    await settle();
    store.calls = [];
    for (const log of logs) append(log, 1, 1, 'a');
    for (const log of logs) append(log, 1, 2, 'b');
    await settle();
    expect(store.calls).toEqual(['writeRows 40', 'readFence']);
    for (const log of logs) expect(kinds(log)).toEqual(['opened', 'appended']);
  });

  it('gathers what an actor appends while the store is busy, and keeps the order of its commands', async () => {
    await open('room/!a');
    append('room/!a', 1, 1, 'a');
    append('room/!a', 1, 2, 'b');
    runner.command('room/!a', 1, { kind: 'save', token: 9, changes: [] });
    append('room/!a', 1, 3, 'c', 'd');
    append('room/!a', 1, 5, 'e');
    store.calls = [];
    await settle();
    // What came before the save went to the log with it.
    expect(store.calls.filter((call) => call.startsWith('writeRows'))).toEqual(['writeRows 2']);
    expect(answers.at(-1)?.[2]).toEqual({ kind: 'appended', throughSeq: 5 });
    expect(await read('room/!a', 1)).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('gathers 256 rows of a log, and not one more', async () => {
    await open('room/!a');
    store.calls = [];
    for (let seq = 1; seq <= 256; seq++) append('room/!a', 1, seq, '');
    await settle();
    expect(store.calls.filter((call) => call.startsWith('writeRows'))).toEqual(['writeRows 1']);
    store.calls = [];
    for (let seq = 257; seq <= 513; seq++) append('room/!a', 1, seq, '');
    await settle();
    expect(store.calls.filter((call) => call.startsWith('writeRows'))).toEqual(['writeRows 2']);
    expect(answers.at(-1)?.[2]).toEqual({ kind: 'appended', throughSeq: 513 });
  });

  it.each([2, 5])('has %i calls for rows under way where its store says so, and not one more', async (callsMax) => {
    store.writeCallsMax = callsMax;
    runner = await begin();
    const logs = Array.from({ length: callsMax + 3 }, (_, n) => `room/!${n}`);
    for (const log of logs) await open(log);
    const held = Promise.withResolvers<void>();
    store.held = held.promise;
    store.calls = [];
    const calls = () => store.calls.filter((call) => call !== 'readFence');
    for (const log of logs) {
      append(log, 1, 1, 'a');
      await settle();
    }
    expect(calls()).toEqual(new Array(callsMax).fill('writeRows 1'));
    held.resolve();
    await settle();
    expect(calls()).toEqual([...new Array(callsMax).fill('writeRows 1'), 'writeRows 3']);
    for (const log of logs) expect(await read(log, 1)).toEqual(['a']);
  });

  it('acks what is written beside a log that hangs, after a read of the fence that came later, and never the other', async () => {
    runner = await begin({ later: () => {} });
    await open('room/!hangs');
    await open('room/!a');
    store.hanging.add('room/!hangs');
    store.calls = [];
    append('room/!hangs', 1, 1, 'x');
    append('room/!a', 1, 1, 'a');
    await settle();
    expect(store.calls).toEqual(['writeRows 2', 'readFence']);
    expect([kinds('room/!a'), kinds('room/!hangs')]).toEqual([['opened', 'appended'], ['opened']]);
    // Written, but the fence can't be read any more: no ack on the strength of the earlier read.
    store.fenceFails = true;
    append('room/!a', 1, 2, 'b');
    await settle();
    expect(kinds('room/!a')).toEqual(['opened', 'appended']);
  });

  it('cuts a call at its limit of rows, and not one row below', async () => {
    await open('room/!a');
    await open('room/!b');
    store.calls = [];
    const half = new Array<string>(writeLimits.rows / 2).fill('');
    append('room/!a', 1, 1, ...half);
    append('room/!b', 1, 1, ...half);
    await settle();
    expect(store.calls.filter((call) => call !== 'readFence')).toEqual(['writeRows 2']);
    store.calls = [];
    append('room/!a', 1, half.length + 1, ...half);
    append('room/!b', 1, half.length + 1, ...half, '');
    await settle();
    expect(store.calls.filter((call) => call !== 'readFence')).toEqual(['writeRows 1', 'writeRows 1']);
  });

  it('says nothing of an incarnation that has ended, and lets the next one find its rows', async () => {
    await open('room/!a', 1);
    append('room/!a', 1, 1, 'a');
    flush?.();
    runner.forget('room/!a', 1);
    await open('room/!a', 2);
    expect(answers.map(([, incarnation, { kind }]) => `${incarnation} ${kind}`)).toEqual(['1 opened', '2 opened']);
    append('room/!a', 1, 2, 'late');
    await settle();
    expect(await read('room/!a', 2)).toEqual(['a']);
  });

  it('drops the old log when a new incarnation opens without a word', async () => {
    await open('room/!a', 1);
    append('room/!a', 1, 1, 'a');
    flush?.();
    await open('room/!a', 2);
    append('room/!a', 2, 2, 'b');
    await settle();
    expect(answers.filter(([, incarnation]) => incarnation === 1)).toHaveLength(1);
    expect(await read('room/!a', 2)).toEqual(['a', 'b']);
    expect(runner.size).toBe(1);
  });

  it('repeats what failed, waiting longer each time', async () => {
    await open('room/!a');
    store.failures = 3;
    append('room/!a', 1, 1, 'a');
    await settle();
    expect(kinds('room/!a')).toEqual(['opened', 'appended']);
    expect(delays).toEqual([50, 100, 200]);
  });

  it('tells what the store failed at, once a second at most', async () => {
    const told: unknown[] = [];
    runner = await begin({ failed: (cause) => told.push(cause) });
    await open('room/!a');
    const fail = async (seq: number) => {
      store.failures = 2;
      append('room/!a', 1, seq, 'a');
      await settle();
      return told.length;
    };
    expect(await fail(1)).toBe(1);
    now += 999;
    expect(await fail(2)).toBe(1);
    now += 1;
    expect(await fail(3)).toBe(2);
    expect(told[0]).toEqual(new Error('nothing heard'));
  });

  it('gives up a log after six failures, and is healthy again after the next answer', async () => {
    await open('room/!a');
    store.failures = 6;
    append('room/!a', 1, 1, 'a');
    await settle();
    expect(answers.at(-1)?.[2]).toEqual({ kind: 'failed', code: 'UNAVAILABLE' });
    expect(runner.size).toBe(0);
    await open('room/!a', 2);
    expect(runner.healthy()).toBe(true);
  });

  it('is not healthy while its fence can’t be read', async () => {
    const held: (() => void)[] = [];
    runner = await begin({ later: (run) => held.push(run) });
    await open('room/!a');
    store.fenceFails = true;
    append('room/!a', 1, 1, 'a');
    await settle();
    expect([runner.healthy(), kinds('room/!a')]).toEqual([false, ['opened']]);
    store.fenceFails = false;
    for (const run of held) run();
    await settle();
    expect([runner.healthy(), kinds('room/!a')]).toEqual([true, ['opened', 'appended']]);
  });

  it('tells once that the generation was fenced, and acks nothing more', async () => {
    let fenced = 0;
    runner = await begin({ fenced: () => fenced++ });
    await open('room/!a');
    await open('room/!b');
    const successor = await begin();
    append('room/!a', 1, 1, 'a');
    append('room/!b', 1, 1, 'b');
    await settle();
    expect(answers.slice(-2).map(([, , answer]) => answer)).toEqual([
      { kind: 'failed', code: 'FENCED' },
      { kind: 'failed', code: 'FENCED' },
    ]);
    expect([fenced, runner.healthy(), successor.healthy()]).toEqual([1, false, true]);
  });

  it('answers that it was stopped', async () => {
    await open('room/!a');
    append('room/!a', 1, 1, 'a');
    flush?.();
    await runner.stop();
    const before = answers.length;
    runner.command('room/!a', 2, { kind: 'open', create: true });
    await settle();
    expect(answers.slice(before)).toEqual([['room/!a', 2, { kind: 'failed', code: 'UNAVAILABLE' }]]);
  });

  it('reports an actor that breaks the contract', async () => {
    const reasons: string[] = [];
    runner = await begin({ broken: (reason) => reasons.push(reason) });
    await open('room/!a');
    append('room/!a', 1, 7, 'a');
    flush?.();
    expect(reasons).toEqual(['append out of order']);
    expect(runner.size).toBe(0);
  });

  const close = async (log: string, incarnation: number, seq: number) => {
    const command: LogCommand = {
      kind: 'close',
      changes: [{ key: 'summary', value: bytes(`head ${seq}`), seq, sub: 0 }],
    };
    runner.command(log, incarnation, command);
    await settle();
  };

  it('remembers clean closes up to n logs, and forgets the oldest at n + 1', async () => {
    runner = await begin({ stubsMax: 2 });
    for (const log of ['room/!a', 'room/!b', 'room/!c']) {
      await open(log);
      append(log, 1, 1, 'x');
      await settle();
      await close(log, 1, 1);
    }
    const versions = async () =>
      Promise.all(['a', 'b', 'c'].map(async (each) => (await store.readMeta(`room/!${each}`))?.version));
    for (const log of ['room/!a', 'room/!b', 'room/!c']) await open(log, 2);
    expect(await versions()).toEqual([2, 1, 1]);
  });

  // Its story: the other node's change of the meta came when this one was writing again, by its stub, and sealed the segment beneath it: what it acked
  // was gone for the next owner.
  it('opens a new segment where its shard was elsewhere meanwhile: rule 14', async () => {
    const log = 'room/!a';
    await open(log);
    append(log, 1, 1, 'x');
    await settle();
    await close(log, 1, 1);
    const home = runner;
    store.lateMetas = [];
    runner = await begin({ generation: await store.createGeneration('other') });
    await open(log);
    expect(kinds(log).at(-1)).toBe('failed');
    const [late] = store.lateMetas;
    store.lateMetas = null;
    runner = home;
    runner.forgetStubs(new Set([shardOf(log)]));
    await open(log, 2);
    expect(await late?.()).toBe(false);
    append(log, 2, 2, 'y');
    await settle();
    expect(answers.at(-1)?.[2]).toEqual({ kind: 'appended', throughSeq: 2 });
    runner = await begin();
    await open(log);
    expect(await read(log, 1)).toEqual(['x', 'y']);
  });

  it('tells the heads of logs that are asleep and covered, and no others', async () => {
    for (const log of ['room/!clean', 'room/!crashed', 'room/!behind']) {
      await open(log);
      append(log, 1, 1, 'x');
      await settle();
    }
    await close('room/!clean', 1, 1);
    await close('room/!behind', 1, 1);
    await open('room/!behind', 2);
    append('room/!behind', 2, 2, 'y');
    await settle();
    const heads = await peekHeads(store, ['room/!clean', 'room/!crashed', 'room/!behind', 'room/!none'], 'summary');
    expect([...heads]).toEqual([['room/!clean', { nextSeq: 2, value: bytes('head 1') }]]);
  });

  it('wakes who has something left to do from a minute on, until that is done, and then forgets it', async () => {
    const woken: string[] = [];
    const sweep = () => sweepDue({ store, get: (log) => runner.get(log), now, wake: (log) => woken.push(log) });
    await open('room/!a');
    const rows = [bytes('x'), bytes('y')].map((each) => ({ bytes: each, acceptedMs: now, expiresMs: now + yearMs }));
    // Gathered with a row that brings nothing to do.
    runner.command('room/!a', 1, { kind: 'append', fromSeq: 1, rows: rows.slice(0, 1), restless: true });
    runner.command('room/!a', 1, { kind: 'append', fromSeq: 2, rows: rows.slice(1) });
    await settle();
    runner.forget('room/!a', 1);
    expect(await sweep()).toBe(0);
    now += 60_000;
    expect([await sweep(), await sweep(), woken]).toEqual([1, 1, ['room/!a', 'room/!a']]);
    await open('room/!a', 2);
    store.calls = [];
    expect([await sweep(), woken.length, store.calls]).toEqual([1, 2, []]);
    await close('room/!a', 2, 2);
    expect(await sweep()).toBe(0);
    expect(await store.readDue(shardOf('room/!a'), now, 9)).toEqual([]);
  });

  it('comes to what is due behind much that stays', async () => {
    const shard = shardOf('room/!a');
    const logs = Array.from({ length: 20_000 }, (_, n) => `room/!${n}`).filter((log) => shardOf(log) === shard);
    const stays = logs.slice(0, 150);
    for (const log of [...stays, 'room/!a']) {
      await store.writeRows([{ log, segment: 0, rows: [], replace: false, dueMs: log === 'room/!a' ? 2 : 1 }]);
      const covered = encodeCovered({ ...nothingCovered, restless: true });
      await store.writeState([{ log, rows: [{ key: coveredKey, value: covered, segment: 1, seq: 0, sub: 0 }] }]);
    }
    const woken: string[] = [];
    expect(await sweepDue({ store, get: () => undefined, now, wake: (log) => woken.push(log) })).toBe(151);
    expect(woken).toContain('room/!a');
  });

  it('wakes logs that are due and forgets those that are sealed and covered', async () => {
    const woken: string[] = [];
    const sweep = () => sweepDue({ store, get: (log) => runner.get(log), now, wake: (log) => woken.push(log) });
    for (const log of ['room/!asleep', 'room/!awake']) {
      await open(log);
      append(log, 1, 1, 'x');
      await settle();
    }
    await close('room/!asleep', 1, 1);
    expect(await sweep()).toBe(0);
    now += 7 * 24 * 3_600_000;
    expect(await sweep()).toBe(2);
    expect(woken).toEqual(['room/!asleep']);
    expect(kinds('room/!awake').at(-1)).toBe('sealing');
    runner.command('room/!awake', 1, { kind: 'sealed', changes: [] });
    await open('room/!asleep', 2);
    runner.command('room/!asleep', 2, { kind: 'sealed', changes: [] });
    await settle();
    expect(await sweep()).toBe(0);
    for (const log of ['room/!asleep', 'room/!awake']) expect(await store.readDue(shardOf(log), now, 9)).toEqual([]);
  });
});
