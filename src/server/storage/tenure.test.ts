// What becomes of a step of ownership whose answer did not come.
import { expect, it } from 'vitest';
import type { OwnershipSteps } from '#actors/log/ownership.ts';
import type { ShardOwner } from '#actors/ports/log-store.ts';
import { StorageError } from './store.ts';
import { walk } from './tenure.ts';

const generation = { node: 'n', gen: 1 };

/** Whether a change was applied, as the steps hear it; null = nobody knows. */
async function heard(failure: Error): Promise<unknown> {
  function* steps(): OwnershipSteps<unknown> {
    return yield { op: 'casShard', shard: 1, expected: null, owner: generation as unknown as ShardOwner };
  }
  const store = { casShard: () => Promise.reject(failure) };
  return await walk(store as unknown as Parameters<typeof walk>[0], steps());
}

it('is not known where the store failed, and is no answer where the code did', async () => {
  expect(await heard(new StorageError('UNANSWERED', 'no'))).toEqual({ op: 'casShard', applied: null });
  const bug = new TypeError('x is not a function');
  await expect(heard(bug)).rejects.toBe(bug);
});
