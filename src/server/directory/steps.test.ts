import { describe, expect, it } from 'vitest';
import { inSteps, stepMs, systemWait } from './steps.ts';

describe('an answer', () => {
  it('leaves at the end of the step in which the work ended, and of no other', async () => {
    const steps: (() => void)[] = [];
    const waited: number[] = [];
    const wait = (ms: number) =>
      new Promise<void>((resolve) => {
        waited.push(ms);
        steps.push(resolve);
      });
    const work = Promise.withResolvers<string>();
    let began = 0;
    const answer = inSteps(() => {
      began = waited.length;
      return work.promise;
    }, wait);
    let left = '';
    void answer.then((said) => {
      left = said;
    });
    // The clock runs before the work begins.
    expect([began, waited]).toEqual([1, [stepMs]]);
    steps[0]!();
    await settled();
    expect(waited).toEqual([stepMs, stepMs]);
    work.resolve('found');
    await settled();
    expect(left).toBe('');
    steps[1]!();
    expect(await answer).toBe('found');
    expect(waited).toHaveLength(2);
  });

  it('leaves after a step by the clock of the system, and a failure at once', async () => {
    const began = performance.now();
    expect(await inSteps(async () => 'found', systemWait)).toBe('found');
    // Timers may come a millisecond early.
    expect(performance.now() - began).toBeGreaterThanOrEqual(stepMs - 2);
    const away = () => Promise.reject(new Error('away'));
    await expect(inSteps(away, () => new Promise(() => {}))).rejects.toThrow('away');
  });
});

/** Whatever can go on without a clock has. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
