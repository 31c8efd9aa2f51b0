import { expect, it } from 'vitest';
import { ClientError } from '../errors.ts';
import { forEach } from './saying.ts';

it('does it for each whatever fails, and says the first failure, but a bug before all others', async () => {
  const [lost, busy] = [new ClientError('DISCONNECTED', 'lost'), new ClientError('TIMEOUT', 'busy')];
  const bug = new TypeError('x is not a function');
  const done: unknown[] = [];
  const run = (failures: readonly (Error | undefined)[]) =>
    forEach(failures, async (failure) => {
      done.push(failure);
      if (failure) throw failure;
    });
  await run([undefined, undefined]);
  await expect(run([undefined, lost, busy, undefined])).rejects.toBe(lost);
  await expect(run([lost, bug, busy])).rejects.toBe(bug);
  expect(done).toHaveLength(9);
});
