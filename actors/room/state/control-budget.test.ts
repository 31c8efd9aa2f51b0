import { describe, expect, it } from 'vitest';
import { limits } from '#proto/rules/limits.ts';
import { ControlBudget } from './control-budget.ts';

const { controlBurst, controlEveryMs } = limits;
const start = 1_700_000_000_000;

function spent(count: number): ControlBudget {
  const budget = new ControlBudget();
  for (let n = 0; n < count; n++) budget.take(1, start);
  return budget;
}

describe('the budget of control entries', () => {
  it('is 1,024 at once and one more every 20 seconds, for each member', () => {
    expect(spent(controlBurst - 1).waitMs(1, start)).toBe(0);
    const budget = spent(controlBurst);
    expect(budget.waitMs(1, start)).toBe(controlEveryMs);
    expect(budget.waitMs(2, start)).toBe(0);
    expect(budget.waitMs(1, start + controlEveryMs - 1)).toBe(1);
    expect(budget.waitMs(1, start + controlEveryMs)).toBe(0);
    budget.take(1, start + controlEveryMs);
    expect(budget.waitMs(1, start + controlEveryMs)).toBe(controlEveryMs);
    expect(budget.waitMs(1, start + 2 * controlBurst * controlEveryMs)).toBe(0);
  });

  it('is remembered by its row until it is full again', () => {
    const budget = spent(controlBurst);
    const again = new ControlBudget();
    again.load(budget.toRow(start));
    expect(again.waitMs(1, start)).toBe(controlEveryMs);
    expect(budget.toRow(start + controlBurst * controlEveryMs - 1)).toHaveLength(1);
    expect(budget.toRow(start + controlBurst * controlEveryMs)).toEqual([]);
  });
});
