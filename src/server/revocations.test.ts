// A device whose tokens ended leaves the account although the user's log fails again and again; all on a virtual clock.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { LogAnswer } from '#actors/log/messages.ts';
import { UserActor } from '#actors/user/user.ts';
import { nodePrimitives } from './primitives.ts';
import { Revocations, revocationLimits } from './revocations.ts';
import { Runtime } from './runtime.ts';
import { silentLog } from './telemetry/log.ts';

const user = '@alice:localhost';
const { retryMs, retryMaxMs } = revocationLimits;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('an order to take a device out of an account', () => {
  it('is told again until it is confirmed, after twice as long each time, up to a minute', () => {
    const began = Date.now();
    const told: number[] = [];
    const revocations = new Revocations(() => told.push(Date.now() - began));
    revocations.owe(user, 2);
    vi.advanceTimersByTime(200_000);
    expect(told).toEqual([0, 1, 3, 7, 15, 31, 63, 123, 183].map((times) => times * retryMs));
    expect((told.at(-1) ?? 0) - (told.at(-2) ?? 0)).toBe(retryMaxMs);
    revocations.confirmed(user, 3);
    expect(revocations.size).toBe(1);
    revocations.confirmed(user, 2);
    vi.advanceTimersByTime(200_000);
    expect([told.length, revocations.size, vi.getTimerCount()]).toEqual([9, 0, 0]);
  });

  it('is remembered up to n and told once at n + 1, and no more once the node drains', () => {
    const told: number[] = [];
    const revocations = new Revocations((_, device) => told.push(device), { owedMax: 2 });
    for (const device of [1, 2, 3, 1]) revocations.owe(user, device);
    vi.advanceTimersByTime(retryMs);
    expect(told).toEqual([1, 2, 3, 1, 1, 2]);
    revocations.end();
    revocations.owe(user, 4);
    expect([told.at(-1), revocations.size, vi.getTimerCount()]).toEqual([4, 0, 0]);
  });

  it('survives a log that fails while the user actor opens', async () => {
    let failures = 3;
    let opens = 0;
    const revoked: number[] = [];
    const never = () => {
      throw new Error('nobody asks for this here');
    };
    const runtime = new Runtime({
      create: {
        session: never,
        room: never,
        user: (id, incarnation) =>
          new UserActor(id, incarnation, {
            primitives: nodePrimitives,
            heartbeatSeconds: 30,
            limitInvitations: true,
            isBot: () => false,
            infoBot: '',
          }),
      },
      publish: never,
      checkToken: never,
      revokeDevice: async (_, device) => void revoked.push(device),
      logs: (answer) => ({
        command: (actor, incarnation) => {
          opens++;
          const opened: LogAnswer = { kind: 'opened', exists: false, state: [], rows: [], nextSeq: 1, floor: 1 };
          answer(actor, incarnation, failures-- > 0 ? { kind: 'failed', code: 'UNAVAILABLE' } : opened);
        },
        forget: () => {},
        peek: async () => null,
      }),
      log: silentLog,
    });
    runtime.deviceRevoked(user, 2);
    await vi.advanceTimersByTimeAsync(7 * retryMs + 100);
    expect([opens, revoked]).toEqual([4, [2]]);
    await vi.advanceTimersByTimeAsync(2 * retryMaxMs);
    expect(opens).toBe(4);
  });
});
