import { describe, expect, it } from 'vitest';
import { nothingCovered } from './covered.ts';
import { defaultLogLimits } from './limits.ts';
import { type LogContext, openLog, type Stub } from './opening.ts';
import { Redo } from './redo.ts';
import { LogLost, type StoreReply } from './requests.ts';
import { emptySpan, firstMeta } from './segments.ts';

const generation = { node: 'n', gen: 1 };
const context: LogContext = {
  log: 'room/!a',
  generation,
  readsAreDurable: true,
  limits: defaultLogLimits,
  omit: undefined,
  redo: new Redo(),
  now: () => 1_000,
};
const meta = firstMeta(generation);
const stub: Stub = { version: meta.version, nextSeq: 1, covered: nothingCovered, span: emptySpan, floor: 1 };

describe('a log that goes on where it was closed', () => {
  it('asks for its fence after all that it reads, so that the state of a later owner is never handed out', () => {
    // Found by the simulator: a process stood still between the two, its successor wrote state, and the actor got rows beyond its head.
    const replies: readonly StoreReply[] = [
      { op: 'readMeta', meta },
      { op: 'readState', rows: [] },
      { op: 'cover', fence: 'fenced' },
    ];
    const steps = openLog(context, false, stub);
    let step = steps.next({ op: 'unknown' });
    for (const reply of replies.slice(0, -1)) {
      expect(step.value).toMatchObject({ op: reply.op });
      step = steps.next(reply);
    }
    expect(step.value).toEqual({ op: 'cover' });
    expect(() => steps.next(replies.at(-1)!)).toThrow(LogLost);
  });
});
