import { expect, it } from 'vitest';
import { Lock, NamedLocks } from './lock.ts';

it('one task at a time, in the order given, also behind one that fails', async () => {
  const lock = new Lock();
  const told: string[] = [];
  const first = Promise.withResolvers<void>();
  const bug = new TypeError('x is not a function');
  const turns = [
    lock.run(async () => {
      await first.promise;
      told.push('first');
    }),
    lock.run(async () => {
      told.push('fails');
      throw bug;
    }),
    lock.run(() => {
      told.push('throws');
      throw bug;
    }),
    lock.run(() => told.push('last')),
  ];
  expect(told).toEqual([]);
  first.resolve();
  // Whoever gave a task that fails, and nobody else, hears of it.
  expect(await Promise.allSettled(turns)).toEqual([
    { status: 'fulfilled', value: undefined },
    { status: 'rejected', reason: bug },
    { status: 'rejected', reason: bug },
    { status: 'fulfilled', value: 4 },
  ]);
  expect(told).toEqual(['first', 'fails', 'throws', 'last']);
});

it('tasks of another name do not wait, also behind one of the same name that fails', async () => {
  const locks = new NamedLocks();
  const held = Promise.withResolvers<void>();
  const told: string[] = [];
  const stuck = locks.run('a', () => held.promise);
  const behind = locks.run('a', async () => told.push('a'));
  await locks.run('b', async () => told.push('b'));
  expect(told).toEqual(['b']);
  held.reject(new TypeError('bug'));
  await expect(stuck).rejects.toThrow('bug');
  await behind;
  expect(told).toEqual(['b', 'a']);
});
