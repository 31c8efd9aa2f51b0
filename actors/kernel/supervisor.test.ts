import { describe, expect, it } from 'vitest';
import { roomAddress } from './address.ts';
import { Supervisor } from './supervisor.ts';

const room = roomAddress('!r:lux');
const limits = { crashesMax: 3, crashWindowMs: 60_000, quarantineMs: 60_000 };

describe('the supervisor', () => {
  it('quarantines at the third crash within the window, for its time', () => {
    const supervisor = new Supervisor(limits);
    expect([supervisor.crashed(room, 0), supervisor.crashed(room, 100)]).toEqual([0, 0]);
    expect(supervisor.crashed(room, 59_999)).toBe(119_999);
    expect(supervisor.restMs(room, 60_000)).toBe(59_999);
    expect(supervisor.restMs(room, 119_999)).toBe(0);
  });

  it('does not when the third comes after the window', () => {
    const supervisor = new Supervisor(limits);
    supervisor.crashed(room, 0);
    supervisor.crashed(room, 100);
    expect(supervisor.crashed(room, 60_000)).toBe(0);
    expect(supervisor.crashed(room, 60_100)).toBe(0);
    expect(supervisor.restMs(room, 60_100)).toBe(0);
  });

  it('keeps nothing once it does not matter any more', () => {
    const supervisor = new Supervisor(limits);
    supervisor.crashed(room, 0);
    supervisor.sweep(59_999);
    expect(supervisor.size).toBe(1);
    supervisor.sweep(61_000);
    expect(supervisor.size).toBe(0);
  });
});
