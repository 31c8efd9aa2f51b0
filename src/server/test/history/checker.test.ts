// The checker finds nothing in good histories, and every mistake by its own name: a checker that finds nothing would make every fault test pass.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { check } from './checker.ts';
import type { HistoryEvent, Seen } from './events.ts';
import type { FinalLog } from './final-log.ts';
import { devices, GoodHistory, room, type Step } from './good-history.ts';
import { mistakes, mistakesOfGuests, type Spoiled } from './mistakes.ts';
import { Recorder, readHistory, writeHistory } from './recorder.ts';
import { type ViolationCode, violationTexts } from './violations.ts';

const codes = Object.keys(violationTexts) as ViolationCode[];
const scripts = fc.array(fc.record({ who: fc.nat(2), what: fc.nat(5) }), { maxLength: 60 });

describe('a good history', () => {
  it('passes', () => {
    expect(codesOf(unspoiled([]))).toEqual([]);
  });

  it('passes whatever happens in it', () => {
    const property = fc.property(scripts, (steps) => {
      expect(codesOf(unspoiled(steps))).toEqual([]);
    });
    fc.assert(property, { numRuns: 300 });
  });

  it('passes where its first records expired meanwhile', () => {
    const history = unspoiled([]);
    history.logs = history.logs.map((log) => ({ ...log, floor: 4, records: log.records.slice(3) }));
    expect(codesOf(history)).toEqual([]);
  });

  it('passes where a device stays away, or may not read any more', () => {
    const [device] = devices as [string];
    for (const why of ['away', 'left'] as const) {
      const history = unspoiled([]);
      mistakes['device-behind'](history);
      const head = history.logs[0]?.records.length ?? 0;
      const event: HistoryEvent =
        why === 'away' ? { kind: 'away', device } : { kind: 'left', device, room, through: head, owed: head - 1 };
      history.events.push({ ...event, at: 0 });
      expect(codesOf(history)).toEqual([]);
    }
  });

  it('passes where a recovery says that it has a gap, and where an inbox asks for a full sync', () => {
    const history = unspoiled([]);
    mistakes['recovery-stale'](history);
    mistakes['inbox-forgotten'](history);
    const [gap, full] = [history.events.at(-3), history.events.at(-1)];
    history.events.splice(-3, 1, { ...(gap as Seen), gap: true } as Seen);
    history.events.splice(-1, 1, { ...(full as Seen), needsFullSync: true } as Seen);
    expect(codesOf(history)).toEqual([]);
  });
});

describe('a history with one mistake', () => {
  it.each(codes)('%s', (code) => {
    const history = unspoiled([]);
    mistakes[code](history);
    expect(codesOf(history)).toEqual([code]);
    expect(check(history.events, history.logs, { except: [code] }).violations).toEqual([]);
  });

  it.each(Object.entries(mistakesOfGuests))('where a guest %s', (_, [code, plant]) => {
    for (const steps of [
      [],
      [{ who: 0, what: 5 }],
      [
        { who: 2, what: 5 },
        { who: 0, what: 4 },
      ],
    ]) {
      const history = unspoiled(steps);
      plant(history);
      expect(codesOf(history)).toEqual([code]);
    }
  });

  it('is found whatever else happens in it', () => {
    const property = fc.property(scripts, fc.constantFrom(...codes), (steps, code) => {
      const history = unspoiled(steps);
      mistakes[code](history);
      expect(codesOf(history)).toEqual([code]);
    });
    fc.assert(property, { numRuns: 1_000 });
  });
});

describe('a recording', () => {
  it('is the same after it was written as lines and read again', () => {
    const { events } = unspoiled([]);
    const folder = mkdtempSync(join(tmpdir(), 'luxchat-history-'));
    const path = join(folder, 'history.jsonl');
    writeHistory(events, path);
    expect(readHistory(readFileSync(path, 'utf8'))).toEqual(events);
    rmSync(folder, { recursive: true });
  });

  it('throws when it is full', () => {
    const recorder = new Recorder({ eventsMax: 2 });
    recorder.mark('one');
    recorder.mark('two');
    expect(() => recorder.mark('three')).toThrow(RangeError);
    expect(recorder.history).toHaveLength(2);
  });

  it('tells when so many more events were noted, and when it is whole', async () => {
    const recorder = new Recorder();
    const told: string[] = [];
    const waits = [recorder.after(2).then(() => told.push('two')), recorder.after(9).then(() => told.push('nine'))];
    recorder.mark('one');
    await Promise.resolve();
    expect(told).toEqual([]);
    recorder.mark('two');
    await waits[0];
    expect(told).toEqual(['two']);
    recorder.end();
    await waits[1];
    await recorder.after(1);
    expect(told).toEqual(['two', 'nine']);
  });

  it('is looked at as often, event by event, however long it is, and so is its final log', () => {
    const looksAt = (length: number) => {
      const steps = Array.from({ length }, (_, n) => ({ who: n, what: n % 97 === 0 ? n % 6 : 4 }));
      const { events, logs } = unspoiled(steps);
      const [seen, lines] = [counted(events), counted(logs[0]?.records ?? [])];
      const log = { ...(logs[0] as FinalLog), records: lines.list };
      expect(codesOf({ events: seen.list as Seen[], logs: [log, ...logs.slice(1)] })).toEqual([]);
      return [seen.looks / events.length, lines.looks / lines.list.length];
    };
    const [short, long] = [looksAt(500), looksAt(10_000)];
    for (const [n, looks] of long.entries()) expect(looks).toBeLessThan(1.1 * (short[n] ?? 0));
  });
});

function unspoiled(steps: readonly Step[]): Spoiled {
  const good = new GoodHistory(steps);
  return { events: [...good.recorder.history], logs: good.logs() };
}

/** The same list, and how often somebody looked at one of it. */
function counted<T>(of: readonly T[]): { readonly list: readonly T[]; readonly looks: number } {
  let looks = 0;
  const list = new Proxy(of, {
    get(target, name) {
      if (name !== 'length' && typeof name === 'string') looks += 1;
      return target[name as keyof typeof target];
    },
  });
  return {
    list,
    get looks() {
      return looks;
    },
  };
}

/** Each code that was found, once. */
function codesOf({ events, logs }: Spoiled): ViolationCode[] {
  return [...check(events, logs).counts.keys()];
}
