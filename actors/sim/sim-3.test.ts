import { expect, it } from 'vitest';
import { runPart } from './seeds.ts';

it('a simulated provider keeps its promises, part 3 of the seeds', { timeout: 120_000 }, () => {
  expect(runPart(2)).toEqual([]);
});
