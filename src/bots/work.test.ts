import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ClientError } from '#client/errors.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { Work } from './work.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Work whose runs end when the test says. */
function stage(more: { atOnce?: number } = {}) {
  const begun: string[] = [];
  const ends = new Map<string, { resolve: () => void; reject: (error: unknown) => void }>();
  const failures: unknown[] = [];
  const run = (name: string) => {
    begun.push(name);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    ends.set(name, { resolve, reject });
    return promise;
  };
  const work = new Work({ run, failed: (error) => failures.push(error), ...more });
  const settle = async (name: string, error?: unknown) => {
    const end = ends.get(name)!;
    if (error === undefined) end.resolve();
    else end.reject(error);
    await vi.advanceTimersByTimeAsync(0);
  };
  return { work, begun, failures, settle };
}

describe('the work of a bot', () => {
  it('is done eight at once, each name never twice at once, and once more where it was asked for meanwhile', async () => {
    const { work, begun, settle } = stage();
    for (let n = 1; n <= 9; n++) work.add(`${n}`);
    work.add('1');
    work.add('1');
    expect(begun).toEqual(['1', '2', '3', '4', '5', '6', '7', '8']);
    await settle('2');
    expect(begun.slice(8)).toEqual(['9']);
    await settle('1');
    expect(begun.slice(9)).toEqual(['1']);
    await settle('1');
    expect(begun).toHaveLength(10);
  });

  it('is tried again after growing pauses, and after the one that the server asks for where that is longer', async () => {
    const { work, begun, failures, settle } = stage();
    const offline = new ClientError('OFFLINE', 'gone');
    work.add('a');
    for (const ms of [1_000, 2_000, 4_000]) {
      await settle('a', offline);
      const before = begun.length;
      await vi.advanceTimersByTimeAsync(ms - 1);
      expect(begun).toHaveLength(before);
      await vi.advanceTimersByTimeAsync(1);
      expect(begun).toHaveLength(before + 1);
    }
    await settle(
      'a',
      new ClientError('REJECTED', 'busy', { rejection: Rejection.REJECTION_BUSY, retryAfterMs: 30_000 }),
    );
    await vi.advanceTimersByTimeAsync(29_999);
    expect(begun).toHaveLength(4);
    await vi.advanceTimersByTimeAsync(1);
    await settle('a');
    await vi.advanceTimersByTimeAsync(600_000);
    expect(begun).toHaveLength(5);
    expect(failures).toEqual([]);
  });

  it.each([
    [Rejection.REJECTION_ROOM_EXISTS, 0],
    [Rejection.REJECTION_STALE_MANIFEST, 0],
    [Rejection.REJECTION_BAD_REQUEST, 1],
    [Rejection.REJECTION_FORBIDDEN, 1],
  ])('says that the server refused with %i, where that is for good', async (rejection, said) => {
    const { work, begun, failures, settle } = stage();
    work.add('a');
    await settle('a', new ClientError('REJECTED', 'refused', { rejection }));
    expect(failures).toHaveLength(said);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(begun).toEqual(['a', 'a']);
    work.close();
  });

  it('is not held up by what fails, says what waiting does not mend, and ends when it is closed', async () => {
    const { work, begun, failures, settle } = stage({ atOnce: 1 });
    work.add('a');
    work.add('b');
    const bug = new Error('bug');
    await settle('a', bug);
    expect(begun).toEqual(['a', 'b']);
    expect(failures).toEqual([bug]);
    work.close();
    await settle('b');
    work.add('c');
    await vi.advanceTimersByTimeAsync(600_000);
    expect(begun).toEqual(['a', 'b']);
  });
});
