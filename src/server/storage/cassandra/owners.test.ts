import { expect, it } from 'vitest';
import { fencedMax, type OwnerConnection, Owners } from './owners.ts';

/** A store that fences whatever it is asked to, and remembers what that was. */
function connection(asked: unknown[]): OwnerConnection {
  return {
    read: async () => [{ alive: false } as never],
    readSerial: async () => [],
    async change(_, { params }) {
      asked.push(params[1]);
      return { applied: true, found: {} as never };
    },
  };
}

it('remembers 1,000 generations as fenced, and asks again of the oldest at one more', async () => {
  expect(fencedMax).toBe(1_000);
  const asked: unknown[] = [];
  const owners = new Owners(connection(asked));
  const fence = (gen: number) => owners.fence({ node: 'n', gen });
  for (let gen = 1; gen <= fencedMax; gen++) await fence(gen);
  for (let gen = 1; gen <= fencedMax; gen++) await fence(gen);
  expect(asked).toHaveLength(fencedMax);
  await fence(fencedMax + 1);
  await fence(2);
  expect(asked).toHaveLength(fencedMax + 1);
  await fence(1);
  expect(asked.slice(fencedMax)).toEqual([fencedMax + 1, 1]);
});
