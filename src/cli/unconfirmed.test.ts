// What a device that is not confirmed says to do. After a log-out of the last device, unsecured, it named a confirmed one that nobody had.
import { expect, it } from 'vitest';
import { type WaysFrom, waysToConfirm } from './unconfirmed.ts';

function device(others: readonly boolean[], backup: boolean): WaysFrom {
  const devices = [{ current: true, confirmed: false }, ...others.map((confirmed) => ({ current: false, confirmed }))];
  return { devices: async () => devices, security: { state: () => ({ backup }) } } as unknown as WaysFrom;
}

it('names a confirmed device, and the password, only where they are there', async () => {
  const ways = (others: readonly boolean[], backup: boolean) => waysToConfirm(device(others, backup), 'lux');
  expect(await ways([true], true)).toBe(
    'run lux unlock and type your password, or run lux verify here, and verify on a confirmed one',
  );
  expect(await ways([false, true], false)).toBe('run lux verify here, and verify on a confirmed one');
  expect(await ways([false], true)).toBe('run lux unlock and type your password');
  for (const others of [[], [false]]) expect(await ways(others, false)).toMatch(/^run lux secure --start-over, which /);
});
