import { describe, expect, it } from 'vitest';
import { coveredKey, decodeCovered } from './covered.ts';
import { Desk, dayMs, logName } from './testing/desk.ts';

const change = { key: 'k', value: Uint8Array.of(1), seq: 1, sub: 0 };

/** What the store holds for said. */
function saidBy(desk: Desk): number {
  const [row] = desk.store.readState(logName, [coveredKey]);
  return decodeCovered(row).through;
}

describe('how far state is complete', () => {
  // Found by random schedules: a fenced process woke up to close its log. Its successor, whose reading had begun, saw what it said and not what that
  // spoke of, took the rows before it for applied, and forgot a send id.
  it.each(['close', 'sealed'] as const)(
    'is not said by an owner that was fenced before state was complete: %s',
    (kind) => {
      const desk = new Desk();
      desk.open();
      desk.append(1, Uint8Array.of(1));
      if (kind === 'sealed') {
        desk.now += 7 * dayMs;
        desk.log.tick(desk.now);
      }
      desk.say(kind, false, [change]);
      desk.fence();
      desk.run();
      expect(desk.last).toEqual({ kind: 'failed', code: 'FENCED' });
      expect(desk.store.readState(logName).map(({ key }) => key)).toEqual(['k']);
    },
  );

  it('may be said late, for it is true by then, whoever owns the log', () => {
    const desk = new Desk();
    desk.open();
    desk.append(1, Uint8Array.of(1));
    desk.say('close', false, [change]);
    // The row, the fence, and then nothing until the process wakes up again.
    desk.step(1);
    desk.step(1);
    desk.fence();
    expect(saidBy(desk)).toBe(0);
    desk.run();
    expect(saidBy(desk)).toBe(1);
  });
});
