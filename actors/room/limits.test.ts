import { expect, it } from 'vitest';
import { defaultRoomLimits } from './limits.ts';

const dayMs = 86_400_000;

it('a row ends so early that its file is gone 24 months after sending at the latest: a week of the file, a day of grace, a minute of the clock', () => {
  const { retentionMs, clockBehindMaxMs } = defaultRoomLimits;
  const shortestTwoYearsMs = 730 * dayMs;
  expect(clockBehindMaxMs + retentionMs + 7 * dayMs + dayMs).toBe(shortestTwoYearsMs);
});
