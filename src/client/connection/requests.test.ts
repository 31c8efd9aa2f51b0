import { beforeEach, describe, expect, it, vi } from 'vitest';
import { Rejection } from '#proto/gen/codes.ts';
import { ClientError } from '../errors.ts';
import type { ClientBody } from './connection.ts';
import { patiently, type Requesting } from './requests.ts';

const ask: ClientBody = { $case: 'listDevices', value: {} };

function refusing(...answers: (Rejection | 'ok')[]) {
  let asked = 0;
  const connection = {
    state: 'live',
    request: async () => {
      const answer = answers[Math.min(asked++, answers.length - 1)];
      if (answer === 'ok') return { devices: [], manifest: undefined };
      throw new ClientError('REJECTED', 'no', { rejection: answer as Rejection, retryAfterMs: 50 });
    },
  };
  return { connection: connection as unknown as Requesting & { state: string }, asked: () => asked };
}

describe('a request', () => {
  beforeEach(() => {
    vi.useFakeTimers();
    return () => vi.useRealTimers();
  });

  it('is repeated where the server says not now', async () => {
    const { connection, asked } = refusing(Rejection.REJECTION_BUSY, Rejection.REJECTION_RATE_LIMITED, 'ok');
    const answer = patiently(connection, ask, 'deviceList', () => 0);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await answer).toMatchObject({ devices: [] });
    expect(asked()).toBe(3);
  });

  it('is not repeated where the server says no', async () => {
    const { connection, asked } = refusing(Rejection.REJECTION_FORBIDDEN, 'ok');
    await expect(patiently(connection, ask, 'deviceList', () => 0)).rejects.toMatchObject({ code: 'REJECTED' });
    expect(asked()).toBe(1);
  });

  it('is given up after twenty seconds', async () => {
    const { connection, asked } = refusing(Rejection.REJECTION_BUSY);
    const answer = expect(patiently(connection, ask, 'deviceList', () => 0)).rejects.toMatchObject({
      rejection: Rejection.REJECTION_BUSY,
    });
    await vi.advanceTimersByTimeAsync(60_000);
    await answer;
    expect(asked()).toBeLessThan(15);
  });

  it.each([
    [20_000, 2],
    [20_001, 1],
  ])('that is to wait for %i ms is made %i times', async (retryAfterMs, times) => {
    let asked = 0;
    const refusal = new ClientError('REJECTED', 'no', { rejection: Rejection.REJECTION_RATE_LIMITED, retryAfterMs });
    const request = async () => {
      asked += 1;
      throw refusal;
    };
    const answer = expect(patiently({ state: 'live', request } as never, ask, 'deviceList', () => 0)).rejects.toBe(
      refusal,
    );
    await vi.advanceTimersByTimeAsync(60_000);
    await answer;
    expect(asked).toBe(times);
  });

  it('is given up with its session', async () => {
    const { connection, asked } = refusing(Rejection.REJECTION_BUSY);
    const answer = expect(patiently(connection, ask, 'deviceList', () => 0)).rejects.toMatchObject({
      code: 'REJECTED',
    });
    connection.state = 'offline';
    await vi.advanceTimersByTimeAsync(1_000);
    await answer;
    expect(asked()).toBe(1);
  });
});
